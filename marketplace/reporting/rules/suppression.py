"""Hiding small counts so that nobody can work them out again.

The attacker knows every shown figure, which base cells each figure sums, that counts are whole
and not negative, and that a hidden figure is at least 1. A hidden small figure is safe if tables
that differ in it agree with all of that. `suppress` hides as few figures as will do (weighed by
importance), by integer programming; `audit` says for any choice what the attacker learns, and
`suppress` answers nothing that has not passed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from marketplace.reporting.errors import CannotHide, Negative, NotWhole
from marketplace.reporting.rules.attacker import Attacker, Figure, Move, cheapest_hiding


@dataclass(frozen=True, slots=True)
class Table:
    """Counts, and the figures that are sums of them.

    `base`: cell -> count. `published`: figure -> the cells that it sums. `implied`: sums that
    are never shown but must not be worked out either where they are small, such as the
    unmatched where applicants and matched are shown. `importance`: figure -> what hiding it
    costs, 1 unless said. A count from 1 to k - 1 is small.

    `settled`: figures that were published before, those in `settled_hidden` as hidden; what they
    hide is protected, too, but for what they gave away by themselves, `lost`. `ties`: pairs of
    sums that are equal, since they count the same people. `capped`: figures of which the attacker
    knows from elsewhere that they are no larger than they are, or than k if they are small.
    """

    k: int
    base: Mapping[str, int]
    published: Mapping[str, Sequence[str]]
    implied: Mapping[str, Sequence[str]] = field(default_factory=dict)
    importance: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settled_hidden: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    ties: Sequence[tuple[Sequence[str], Sequence[str]]] = ()
    capped: frozenset[str] = frozenset()

    def value(self, name: str) -> int:
        """What a figure is."""
        for figures in (self.published, self.implied, self.settled):
            if name in figures:
                return sum(self.base[cell] for cell in figures[name])
        raise KeyError(name)

    def cap(self, name: str) -> int | None:
        """The most that the attacker can take a figure to be, where that is known from elsewhere."""
        return max(self.value(name), self.k) if name in self.capped else None

    def small(self, name: str) -> bool:
        """Whether a figure must be hidden."""
        return 0 < self.value(name) < self.k

    def secrets(self) -> list[str]:
        """The small figures that nobody may work out; one that was shown before is none."""
        told = (self.settled.keys() - self.settled_hidden) | self.lost
        names = (*self.published, *self.implied, *self.settled)
        return [name for name in names if name not in told and self.small(name)]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an attacker learns: small figures that are shown, hidden ones that follow.

    `recovered` gives lowest and highest value of each hidden figure that can have only one;
    the choice is safe if no small figure is exposed or recovered.
    """

    exposed: list[str]
    recovered: dict[str, tuple[int, int]]
    safe: bool


def check(table: Table) -> None:
    """Refuse a table that says nothing definite."""
    if isinstance(table.k, bool) or table.k < 1:
        raise CannotHide(f"k is {table.k}; it must be a whole number from 1")
    for cell, count in table.base.items():
        if isinstance(count, bool) or not isinstance(count, int):
            raise NotWhole(f"the count of {cell} is {count!r}, no whole number")
        if count < 0:
            raise Negative(f"the count of {cell} is negative")
    everything = (*table.published.items(), *table.implied.items(), *table.settled.items())
    for name, members in everything:
        unknown = [cell for cell in members if cell not in table.base]
        if unknown:
            raise CannotHide(f"{name} sums cells that the base lacks: {', '.join(unknown)}")
        if len(set(members)) != len(members):
            raise CannotHide(f"{name} sums a cell twice")


def audit(table: Table, hide: Sequence[str], moves: Sequence[Move] = ()) -> Audit:
    """What the attacker learns if exactly `hide` is hidden; `moves` are tried before others.

    Refuses to hide what is not published, and a figure that is 0: the attacker takes a hidden
    figure to be at least 1.
    """
    check(table)
    hidden = set(hide)
    for name in hide:
        if name not in table.published:
            raise CannotHide(f"{name} is not published, so it can't be hidden")
        if table.value(name) == 0:
            raise CannotHide(f"{name} is 0; only figures of at least 1 may be hidden")
    exposed = [name for name in table.published if table.small(name) and name not in hidden]
    attacker = _attacker(table, hidden, moves)
    asked = [name for name in table.published if name in hidden]
    asked += [name for name in table.secrets() if name not in table.published]
    recovered = {name: attacker.extent(name) for name in attacker.determined(asked)}
    return Audit(exposed, recovered, safe=not exposed and not any(map(table.small, recovered)))


def suppress(table: Table, *, in_turn: bool = False) -> list[str]:
    """The figures to hide, in the order of `published`: the same for the same table, always.

    Small figures are hidden; others only where they would give a small one away, at the least
    cost: the sum of the hidden figures' importance, then of their values. For tables too large
    to prove that, the cost is within a twentieth of it, and no hidden figure can be spared.
    `in_turn` protects one small figure after the other, which costs a little more and is quick
    where there are many. `CannotHide` where nothing that can still be hidden would do.
    """
    check(table)
    secrets = table.secrets()
    small = {name for name in secrets if name in table.published}
    hidden = set(small)
    protect: list[str] = []
    moves: list[Move] = []
    while True:
        attacker = _attacker(table, hidden, moves)
        each = attacker.each_determined(secrets)
        open_still = list(islice(each, 1)) if in_turn else list(each)
        moves = attacker.moves
        if not open_still:
            break
        new = [name for name in open_still if name not in protect]
        if not new:
            raise CannotHide("no safe choice was found")
        protect = new if in_turn else protect + new
        kept = hidden if in_turn else small
        found = cheapest_hiding(table.base, _figures(table, hidden=None), kept, protect)
        if in_turn and found == hidden:
            raise CannotHide(f"nothing that can still be hidden protects {protect[0]}")
        hidden = found
    # a large program stops near the least cost: show again what turns out not to be needed
    for name in sorted(hidden - small, key=lambda n: (-table.importance.get(n, 1), n)):
        attacker = _attacker(table, hidden - {name}, moves)
        if next(attacker.each_determined(secrets), None) is None:
            hidden.discard(name)
            moves = attacker.moves
    if not audit(table, sorted(hidden), moves).safe:
        raise CannotHide("the choice did not pass the audit")
    return [name for name in table.published if name in hidden]


def _attacker(table: Table, hidden: set[str], moves: Sequence[Move] = ()) -> Attacker:
    return Attacker(table.base, _figures(table, hidden), moves)


def _figures(table: Table, hidden: set[str] | None) -> list[Figure]:
    published = [
        Figure(
            name=name,
            members=tuple(members),
            value=table.value(name),
            shown=hidden is None or name not in hidden,
            floor=1,
            cost=table.importance.get(name, 1),
            cap=table.cap(name),
        )
        for name, members in table.published.items()
    ]
    implied = [
        Figure(name, tuple(members), table.value(name), shown=False, floor=0, cost=0)
        for name, members in table.implied.items()
    ]
    settled = [
        Figure(
            name=name,
            members=tuple(members),
            value=table.value(name),
            shown=name not in table.settled_hidden,
            floor=1,
            cost=0,
            settled=True,
            cap=table.cap(name),
        )
        for name, members in table.settled.items()
    ]
    ties = [
        Figure(
            name=f"tie {i}",
            members=tuple(plus),
            value=0,
            shown=True,
            floor=0,
            cost=0,
            minus=tuple(minus),
            settled=True,
        )
        for i, (plus, minus) in enumerate(table.ties)
    ]
    return published + implied + settled + ties
