"""The attacker's integer programs: which tables agree with what is shown.

Tables are written as moves away from the true one: whole numbers added to the base cells. A
figure is not determined if some allowed move changes it; the move found is rounded and checked
in whole numbers, so that safety never rests on a solver's tolerance. Cells that every figure
treats alike are one cell, and cells that cannot move are none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marketplace.reporting.errors import CannotHide
from marketplace.reporting.rules.programs import Program

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
    """A sum of base cells: its true value, whether it is shown, and its floor where hidden."""

    name: str
    members: tuple[str, ...]
    value: int
    shown: bool
    floor: int
    cost: int


@dataclass(frozen=True, slots=True)
class _Cells:
    """Base cells that no figure tells apart, merged: true counts, and each figure's members."""

    counts: list[int]
    members: dict[str, list[int]]


def _merge(base: Mapping[str, int], figures: Sequence[Figure]) -> _Cells:
    seen_in: dict[str, list[int]] = {cell: [] for cell in base}
    zero = {cell for f in figures if f.value == 0 and f.floor for cell in f.members}
    for place, figure in enumerate(figures):
        for cell in figure.members:
            seen_in[cell].append(place)
    merged: dict[tuple[int, ...], int] = {}
    for cell, count in base.items():
        # a cell within a figure that is shown as 0 is 0, and the attacker knows it
        if seen_in[cell] and cell not in zero:
            pattern = tuple(seen_in[cell])
            merged[pattern] = merged.get(pattern, 0) + count
    patterns = sorted(merged)
    members = {
        figure.name: [i for i, pattern in enumerate(patterns) if place in pattern]
        for place, figure in enumerate(figures)
    }
    return _Cells([merged[pattern] for pattern in patterns], members)


class Attacker:
    """One who knows the shown figures, and asks what the hidden ones can be."""

    def __init__(self, base: Mapping[str, int], figures: Sequence[Figure]) -> None:
        """`figures` are all that is known to exist; `base` holds the true counts."""
        self._figures = {figure.name: figure for figure in figures}
        self._cells = _merge(base, figures)
        self._moves: list[Move] = []

    def determined(self, names: Iterable[str]) -> list[str]:
        """Those of the hidden figures that can have one value only."""
        return [name for name in names if not self._movable(name)]

    def extent(self, name: str) -> tuple[int, int]:
        """The lowest and the highest value that a determined figure can have."""
        value = self._figures[name].value
        return value, value

    def _movable(self, name: str) -> bool:
        if any(self._change(move, name) for move in self._moves):
            return True
        for sign in (1, -1):
            move = self._find(name, sign)
            if move is not None:
                self._moves.append(move)
                return True
        return False

    def _change(self, move: Move, name: str) -> int:
        return sum(move[i] for i in self._cells.members[name])

    def _find(self, name: str, sign: int) -> Move | None:
        """A move that changes a figure in one direction, if there is any."""
        program = Program()
        cells = program.whole([-min(n, LARGEST_MOVE) for n in self._cells.counts], LARGEST_MOVE)
        for figure in self._figures.values():
            members = [cells[i] for i in self._cells.members[figure.name]]
            if figure.name == name and sign > 0:
                program.require(members, 1, None)
            elif figure.name == name:
                program.require(members, figure.floor - figure.value, -1)
            elif figure.shown:
                program.require(members, 0, 0)
            elif figure.floor:
                program.require(members, figure.floor - figure.value, None)
        answer = program.solve()
        if answer is None:
            return None
        move = tuple(answer[i] for i in cells)
        self._verify(move)
        return move

    def _verify(self, move: Move) -> None:
        """A move counts only if the table after it is one that the attacker can't rule out."""
        if any(n + step < 0 for n, step in zip(self._cells.counts, move, strict=True)):
            raise CannotHide("the solver answered with a negative count")
        for figure in self._figures.values():
            change = self._change(move, figure.name)
            if figure.shown and change:
                raise CannotHide(f"the solver's answer changes {figure.name}, which is shown")
            if not figure.shown and figure.value + change < figure.floor:
                raise CannotHide(f"the solver's answer takes {figure.name} below its floor")


def cheapest_hiding(
    base: Mapping[str, int], figures: Sequence[Figure], small: Sequence[str], protect: Sequence[str]
) -> set[str]:
    """The least costly figures to hide so that a move changes each of `protect`.

    One program: a choice for every figure, and a move for every figure to protect, which may
    change a figure only if that is hidden. `small` ones are hidden in any case.
    """
    cells = _merge(base, figures)
    able = [f for f in figures if f.floor and f.value > 0]
    tie_break = sum(f.value for f in able) + 1
    is_small = len(cells.counts) * len(protect) <= SMALL_PROGRAM
    reach = WIDE if is_small else NARROW
    program = Program()
    chosen = {
        f.name: program.choice(f.cost + f.value / tie_break, fixed=f.name in small) for f in able
    }
    for name in protect:
        move = program.whole([-min(n, reach) for n in cells.counts], reach)
        for figure in able:
            members = [move[i] for i in cells.members[figure.name]]
            program.only_if(members, chosen[figure.name], -min(figure.value - 1, reach), reach)
        program.apart([move[i] for i in cells.members[name]], reach + 1)
    answer = program.solve(0.0 if is_small else GAP)
    if answer is None:
        raise CannotHide("the program for the cheapest choice has no answer")
    return {name for name, place in chosen.items() if answer[place]}
