"""State machines as data: a table of what may follow what, and one place that asks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from marketplace.core.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class IllegalTransition(Conflict):
    """The state does not lead there."""

    code = "illegal_transition"
    title = "This can't be done in the present state."


@dataclass(frozen=True)
class Transitions(Generic[S]):
    """`table` maps each state to those that may follow it; a state without any is terminal."""

    table: Mapping[S, frozenset[S]]

    def allows(self, before: S, after: S) -> bool:
        return after in self.table.get(before, frozenset())

    def check(self, before: S, after: S) -> None:
        """Raise `IllegalTransition`, naming both states, unless `after` may follow `before`."""
        if not self.allows(before, after):
            raise IllegalTransition(
                f"{before.value} can't become {after.value}.",
                extra={"from": before.value, "to": after.value},
            )

    def terminal(self, state: S) -> bool:
        return not self.table.get(state)

    def as_rows(self) -> list[tuple[S, S]]:
        """Every allowed step, for documentation and tests."""
        return [(before, after) for before, many in self.table.items() for after in sorted(many)]
