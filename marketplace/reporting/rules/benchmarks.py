"""The registry of published figures, and which of them a rate may be tested against.

A test needs a benchmark of the same Match year, population and metric, or there is none.
Figures of status `disputed` or `seed_only` are shown with their reason and never tested
against. Where sources disagree, all are listed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from marketplace.reporting.errors import BadCell, BenchmarkRefused, TableUnreadable
from marketplace.reporting.rules.tables import (
    COUNT,
    NOT_EMPTY,
    TEXT,
    YEAR,
    Column,
    one_of,
    read_values,
)

MATCH_RATE = "pgy1_match_rate"
# a better status wins where several sources print the same figure
STATUSES = ("primary", "secondary", "reprint", "derived", "disputed", "seed_only")
UNTESTABLE = frozenset({"disputed", "seed_only"})
HUNDRED = Decimal(100)
UNITS = ("percent", "score")
# what a published denominator counts, whatever its source calls it
DENOMINATORS: Mapping[str, str] = MappingProxyType(
    {
        MATCH_RATE: "active applicants (certified rank order list)",
        "placement_rate_active": "active applicants (certified rank order list)",
        "placement_rate_all_applicants": "all registered applicants",
        "share_of_matched_pgy1": "all applicants matched to PGY-1 positions",
        "share_of_pgy1_positions_filled": "PGY-1 positions filled",
        "share_of_pgy1_positions_offered": "PGY-1 positions offered",
    }
)


def _printed(text: str) -> Decimal:
    if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        raise ValueError
    return Decimal(text)


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "match_year": YEAR,
        "population": NOT_EMPTY,
        "metric": NOT_EMPTY,
        "specialty": TEXT,
        "numerator": COUNT,
        "denominator": COUNT,
        "value": Column(_printed, "a number as it was printed", required=True),
        "unit": one_of(*UNITS, required=True),
        "status": one_of(*STATUSES, required=True),
        "source": NOT_EMPTY,
        "note": TEXT,
    }
)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One published figure as it was printed; `value` keeps the printed digits."""

    match_year: int
    population: str
    metric: str
    specialty: str | None
    numerator: int | None
    denominator: int | None
    value: Decimal
    unit: str
    status: str
    source: str
    note: str = ""

    @property
    def half_width(self) -> Decimal:
        """Half a unit of the last printed digit, in the unit of `value`."""
        exponent = self.value.as_tuple().exponent
        return Decimal((0, (5,), int(exponent) - 1))

    @property
    def proportion(self) -> float:
        """The printed value as a proportion; refused for a unit that is none."""
        return self._scaled(self.value)

    @property
    def lowest(self) -> float:
        """The lowest proportion that is printed so."""
        return max(0.0, self._scaled(self.value - self.half_width))

    @property
    def highest(self) -> float:
        """The highest proportion that is printed so."""
        return min(1.0, self._scaled(self.value + self.half_width))

    @property
    def denominator_counts(self) -> str | None:
        """Whom the denominator counts, by the metric's definition."""
        return DENOMINATORS.get(self.metric)

    @property
    def key(self) -> tuple[int, str, str, str | None]:
        """What it is a figure of."""
        return (self.match_year, self.population, self.metric, self.specialty)

    def _scaled(self, value: Decimal) -> float:
        if self.unit != "percent":
            raise BenchmarkRefused(f"a figure in {self.unit}s is no proportion")
        return float(value / HUNDRED)


@dataclass(frozen=True, slots=True)
class Choice:
    """The benchmark to test against, if any; why not, if none; and what disagrees."""

    benchmark: Benchmark | None
    reason: str | None
    conflicts: tuple[Benchmark, ...]


def read_benchmarks(source: Iterable[str]) -> list[Benchmark]:
    """Every row of a registry CSV; refuses the whole file if any cell can't be read."""
    found: list[Benchmark] = []
    bad: list[BadCell] = []
    for number, values in read_values(source, COLUMNS, "benchmarks"):
        if values["unit"] == "percent" and values["value"] > HUNDRED:
            bad.append(BadCell(number, "value", str(values["value"]), "a percentage up to 100"))
        some, every = values["numerator"], values["denominator"]
        if some is not None and every is not None and some > every:
            bad.append(BadCell(number, "numerator", str(some), "at most the denominator"))
        found.append(
            Benchmark(
                **{
                    **values,
                    "match_year": int(values["match_year"]),
                    "note": values["note"] or "",
                }
            )
        )
    if bad:
        raise TableUnreadable("benchmarks", bad)
    return found


def check_fit(
    benchmark: Benchmark, year: int, population: str, metric: str, specialty: str | None = None
) -> None:
    """Refuse, with the reason, a benchmark that a rate may not be tested against."""
    reason = misfit(benchmark, year, population, metric, specialty)
    if reason is not None:
        raise BenchmarkRefused(reason, extra={"reason": reason})


def misfit(
    benchmark: Benchmark, year: int, population: str, metric: str, specialty: str | None = None
) -> str | None:
    """Why a rate may not be tested against it; None where it may."""
    wanted = {
        "Match year": (benchmark.match_year, year),
        "population": (benchmark.population, population),
        "metric": (benchmark.metric, metric),
        "specialty": (benchmark.specialty or "any", specialty or "any"),
    }
    for name, (has, needs) in wanted.items():
        if has != needs:
            return f"wrong {name}: the benchmark is of {has}, the rate of {needs}"
    if benchmark.status in UNTESTABLE:
        because = f": {benchmark.note}" if benchmark.note else ""
        return f"its status is {benchmark.status}{because}"
    if benchmark.unit != "percent":
        return f"it is in {benchmark.unit}s, no proportion"
    return None


def choose(
    benchmarks: Sequence[Benchmark],
    year: int,
    population: str,
    metric: str = MATCH_RATE,
    specialty: str | None = None,
) -> Choice:
    """The figure of exactly this year, population and metric, of the best status there is."""
    key = (year, population, metric, specialty)
    same = sorted(
        (item for item in benchmarks if item.key == key),
        key=lambda item: STATUSES.index(item.status),
    )
    usable = [item for item in same if item.status not in UNTESTABLE]
    if not usable:
        reasons = [misfit(item, year, population, metric, specialty) for item in same]
        reason = "; ".join(reason for reason in reasons if reason) or (
            f"no figure is known for {metric} of {population} in the {year} Match"
        )
        return Choice(None, reason, tuple(same))
    chosen = usable[0]
    return Choice(chosen, None, tuple(item for item in same if item.value != chosen.value))


def conflicts(benchmarks: Sequence[Benchmark]) -> list[tuple[Benchmark, ...]]:
    """Groups of figures of one thing that differ, in the order of the registry."""
    groups: dict[tuple[int, str, str, str | None], list[Benchmark]] = {}
    for item in benchmarks:
        groups.setdefault(item.key, []).append(item)
    return [tuple(group) for group in groups.values() if len({i.value for i in group}) > 1]
