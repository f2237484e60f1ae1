"""What a published report may show of its counts, and of all that is worked out from them.

A figure is let through only if every count that it is a function of is shown itself. So nothing
that is published, a rate, an interval, a bound, a p-value, says more than the shown counts do;
those are chosen by `suppression`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

HIDDEN = "*"


@dataclass(frozen=True, slots=True)
class Shown:
    """The counts of one group, some of them hidden by name."""

    counts: Mapping[str, int]
    hidden: frozenset[str] = frozenset()

    def count(self, name: str) -> int | str:
        """A count, or the symbol for hidden."""
        return HIDDEN if name in self.hidden else self.counts[name]

    def shows(self, *names: str) -> bool:
        """Whether all these counts are shown."""
        return self.hidden.isdisjoint(names)

    def figure(self, compute: Callable[..., Any], *names: str) -> Any:
        """`compute` of these counts, in this order, and of nothing else; or hidden."""
        if not self.shows(*names):
            return HIDDEN
        return compute(*(self.counts[name] for name in names))
