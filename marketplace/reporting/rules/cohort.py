"""The report of a cohort: everything that is said of one Match year's panel.

The same function makes the product's own report and that of a panel from elsewhere. Its answer
is plain data. With hidden counts it gives the published form: see `showing` and `publication`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from marketplace.reporting.rules import aapor, bounds, flow, groupings
from marketplace.reporting.rules.benchmarks import Benchmark, Choice, choose
from marketplace.reporting.rules.claims import Against, Claim, RateFacts, make
from marketplace.reporting.rules.cohort_weights import (
    has_small_cell,
    kinds_of,
    may_be_shown,
    weighting_document,
)
from marketplace.reporting.rules.exact_tests import (
    BinomialTest,
    benchmark_rounding,
    binomial_test,
    holm,
)
from marketplace.reporting.rules.intervals import clopper_pearson, ratio, wilson
from marketplace.reporting.rules.panel import DISPOSITIONS, SOURCES, PanelRow
from marketplace.reporting.rules.proportions import compare
from marketplace.reporting.rules.publication import (
    SMALL,
    Earlier,
    Hiding,
    hidden_counts,
    hiding,
)
from marketplace.reporting.rules.showing import HIDDEN, Shown

# the first published the groups by applicant type alone, the second no programs, the third each
# group's weighting by itself, the fourth without a look at letter rates; what they made is worked
# out by them again
ALONE, NAMELESS, APART, UNCAPPED = "cohort-1", "cohort-2", "cohort-3", "cohort-4"
METHOD = "cohort-5"
# a panel holds IMGs only, so its whole is compared with the published rate of IMGs
POPULATIONS = {"all": "img", "us_img": "us_img", "non_us_img": "non_us_img"}
WHOM = {"all": "the IMGs", "us_img": "the US IMGs", "non_us_img": "the non-US IMGs"}
RATE = ("matched_pgy1", "active_applicants")
RATE_AND_SILENT = (*RATE, "silent")
CLAIMED = (
    *RATE_AND_SILENT,
    "responded_I_or_P",
    "eligible",
    "disposition_I",
    "matched_verified",
)
# each AAPOR rate of a panel without unknown cases, by the counts that it is a function of
AAPOR_INPUTS: Mapping[str, tuple[str, ...]] = {
    "e": ("eligible", "disposition_NE"),
    "RR1": ("disposition_I", "eligible"),
    "RR2": ("responded_I_or_P", "eligible"),
    "RR3": ("disposition_I", "eligible"),
    "RR4": ("responded_I_or_P", "eligible"),
    "RR5": ("disposition_I", "eligible"),
    "RR6": ("responded_I_or_P", "eligible"),
    "COOP1": ("disposition_I", "contacted"),
    "COOP2": ("responded_I_or_P", "contacted"),
    "COOP3": ("disposition_I", "responded_I_or_P", "disposition_R"),
    "COOP4": ("responded_I_or_P", "disposition_R"),
    "REF1": ("disposition_R", "eligible"),
    "REF2": ("disposition_R", "eligible"),
    "REF3": ("disposition_R", "eligible"),
    "CON1": ("contacted", "eligible"),
    "CON2": ("contacted", "eligible"),
    "CON3": ("contacted", "eligible"),
}
FLOW = (
    "rows",
    "eligible",
    "invited",
    "delivered",
    "contacted",
    "responded_I_or_P",
    "match_items_answered",
    "silent",
    "registered",
    "active_applicants",
    "matched_pgy1",
    "matched_pgy2_only",
)


@dataclass(frozen=True, slots=True)
class Tested:
    """A group's rate against its benchmark; without one, why not."""

    choice: Choice
    test: BinomialTest | None
    p_holm: float | None
    # an adjusted p-value is a function of every tested group's counts
    family_shown: bool


def report(
    rows: Sequence[PanelRow],
    *,
    year: int,
    as_of: date | None = None,
    benchmarks: Sequence[Benchmark] = (),
    public: bool = False,
    k: int = SMALL,
    earlier: Sequence[Earlier] = (),
    method: str = METHOD,
) -> dict[str, Any]:
    """The report of `rows`, the frame of Match year `year`, as plain data.

    Proportions are in 0 to 1; a rate without a denominator is None. `public` hides counts from
    1 to k - 1, whatever else would give them away, and every figure that depends on one; versions
    that were published `earlier` are taken into account. `CannotHide` if they leave no safe way.
    """
    if method in {ALONE, NAMELESS}:
        rows = groupings.naming(rows, ())
    elif public:
        rows = groupings.naming(rows, groupings.namable(rows, k))
    table = flow.cells(rows)
    panel = groupings.Panel.of(rows if method != ALONE else ())
    hides = _hides(panel, table, k, earlier, method) if public else Hiding({}, {})
    groups = {
        group: Shown(flow.count(table, group), hides.groups.get(group, frozenset()))
        for group in flow.GROUPS
    }
    unweighted = _unweighted(rows, k, hides, earlier, method) if public else ()
    tested = _test(groups, benchmarks, year)
    documents = {group: _group(shown, tested[group]) for group, shown in groups.items()}
    claims = [
        claim
        for group, shown in groups.items()
        for claim in _claims(group, shown, tested[group], year, as_of, method)
    ]
    document = {
        "match_year": year,
        "as_of": as_of.isoformat() if as_of else None,
        "public": public,
        "k": k if public else None,
        "hidden": HIDDEN if public else None,
        "groups": documents,
        "dispositions": documents["all"]["dispositions"],
        "aapor": documents["all"]["aapor"],
        "weighting": {
            group: HIDDEN if group in unweighted else weighting_document(rows, group)
            for group in groups
        },
        "claims": [asdict(claim) for claim in claims],
        "benchmarks": {group: _benchmark_document(tested[group].choice) for group in groups},
    }
    if method != ALONE:
        sorted_as = groupings.documents(panel.counts, hides.groupings)
        document |= {"method": method, "groupings": sorted_as}
    return document


def _hides(
    panel: groupings.Panel,
    table: Mapping[flow.Cell, int],
    k: int,
    earlier: Sequence[Earlier],
    method: str,
) -> Hiding:
    if method == ALONE:
        return Hiding(hidden_counts(table, k), {})
    return hiding(panel, k, earlier, capped=method not in {NAMELESS, APART, UNCAPPED})


def _unweighted(
    rows: Sequence[PanelRow], k: int, hides: Hiding, earlier: Sequence[Earlier], method: str
) -> Collection[str]:
    """The groups whose weighting is hidden."""
    if method in {ALONE, NAMELESS, APART}:
        return [group for group in flow.GROUPS if has_small_cell(kinds_of(rows, group), k)]
    before = [version.rows for version in earlier]
    shown = may_be_shown(rows, k, hides.groups, hides.groupings, before)
    return () if shown else flow.GROUPS


def _group(shown: Shown, tested: Tested) -> dict[str, Any]:
    document: dict[str, Any] = {name: shown.count(name) for name in FLOW}
    document |= {
        "match_rate": shown.figure(ratio, *RATE),
        "wilson95": shown.figure(_limits(wilson), *RATE),
        "clopper_pearson95": shown.figure(_limits(clopper_pearson), *RATE),
        "placed_pgy1_active": shown.count("placed_pgy1_active"),
        "placement_rate_active": shown.figure(ratio, "placed_pgy1_active", "active_applicants"),
        "placed_pgy1_all_registered": shown.count("placed_pgy1_all_registered"),
        "placement_rate_all_registered": shown.figure(
            ratio, "placed_pgy1_all_registered", "registered"
        ),
        "outside_match": shown.count("outside_match"),
        "manski_unknown_applicants": shown.figure(_manski, *RATE_AND_SILENT),
        "matched_by_source": {source: shown.count(f"matched_{source}") for source in SOURCES},
        "matched_verified": shown.count("matched_verified"),
        "share_of_matches_verified": shown.figure(ratio, "matched_verified", "matched_pgy1"),
        "matched_verified_only_rate_lower": shown.figure(
            ratio, "matched_verified", "active_applicants"
        ),
        "lor_known": shown.count("lor_known"),
        "lor_earned": shown.count("lor_earned"),
        "lor_rate": shown.figure(ratio, "lor_earned", "lor_known"),
        "lor_wilson95": shown.figure(_limits(wilson), "lor_earned", "lor_known"),
        "dispositions": {code: shown.count(f"disposition_{code}") for code in DISPOSITIONS},
        "aapor": _aapor(shown),
    }
    return document | _against_benchmark(shown, tested)


def _aapor(shown: Shown) -> dict[str, Any]:
    rates = aapor.rates(flow.dispositions(shown.counts))
    return {
        name: rates[name] if shown.shows(*inputs) else HIDDEN
        for name, inputs in AAPOR_INPUTS.items()
    }


def _test(
    groups: Mapping[str, Shown], benchmarks: Sequence[Benchmark], year: int
) -> dict[str, Tested]:
    choices = {group: choose(benchmarks, year, POPULATIONS[group]) for group in groups}
    tests = {
        group: _tested(groups[group].counts, found)
        for group, choice in choices.items()
        if (found := choice.benchmark) is not None
    }
    adjusted = holm(
        {group: test.p_two_sided for group, test in tests.items() if test.p_two_sided is not None}
    )
    family_shown = all(groups[group].shows(*RATE) for group in tests)
    return {
        group: Tested(choice, tests.get(group), adjusted.get(group), family_shown)
        for group, choice in choices.items()
    }


def _tested(counts: Mapping[str, int], benchmark: Benchmark) -> BinomialTest:
    return binomial_test(counts["matched_pgy1"], counts["active_applicants"], benchmark.proportion)


def _against_benchmark(shown: Shown, tested: Tested) -> dict[str, Any]:
    benchmark, test = tested.choice.benchmark, tested.test
    if benchmark is None or test is None:
        return {"benchmark": None, "no_benchmark_because": tested.choice.reason}

    def let(value: Any) -> Any:
        return value if shown.shows(*RATE) else HIDDEN

    return {
        "benchmark": benchmark.proportion,
        "p_two_sided": let(test.p_two_sided),
        "p_greater": let(test.p_greater),
        "p_less": let(test.p_less),
        "p_holm": let(tested.p_holm) if tested.family_shown else HIDDEN,
        "p_two_sided_over_rounding": shown.figure(
            lambda x, n: asdict(
                benchmark_rounding(x, n, benchmark.proportion, benchmark.lowest, benchmark.highest)
            ),
            *RATE,
        ),
        "tipping_point": shown.figure(
            lambda x, n, silent: asdict(
                bounds.tipping_point(x, n, n + silent, benchmark.proportion)
            ),
            *RATE_AND_SILENT,
        ),
        "benchmark_without_panel": shown.figure(
            lambda x, n: _without_panel(x, n, benchmark), *RATE
        ),
    }


def _without_panel(x: int, n: int, benchmark: Benchmark) -> dict[str, Any] | None:
    """The panel against the rest of the nation, where the published counts allow it."""
    if benchmark.numerator is None or benchmark.denominator is None:
        return None
    others_x, others_n = benchmark.numerator - x, benchmark.denominator - n
    if not 0 <= others_x <= others_n:
        return None
    against = compare(x, n, others_x, others_n)
    return {
        "matched_pgy1": others_x,
        "active_applicants": others_n,
        "rate": ratio(others_x, others_n),
        "diff": against.difference.estimate,
        "newcombe95": against.difference.limits(),
        "fisher_p_two_sided": against.fisher_p_two_sided,
    }


def _claims(
    group: str, shown: Shown, tested: Tested, year: int, as_of: date | None, method: str
) -> list[Claim]:
    if not shown.shows(*CLAIMED):
        return []
    counts = shown.counts
    x, n = (counts[name] for name in RATE)
    rates = aapor.rates(flow.dispositions(counts))
    facts = RateFacts(
        group=group,
        whom=WHOM[group],
        year=year,
        matched=x,
        active=n,
        interval=wilson(x, n),
        responded=counts["responded_I_or_P"],
        eligible=counts["eligible"],
        rr1=rates["RR1"],
        rr2=rates["RR2"],
        bounds=bounds.unknown_applicants(x, n, counts["silent"]),
        matched_verified=counts["matched_verified"],
        as_of=as_of,
        shares_nothing=method in {ALONE, NAMELESS, APART},
    )
    return make(facts, _against(counts, tested))


def _against(counts: Mapping[str, int], tested: Tested) -> Against | None:
    benchmark, test = tested.choice.benchmark, tested.test
    if benchmark is None or test is None or not tested.family_shown:
        return None
    if test.p_two_sided is None or tested.p_holm is None:
        return None
    x, n, silent = (counts[name] for name in RATE_AND_SILENT)
    tipping = bounds.tipping_point(x, n, n + silent, benchmark.proportion)
    return Against(benchmark, test.p_two_sided, tested.p_holm, tipping)


def _benchmark_document(choice: Choice) -> dict[str, Any]:
    def described(item: Benchmark) -> dict[str, Any]:
        return {
            "value": str(item.value),
            "unit": item.unit,
            "half_width": str(item.half_width),
            "numerator": item.numerator,
            "denominator": item.denominator,
            "denominator_counts": item.denominator_counts,
            "status": item.status,
            "source": item.source,
            "note": item.note,
        }

    return {
        "used": described(choice.benchmark) if choice.benchmark else None,
        "reason": choice.reason,
        "conflicts": [described(item) for item in choice.conflicts],
    }


def _limits(interval: Callable[[int, int], Any]) -> Callable[[int, int], list[float | None]]:
    return lambda x, n: list(interval(x, n).limits())


def _manski(x: int, n: int, silent: int) -> list[float | None]:
    found = bounds.unknown_applicants(x, n, silent)
    return [found.lower, found.upper]
