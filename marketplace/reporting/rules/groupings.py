"""The fixed groupings of a report beside applicant type, and their counts.

A grouping sorts everybody by one fact: the specialty, the tier and the learner status of the
rotation, the region of its site, the specialty and the program that were matched in, the wave that
was answered. What is not known is a category of its own. Nobody chooses others, so that no two views
can be compared to find a hidden figure.

A program is named only where enough matched at it who agreed to be named; all others, and those who
did not agree, are one category, which is not small either. So a name never stands beside a hidden
count, which would say that somebody is there.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from marketplace.reporting.rules import bounds, flow
from marketplace.reporting.rules.flow import Cell
from marketplace.reporting.rules.intervals import ratio, wilson
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.showing import HIDDEN, Shown

NOT_KNOWN = "not_known"
PROGRAM = "program"
WITHHELD = "withheld"
CORE = (
    "eligible",
    "match_items_answered",
    "active_applicants",
    "matched_pgy1",
    "lor_known",
    "lor_earned",
)
# a grouping's name is the fact of a row that it sorts by; its counts
GROUPINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "specialty": CORE,
        "tier": CORE,
        "learner_status": CORE,
        "site_group": CORE,
        "residency_specialty": ("matched_pgy1",),
        "program": ("matched_pgy1",),
        "wave": ("responded_I_or_P",),
    }
)
# what subtraction would give of a category: the first count without the second
DIFFERENCES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "silent": ("eligible", "match_items_answered"),
        "answered_not_active": ("match_items_answered", "active_applicants"),
        "active_not_matched": ("active_applicants", "matched_pgy1"),
        "lor_not_earned": ("lor_known", "lor_earned"),
    }
)
Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
Hidden = Mapping[str, Mapping[str, frozenset[str]] | None]


class Kind(NamedTuple):
    """Rows that a report treats alike: what is counted of them, and where they are sorted."""

    cell: Cell
    categories: tuple[str, ...]


_facts: Callable[[PanelRow], tuple[Any, ...]] = attrgetter(*Cell._fields, *GROUPINGS)
_COUNTED = len(Cell._fields)


def kind(row: PanelRow) -> Kind:
    facts = _facts(row)
    return Kind(Cell._make(facts[:_COUNTED]), _categories(facts[_COUNTED:]))


def kinds(rows: Iterable[PanelRow]) -> Counter[Kind]:
    """How many rows there are of each kind; a large panel is walked through once."""
    sizes = Counter(map(_facts, rows))
    # Each cell, and each way to be sorted, is made once, however many kinds it is part of.
    cells = {facts: Cell._make(facts) for facts in {facts[:_COUNTED] for facts in sizes}}
    ways = {facts: _categories(facts) for facts in {facts[_COUNTED:] for facts in sizes}}
    return Counter(
        {Kind(cells[facts[:_COUNTED]], ways[facts[_COUNTED:]]): n for facts, n in sizes.items()}
    )


def _categories(facts: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple([NOT_KNOWN if fact is None else str(fact) for fact in facts])


def namable(rows: Sequence[PanelRow], k: int) -> frozenset[str]:
    """The programs that a public report may name: at least `k` matched at each, and at none of them.

    Where those left over would be few, the smallest program is left out, until they are not.
    """
    if all(row.program is None for row in rows):
        return frozenset()
    matched = Counter(row.program for row in rows if flow.matched(row))
    rest = sum(n for name, n in matched.items() if name is None or n < k)
    largest = sorted(((n, name) for name, n in matched.items() if name is not None and n >= k))
    while largest and 0 < rest < k:
        rest += largest.pop(0)[0]
    return frozenset(name for _, name in largest)


def naming(rows: Sequence[PanelRow], names: Collection[str]) -> Sequence[PanelRow]:
    """The rows with no other programs than these."""
    if all(row.program is None or row.program in names for row in rows):
        return rows
    return [
        row if row.program is None or row.program in names else replace(row, program=None)
        for row in rows
    ]


def named_in(document: Mapping[str, Any]) -> frozenset[str]:
    """The programs that a published document names."""
    categories = document.get("groupings", {}).get(PROGRAM, {})
    return frozenset(() if categories == WITHHELD else categories) - {NOT_KNOWN}


def used(table: Mapping[Kind, int]) -> tuple[str, ...]:
    """The groupings of which anything is known; a panel from elsewhere has not all of them."""
    return tuple(
        name
        for place, name in enumerate(GROUPINGS)
        if any(kind.categories[place] != NOT_KNOWN for kind in table)
    )


@dataclass(frozen=True)
class Panel:
    """A panel's rows, how many there are of each kind, and the groupings' counts of them."""

    rows: Sequence[PanelRow]
    kinds: Mapping[Kind, int]
    counts: Counts

    @classmethod
    def of(cls, rows: Sequence[PanelRow]) -> "Panel":
        """Sort the rows."""
        table = kinds(rows)
        return cls(rows, table, counts(table, used(table)))


def is_category(grouping: str, category: str) -> bool:
    """Whether a category is shown: who did not answer is in no wave."""
    return grouping != "wave" or category != NOT_KNOWN


def counts(table: Mapping[Kind, int], names: Sequence[str]) -> Counts:
    """Grouping -> category -> count -> how many; a category without anybody is left out."""
    found: dict[str, dict[str, Counter[str]]] = {name: {} for name in names}
    places = {name: place for place, name in enumerate(GROUPINGS)}
    tests = {name: flow.COUNTS[name] for wanted in GROUPINGS.values() for name in wanted}
    numbers: dict[Cell, int] = {}
    rows = [
        (one.categories, numbers.setdefault(one.cell, len(numbers)), n) for one, n in table.items()
    ]
    told = [{name for name, test in tests.items() if test(cell)} for cell in numbers]
    for grouping in names:
        place = places[grouping]
        sizes: dict[tuple[str, int], int] = defaultdict(int)
        for categories, number, n in rows:
            sizes[categories[place], number] += n
        for (category, number), n in sizes.items():
            counted = told[number].intersection(GROUPINGS[grouping])
            if counted and is_category(grouping, category):
                into = found[grouping].setdefault(category, Counter())
                for name in counted:
                    into[name] += n
    return {
        grouping: {
            category: {name: by_name[name] for name in GROUPINGS[grouping]}
            for category, by_name in sorted(categories.items())
        }
        for grouping, categories in found.items()
    }


def documents(counted: Counts, hidden: Hidden) -> dict[str, Any]:
    """The groupings as a report has them; one that can't be shown safely is `withheld` whole."""
    made: dict[str, Any] = {}
    for grouping, categories in counted.items():
        hides = hidden.get(grouping, {})
        made[grouping] = (
            WITHHELD
            if hides is None
            else {
                category: _category(grouping, Shown(values, hides.get(category, frozenset())))
                for category, values in categories.items()
            }
        )
    return made


def hidden_in(document: Mapping[str, Any]) -> dict[str, dict[str, frozenset[str]]]:
    """What a published document hides of the groupings that it shows."""
    return {
        grouping: {
            category: frozenset(name for name in GROUPINGS[grouping] if figures[name] == HIDDEN)
            for category, figures in categories.items()
        }
        for grouping, categories in document.get("groupings", {}).items()
        if categories != WITHHELD
    }


def _category(grouping: str, shown: Shown) -> dict[str, Any]:
    figures: dict[str, Any] = {name: shown.count(name) for name in GROUPINGS[grouping]}
    if GROUPINGS[grouping] is not CORE:
        return figures
    return figures | {
        "match_rate": shown.figure(ratio, "matched_pgy1", "active_applicants"),
        "wilson95": shown.figure(_wilson, "matched_pgy1", "active_applicants"),
        "manski_unknown_applicants": shown.figure(
            _manski, "matched_pgy1", "active_applicants", "eligible", "match_items_answered"
        ),
        "lor_rate": shown.figure(ratio, "lor_earned", "lor_known"),
        "lor_wilson95": shown.figure(_wilson, "lor_earned", "lor_known"),
        "answered_share": shown.figure(ratio, "match_items_answered", "eligible"),
    }


def _wilson(x: int, n: int) -> list[float | None]:
    return list(wilson(x, n).limits())


def _manski(x: int, n: int, eligible: int, answered: int) -> list[float | None]:
    found = bounds.unknown_applicants(x, n, eligible - answered)
    return [found.lower, found.upper]
