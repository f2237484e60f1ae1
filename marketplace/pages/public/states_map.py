"""A map of states and territories as squares of one size, about where each lies: every state can be hit."""

from dataclasses import dataclass
from functools import cache

# Rows from north to south, columns from west to east; two letters a square, dots are water.
ROWS = (
    "AK .. .. .. .. .. .. .. .. .. ME",
    ".. .. .. .. .. .. .. .. .. VT NH",
    "WA ID MT ND MN IL WI MI NY RI MA",
    "OR NV WY SD IA IN OH PA NJ CT ..",
    "CA UT CO NE MO KY WV VA MD DE ..",
    ".. AZ NM KS AR TN NC SC DC .. ..",
    ".. .. .. OK LA MS AL GA .. .. ..",
    "HI .. .. TX .. .. .. .. FL .. ..",
    "GU .. .. .. .. .. .. .. .. PR VI",
)
SIDE = 44
GAP = 4


@dataclass(frozen=True)
class Square:
    """A state's square: its corner in units of the drawing, which is `WIDTH` by `HEIGHT`."""

    state: str
    x: int
    y: int


WIDTH = len(ROWS[0].split()) * (SIDE + GAP)
HEIGHT = len(ROWS) * (SIDE + GAP)


@cache
def squares() -> tuple[Square, ...]:
    """Every state's square, row by row."""
    return tuple(
        Square(state, column * (SIDE + GAP), row * (SIDE + GAP))
        for row, line in enumerate(ROWS)
        for column, state in enumerate(line.split())
        if state != ".."
    )
