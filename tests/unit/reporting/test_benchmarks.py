"""The registry of published figures; the traps in its sources, by name."""

import csv
import io
from decimal import Decimal

import pytest

from marketplace.reporting.errors import BenchmarkRefused, TableUnreadable
from marketplace.reporting.rules.benchmarks import (
    MATCH_RATE,
    check_fit,
    choose,
    conflicts,
    read_benchmarks,
)

HEADER = (
    "match_year,population,metric,specialty,numerator,denominator,value,unit,status,source,note"
)


def of(registry, **wanted):
    (found,) = [
        item
        for item in registry
        if all(getattr(item, name) == value for name, value in wanted.items())
    ]
    return found


@pytest.mark.parametrize(("population", "printed"), [("us_img", "67.8"), ("non_us_img", "58.0")])
def test_trap_the_2025_rates_printed_as_2024_are_refused(registry, population, printed):
    wrong = of(registry, match_year=2024, population=population, value=Decimal(printed))
    assert wrong.status == "disputed"
    with pytest.raises(BenchmarkRefused, match="2025 figure"):
        check_fit(wrong, 2024, population, MATCH_RATE)
    chosen = choose(registry, 2024, population)
    assert chosen.benchmark is not None
    assert chosen.benchmark.value != Decimal(printed)
    assert wrong in chosen.conflicts
    right = choose(registry, 2025, population).benchmark
    assert right is not None
    assert right.value == Decimal(printed)


def test_trap_14772_are_active_applicants_not_registered(registry):
    img = of(registry, match_year=2024, population="img", metric=MATCH_RATE)
    assert (img.numerator, img.denominator) == (9045, 14772)
    assert img.denominator_counts == "active applicants (certified rank order list)"
    assert "they are active applicants" in img.note
    with pytest.raises(BenchmarkRefused, match="wrong metric"):
        check_fit(img, 2024, "img", "placement_rate_all_applicants")


@pytest.mark.parametrize("population", ["peer_amo_us_img", "peer_amo_non_us_img"])
def test_trap_a_peers_rates_without_n_are_refused(registry, population):
    peer = of(registry, match_year=2024, population=population)
    assert peer.status == "seed_only"
    assert peer.denominator is None
    with pytest.raises(BenchmarkRefused, match="seed_only"):
        check_fit(peer, 2024, population, MATCH_RATE)
    choice = choose(registry, 2024, population)
    assert choice.benchmark is None
    assert "no n, no response rate" in choice.reason


def test_the_registry_says_no_place_of_ours(registry):
    assert all("seeds/" not in item.source for item in registry)


@pytest.mark.parametrize(
    ("year", "population", "metric", "reason"),
    [
        (2023, "us_img", MATCH_RATE, "wrong Match year"),
        (2024, "non_us_img", MATCH_RATE, "wrong population"),
        (2024, "us_img", "placement_rate_active", "wrong metric"),
    ],
)
def test_a_misfit_is_refused_with_its_reason(registry, year, population, metric, reason):
    fits = choose(registry, 2024, "us_img").benchmark
    check_fit(fits, 2024, "us_img", MATCH_RATE)
    with pytest.raises(BenchmarkRefused, match=reason) as refusal:
        check_fit(fits, year, population, metric)
    assert refusal.value.extra["reason"].startswith(reason)


def test_a_score_is_no_proportion(registry):
    score = next(item for item in registry if item.unit == "score")
    with pytest.raises(BenchmarkRefused, match="no proportion"):
        _ = score.proportion


def test_a_year_without_a_figure_has_none(registry):
    choice = choose(registry, 2019, "img")
    assert choice.benchmark is None
    assert "no figure is known" in choice.reason


def test_rounding_half_widths(registry):
    assert choose(registry, 2024, "us_img").benchmark.half_width == Decimal("0.05")
    whole = of(registry, population="img", specialty="internal_medicine", value=Decimal(43))
    assert whole.half_width == Decimal("0.5")
    assert (whole.lowest, whole.highest) == (0.425, 0.435)


def test_the_better_status_wins():
    lines = [
        HEADER,
        "2024,img,pgy1_match_rate,,,,60.0,percent,reprint,a reprint,",
        "2024,img,pgy1_match_rate,,,,61.2,percent,primary,the source,",
    ]
    choice = choose(read_benchmarks(lines), 2024, "img")
    assert choice.benchmark.status == "primary"
    assert [item.source for item in choice.conflicts] == ["a reprint"]


def test_conflicts_are_listed(registry):
    found = {(g[0].match_year, g[0].population, g[0].specialty) for g in conflicts(registry)}
    assert found == {
        (2024, "us_img", None),
        (2024, "non_us_img", None),
        (2024, "img", "family_medicine"),
    }


def test_every_published_share_agrees_with_its_counts(registry):
    """Where a source prints both, the rate is that of the counts to the printed digit."""
    for item in registry:
        if item.numerator is not None and item.denominator is not None:
            share = Decimal(100 * item.numerator) / item.denominator
            assert abs(share - item.value) <= item.half_width, item


def test_every_bad_cell_is_named():
    row = ["24", "", "m", "", "x", "-1", "101", "percent", "rumour", "", "n"]
    text = io.StringIO()
    csv.writer(text).writerow(row)
    with pytest.raises(TableUnreadable) as refusal:
        read_benchmarks([HEADER, text.getvalue()])
    assert [(cell.row, cell.column) for cell in refusal.value.cells] == [
        (2, "match_year"),
        (2, "population"),
        (2, "numerator"),
        (2, "denominator"),
        (2, "status"),
        (2, "source"),
    ]
    with pytest.raises(TableUnreadable, match="1 cell"):
        read_benchmarks([HEADER, "2024,img,m,,,,101,percent,primary,s,"])
