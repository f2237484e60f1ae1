"""Which figures of a cohort report are hidden when it is published.

All that is published of a cohort is one problem: every group, every grouping, and the versions
that were published before, as of other dates. What is hidden in one of them could otherwise be
had by subtracting another. Three kinds of counts make up the problem: histories of what is
counted of a person in each version; for each grouping, histories of where the person is sorted
and of what the grouping counts; and the ties between the two, since both count the same people.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from marketplace.reporting.errors import CannotHide
from marketplace.reporting.rules import flow, groupings
from marketplace.reporting.rules.flow import COUNTS, GROUPS, IMPLIED, LOSSES, Cell, in_group
from marketplace.reporting.rules.groupings import GROUPINGS, Kind, Panel
from marketplace.reporting.rules.panel import DISPOSITIONS, SOURCES, PanelRow
from marketplace.reporting.rules.showing import HIDDEN
from marketplace.reporting.rules.suppression import Table, audit, suppress

SMALL = 11

# what a reader would miss most is hidden last
IMPORTANCE: Mapping[str, int] = MappingProxyType(
    {
        "matched_pgy1": 8,
        "active_applicants": 8,
        "eligible": 6,
        "responded_I_or_P": 6,
        "silent": 6,
        "match_items_answered": 4,
        "disposition_I": 4,
        "matched_verified": 4,
        "lor_earned": 3,
        "lor_known": 3,
        "registered": 2,
        "placed_pgy1_active": 2,
        "placed_pgy1_all_registered": 2,
    }
)
# as it was before groupings were published, for reports that are worked out again
IMPORTANCE_ALONE = {name: n for name, n in IMPORTANCE.items() if name != "match_items_answered"}
History = tuple[Kind | None, ...]
Name = str


@dataclass(frozen=True)
class Earlier:
    """A version of the report that was published before: its rows, and what it hides."""

    rows: Sequence[PanelRow]
    hidden: Mapping[str, frozenset[str]]
    groupings: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[PanelRow], document: Mapping[str, Any]) -> "Earlier":
        """Read what a published document hides."""
        return cls(
            groupings.naming(rows, groupings.named_in(document)),
            {group: _hidden_of(figures) for group, figures in document["groups"].items()},
            groupings.hidden_in(document),
        )


@dataclass(frozen=True)
class Hiding:
    """For each group the counts to hide; for each grouping by category, or None: withheld."""

    groups: Mapping[str, frozenset[str]]
    groupings: Mapping[str, Mapping[str, frozenset[str]] | None]


def hidden_counts(table: Mapping[Cell, int], k: int = SMALL) -> dict[str, frozenset[str]]:
    """For each group the names of the counts to hide where the groups are all that is published.

    The attacker is given more than readers have: which combinations of answers occur at all.
    """
    figures = _figures(lambda group, test: _cells_of(table, group, test), COUNTS)
    problem = Table(
        k=k,
        base={str(i): n for i, n in enumerate(table.values())},
        published=figures,
        implied=_figures(lambda group, test: _cells_of(table, group, test), IMPLIED),
        importance={name: _importance(name, IMPORTANCE_ALONE) for name in figures},
    )
    return _by_group(suppress(problem))


def hiding(
    panel: Panel, k: int = SMALL, earlier: Sequence[Earlier] = (), *, capped: bool = True
) -> Hiding:
    """What to hide of a report with all its groupings, published after `earlier` versions.

    Groups come first; then one grouping after the other, each so that everything small in all that
    is shown by then stays hidden. A grouping for which that can't be is withheld whole. `capped`:
    readers know from the letter rates of listings how many are in the frame at most. `CannotHide`
    where the earlier versions leave no safe choice even for the groups.
    """
    return _Problem(panel, k, earlier, capped=capped).solve()


class _Problem:
    """The counts behind all that is published, and the figures that are settled so far."""

    def __init__(self, panel: Panel, k: int, earlier: Sequence[Earlier], *, capped: bool) -> None:
        self._k = k
        self._capped = capped
        self._earlier = earlier
        self._now = len(earlier)
        self._counts = panel.counts
        self._centre = Counter[tuple[Cell | None, ...]]()
        # Of each history: the place in the centre, where the person is sorted, how many there are.
        self._people: list[tuple[int, tuple[tuple[str, ...] | None, ...], int]] = []
        places: dict[tuple[Cell | None, ...], int] = {}
        for history, n in _histories(panel, earlier).items():
            cells = tuple([None if one is None else one.cell for one in history])
            self._centre[cells] += n
            categories = tuple([None if one is None else one.categories for one in history])
            self._people.append((places.setdefault(cells, len(places)), categories, n))
        self._base = {f"c{i}": n for i, n in enumerate(self._centre.values())}
        self._ties: list[tuple[list[str], list[str]]] = []
        self._settled: dict[str, list[str]] = {}
        self._settled_hidden: set[str] = set()
        self._implied: dict[str, list[str]] = {}
        self._arms: dict[str, list[tuple[str, tuple[str | None, ...], tuple[Any, ...]]]] = {}
        for version, before in enumerate(earlier):
            self._settle_groups(version, before.hidden)
            self._imply_groups(version)
            for name, hides in before.groupings.items():
                self._attach(name)
                self._settle_grouping(version, name, hides)
        self._lost = self._given_away()

    def solve(self) -> Hiding:
        figures = self._groups(self._now, COUNTS)
        self._imply_groups(self._now)
        found = suppress(self._table(figures, IMPORTANCE), in_turn=True)
        groups = _by_group([name.partition("|")[2] for name in found])
        self._settle_groups(self._now, groups)
        return Hiding(
            groups, {name: self._grouping(name, counted) for name, counted in self._counts.items()}
        )

    def _grouping(
        self, name: str, counted: Mapping[str, Mapping[str, int]]
    ) -> Mapping[str, frozenset[str]] | None:
        saved = (dict(self._base), list(self._ties), dict(self._implied), dict(self._arms))
        self._attach(name)
        figures = self._categories(self._now, name, counted)
        self._implied |= self._categories_implied(self._now, name, counted)
        hidden: Sequence[str] | None
        try:
            hidden = suppress(self._table(figures, IMPORTANCE), in_turn=True)
        except CannotHide:
            hidden = None
        # A program that is named has enough: a name beside a hidden count would say so.
        if hidden is None or (name == groupings.PROGRAM and hidden):
            self._base, self._ties, self._implied, self._arms = saved
            return None
        hides = {
            category: frozenset(
                one for one in GROUPINGS[name] if _name(self._now, name, category, one) in hidden
            )
            for category in counted
        }
        self._settled |= figures
        self._settled_hidden |= set(hidden)
        return hides

    def _table(self, figures: Mapping[str, list[str]], importance: Mapping[str, int]) -> Table:
        return Table(
            k=self._k,
            base=self._base,
            published=figures,
            implied=self._implied,
            importance={name: _importance(name.partition("|")[2], importance) for name in figures},
            settled=self._settled,
            settled_hidden=frozenset(self._settled_hidden),
            lost=self._lost,
            ties=self._ties,
            capped=frozenset(self._caps([*figures, *self._settled]) if self._capped else ()),
        )

    @staticmethod
    def _caps(names: Sequence[Name]) -> Iterator[Name]:
        """The figures of which the completed rotations of listings say how large they are at most."""
        for name in names:
            where, _, count = name.partition(":")
            _, of, *category = where.split("|")
            if (of == "all" and count == "rows") or (
                count == "eligible" and (of == "all" or category)
            ):
                yield name

    def _given_away(self) -> frozenset[str]:
        """What the earlier versions gave away by themselves: it can't be hidden any more."""
        self._lost = frozenset()
        return (
            frozenset(audit(self._table({}, IMPORTANCE), []).recovered)
            if self._earlier
            else (frozenset())
        )

    def _groups(
        self, version: int, tests: Mapping[str, Callable[[Cell], bool]]
    ) -> dict[str, list[str]]:
        histories = [history[version] for history in self._centre]

        def members(group: str, test: Callable[[Cell], bool]) -> list[str]:
            return [
                f"c{i}"
                for i, cell in enumerate(histories)
                if cell is not None and in_group(cell, group) and test(cell)
            ]

        return {f"{version}|{name}": cells for name, cells in _figures(members, tests).items()}

    def _settle_groups(self, version: int, hidden: Mapping[str, frozenset[str]]) -> None:
        self._settled |= self._groups(version, COUNTS)
        self._settled_hidden |= {
            f"{version}|{group}:{name}" for group, names in hidden.items() for name in names
        }

    def _imply_groups(self, version: int) -> None:
        self._implied |= self._groups(version, {**IMPLIED, **LOSSES})

    def _settle_grouping(
        self, version: int, grouping: str, hides: Mapping[str, frozenset[str]]
    ) -> None:
        self._settled |= self._categories(version, grouping, hides)
        self._implied |= self._categories_implied(version, grouping, hides)
        self._settled_hidden |= {
            _name(version, grouping, category, one)
            for category, names in hides.items()
            for one in names
        }

    def _attach(self, grouping: str) -> None:
        """Take a grouping's counts into the problem, tied to the histories by what they count."""
        if grouping in self._arms:
            return
        place = list(GROUPINGS).index(grouping)
        tests = [flow.COUNTS[name] for name in GROUPINGS[grouping]]
        core: dict[Cell | None, tuple[bool, ...] | None] = {
            cell: None if cell is None else tuple(test(cell) for test in tests)
            for history in self._centre
            for cell in history
        }
        flags = [tuple(core[cell] for cell in cells) for cells in self._centre]
        arms: dict[tuple[tuple[str | None, ...], tuple[Any, ...]], int] = defaultdict(int)
        for number, sorted_as, n in self._people:
            categories = tuple([None if one is None else one[place] for one in sorted_as])
            arms[categories, flags[number]] += n
        centre: dict[tuple[Any, ...], list[str]] = {}
        for i, counted in enumerate(flags):
            centre.setdefault(counted, []).append(f"c{i}")
        tied: dict[tuple[Any, ...], list[str]] = {}
        self._arms[grouping] = []
        for i, ((categories, counted), n) in enumerate(arms.items()):
            if any(any(flags) for flags in counted if flags is not None):
                cell = f"{grouping}{i}"
                self._base[cell] = n
                self._arms[grouping].append((cell, categories, counted))
                tied.setdefault(counted, []).append(cell)
        self._ties += [(cells, centre[counted]) for counted, cells in tied.items()]

    def _categories(
        self, version: int, grouping: str, categories: Mapping[str, Any]
    ) -> dict[str, list[str]]:
        return {
            _name(version, grouping, category, name): [
                cell
                for cell, sorted_as, counted in self._arms[grouping]
                if sorted_as[version] == category and counted[version][place]
            ]
            for category in categories
            for place, name in enumerate(GROUPINGS[grouping])
        }

    def _categories_implied(
        self, version: int, grouping: str, categories: Mapping[str, Any]
    ) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        names = GROUPINGS[grouping]
        for implied, (whole, part) in groupings.DIFFERENCES.items():
            if whole not in names:
                continue
            first, second = names.index(whole), names.index(part)
            for category in categories:
                found[_name(version, grouping, category, implied)] = [
                    cell
                    for cell, sorted_as, counted in self._arms[grouping]
                    if sorted_as[version] == category
                    and counted[version][first]
                    and not counted[version][second]
                ]
        return found


def _histories(panel: Panel, earlier: Sequence[Earlier]) -> Counter[History]:
    """How many people there are of each history: their kind in each version, None before they were.

    A person is followed by the id that every version has.
    """
    if not earlier:
        return Counter({(kind,): n for kind, n in panel.kinds.items()})
    versions = [*(before.rows for before in earlier), panel.rows]
    known = [{row.trainee_id: groupings.kind(row) for row in version} for version in versions]
    people = sorted(set().union(*known))
    return Counter(tuple(version.get(who) for version in known) for who in people)


def _figures(
    members: Callable[[str, Callable[[Cell], bool]], list[str]],
    tests: Mapping[str, Callable[[Cell], bool]],
) -> dict[str, list[str]]:
    return {
        f"{group}:{name}": members(group, test) for group in GROUPS for name, test in tests.items()
    }


def _cells_of(table: Mapping[Cell, int], group: str, test: Callable[[Cell], bool]) -> list[str]:
    return [str(i) for i, cell in enumerate(table) if in_group(cell, group) and test(cell)]


def _name(version: int, grouping: str, category: str, count: str) -> str:
    return f"{version}|{grouping}|{category}:{count}"


def _importance(name: str, importance: Mapping[str, int]) -> int:
    """The whole is read by more people than its parts."""
    group, _, count = name.partition(":")
    return importance.get(count, 1) * (2 if group == "all" else 1)


def _by_group(names: Sequence[str]) -> dict[str, frozenset[str]]:
    return {
        group: frozenset(
            count for name in names for of, _, count in [name.partition(":")] if of == group
        )
        for group in GROUPS
    }


def _hidden_of(figures: Mapping[str, Any]) -> frozenset[str]:
    """The hidden counts of a group in a published document."""
    values = {name: figures[name] for name in COUNTS if name in figures}
    values |= {f"matched_{name}": figures["matched_by_source"][name] for name in SOURCES}
    values |= {f"disposition_{code}": figures["dispositions"][code] for code in DISPOSITIONS}
    return frozenset(name for name, value in values.items() if value == HIDDEN)
