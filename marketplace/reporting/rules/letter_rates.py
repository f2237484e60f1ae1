"""Whether a listing's letter rate may be published, so that nobody can be found in it.

The rate is letters confirmed / rotations completed. A figure is published once, and the next only
when enough has changed: what it shows, and what subtraction from any figure published before it
would show, are 0 or at least k in each of its counts. A reader who has kept them all learns no
count from 1 to k - 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Completed rotations, and how many of them have a confirmed letter."""

    completed: int
    with_letter: int

    @property
    def cells(self) -> tuple[int, int, int]:
        """All counts that a reader has: the two, and the rotations without a letter."""
        return (self.completed, self.with_letter, self.completed - self.with_letter)


def may_publish(now: Counts, published: Iterable[Counts], k: int) -> bool:
    """Tell whether `now` may be published after these; never for what says nothing new."""
    if now.completed == 0 or any(0 < cell < k for cell in now.cells):
        return False
    for before in published:
        changes = [abs(a - b) for a, b in zip(now.cells, before.cells, strict=True)]
        if not any(changes) or any(0 < change < k for change in changes):
            return False
    return True
