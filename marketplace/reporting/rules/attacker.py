"""The attacker's integer programs: which tables agree with what is shown.

Tables are written as moves away from the true one: whole numbers added to the base cells. A
figure is not determined if some allowed move changes it; the move found is rounded and checked
in whole numbers, so that safety never rests on a solver's tolerance. Cells that every figure
treats alike are one cell, and cells that cannot move are none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from marketplace.reporting.errors import CannotHide
from marketplace.reporting.rules.programs import Program, Term

# moves beyond this are not looked for: with it the solver's tolerance stays below half a person
LARGEST_MOVE = 10_000
# how far a cell may move in the program that chooses what to hide, and how near to the least
# cost it goes: far and exactly where the program is small; one step, and within a twentieth,
# where it is large, since more hardly ever saves a figure and costs minutes
WIDE, NARROW = 12, 1
SMALL_PROGRAM = 300
GAP = 0.05
Move = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A sum of base cells: its true value, whether it is shown, and its floor where hidden.

    Cells in `minus` are subtracted: a shown difference of 0 ties two ways of counting the same
    people together. A settled figure was shown or hidden before, and that can't be chosen again.
    One with a `cap` is known from elsewhere to be no larger than that.
    """

    name: str
    members: tuple[str, ...]
    value: int
    shown: bool
    floor: int
    cost: int
    minus: tuple[str, ...] = ()
    settled: bool = False
    cap: int | None = None

    @property
    def room(self) -> int | None:
        """How much larger than it is the attacker can take it to be; None: as much as you like."""
        return None if self.cap is None else self.cap - self.value


@dataclass(frozen=True, slots=True)
class _Cells:
    """Base cells that no figure tells apart, merged: true counts, and each figure as a sum."""

    counts: list[int]
    terms: dict[str, list[Term]]


def _merge(base: Mapping[str, int], figures: Sequence[Figure]) -> _Cells:
    seen_in: dict[str, list[Term]] = {cell: [] for cell in base}
    zero = {cell for f in figures if f.value == 0 and f.floor for cell in f.members}
    for place, figure in enumerate(figures):
        for cell in figure.members:
            seen_in[cell].append((place, 1))
        for cell in figure.minus:
            seen_in[cell].append((place, -1))
    merged: dict[tuple[Term, ...], int] = {}
    for cell, count in base.items():
        # a cell within a figure that is shown as 0 is 0, and the attacker knows it
        if seen_in[cell] and cell not in zero:
            pattern = tuple(seen_in[cell])
            merged[pattern] = merged.get(pattern, 0) + count
    patterns = sorted(merged)
    terms: dict[str, list[Term]] = {figure.name: [] for figure in figures}
    for i, pattern in enumerate(patterns):
        for place, factor in pattern:
            terms[figures[int(place)].name].append((i, factor))
    return _Cells([merged[pattern] for pattern in patterns], terms)


class Attacker:
    """One who knows the shown figures, and asks what the hidden ones can be."""

    def __init__(
        self, base: Mapping[str, int], figures: Sequence[Figure], moves: Sequence[Move] = ()
    ) -> None:
        """`figures` are all that is known to exist; `base` holds the true counts.

        `moves` were found when others of the same figures were hidden; they are tried first.
        """
        self._figures = {figure.name: figure for figure in figures}
        self._cells = _merge(base, figures)
        self.moves: list[Move] = [move for move in moves if self._ruled_out(move) is None]

    def determined(self, names: Iterable[str]) -> list[str]:
        """Those of the hidden figures that can have one value only."""
        return list(self.each_determined(names))

    def each_determined(self, names: Iterable[str]) -> Iterator[str]:
        """The same one after the other, so that who needs only the first waits for no more."""
        return (name for name in names if not self._movable(name))

    def extent(self, name: str) -> tuple[int, int]:
        """The lowest and the highest value that a determined figure can have."""
        value = self._figures[name].value
        return value, value

    def _movable(self, name: str) -> bool:
        if any(self._change(move, name) for move in self.moves):
            return True
        for sign in (-1,) if self._figures[name].room == 0 else (1, -1):
            move = self._find(name, sign)
            if move is not None:
                self.moves.append(move)
                return True
        return False

    def _change(self, move: Move, name: str) -> int:
        return sum(move[i] * int(factor) for i, factor in self._cells.terms[name])

    def _find(self, name: str, sign: int) -> Move | None:
        """A move that changes a figure in one direction, if there is any."""
        program = Program()
        cells = program.whole([-min(n, LARGEST_MOVE) for n in self._cells.counts], LARGEST_MOVE)
        for figure in self._figures.values():
            terms = _at(cells, self._cells.terms[figure.name])
            if figure.name == name and sign > 0:
                program.require(terms, 1, figure.room)
            elif figure.name == name:
                program.require(terms, figure.floor - figure.value, -1)
            elif figure.shown:
                program.require(terms, 0, 0)
            elif figure.floor:
                program.require(terms, figure.floor - figure.value, figure.room)
        answer = program.solve()
        if answer is None:
            return None
        move = tuple(answer[i] for i in cells)
        # a move counts only if the table after it is one that the attacker can't rule out
        if (why := self._ruled_out(move)) is not None:
            raise CannotHide(f"the solver's answer {why}")
        return move

    def _ruled_out(self, move: Move) -> str | None:
        """Why the attacker would know that the table is not the one after this move, if so."""
        if any(n + step < 0 for n, step in zip(self._cells.counts, move, strict=True)):
            return "makes a count negative"
        for figure in self._figures.values():
            change = self._change(move, figure.name)
            if figure.shown and change:
                return f"changes {figure.name}, which is shown"
            if not figure.shown and figure.value + change < figure.floor:
                return f"takes {figure.name} below its floor"
            if figure.room is not None and change > figure.room:
                return f"takes {figure.name} above its cap"
        return None


def cheapest_hiding(
    base: Mapping[str, int], figures: Sequence[Figure], hidden: set[str], protect: Sequence[str]
) -> set[str]:
    """The least costly figures to hide, with those `hidden` already, so that all of `protect` move.

    One program: a choice for every figure, and a move for every figure to protect, which may
    change a figure only if that is hidden.
    """
    cells = _merge(base, figures)
    able = [f for f in figures if f.floor and f.value > 0 and not f.settled]
    settled = [f for f in figures if f.settled and (f.shown or f.floor)]
    tie_break = sum(f.value for f in able) + 1
    is_small = len(cells.counts) * len(protect) <= SMALL_PROGRAM
    for reach, gap in ((WIDE, 0.0),) if is_small else ((NARROW, GAP), (WIDE, GAP)):
        program = Program()
        chosen = {
            f.name: program.choice(f.cost + f.value / tie_break, fixed=f.name in hidden)
            for f in able
        }
        for name in protect:
            move = program.whole([-min(n, reach) for n in cells.counts], reach)
            for figure in able:
                terms = _at(move, cells.terms[figure.name])
                least = -min(figure.value - 1, reach)
                most = reach if figure.room is None else min(reach, figure.room)
                program.only_if(terms, chosen[figure.name], least, most)
            for figure in settled:
                least = 0 if figure.shown else figure.floor - figure.value
                limit = 0 if figure.shown else figure.room
                program.require(_at(move, cells.terms[figure.name]), least, limit)
            program.apart(_at(move, cells.terms[name]), reach + 1)
        answer = program.solve(gap)
        if answer is not None:
            return {name for name, place in chosen.items() if answer[place]}
    raise CannotHide("the program for the cheapest choice has no answer")


def _at(cells: Sequence[int], terms: Sequence[Term]) -> list[Term]:
    return [(cells[i], factor) for i, factor in terms]
