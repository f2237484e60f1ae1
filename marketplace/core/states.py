"""State machines as data: a table of what may follow what, and one place that asks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from marketplace.core.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class IllegalTransition(Conflict):
    """The state does not lead there; `extra.possible` has where it leads, and by what."""

    code = "illegal_transition"
    title = "This can't be done in the present state."


@dataclass(frozen=True)
class Transitions(Generic[S]):
    """`table` maps each state to those that may follow it; a state without any is terminal.

    `steps` says for people what leads from one to another, and `words` what a state means; both may
    be left out.
    """

    table: Mapping[S, frozenset[S]]
    steps: Mapping[S, Mapping[S, str]] = field(default_factory=dict)
    words: Mapping[S, str] = field(default_factory=dict)

    def allows(self, before: S, after: S) -> bool:
        return after in self.table.get(before, frozenset())

    def check(self, before: S, after: S) -> None:
        """Raise `IllegalTransition` unless `after` may follow `before`.

        It names both states, and what may be done instead.
        """
        if not self.allows(before, after):
            raise IllegalTransition(
                f"It is {self.said(before)} and can't become {plain(after)}. {self.now(before)}",
                extra={
                    "from": before.value,
                    "to": after.value,
                    "possible": self.possible(before),
                },
            )

    def said(self, state: S) -> str:
        """Return what a state is called, and what that means where it is known."""
        meaning = self.words.get(state)
        return f"{plain(state)} ({meaning})" if meaning else plain(state)

    def possible(self, state: S) -> list[dict[str, Any]]:
        """Return the states that may follow, each with what leads there, or None, as JSON values."""
        by = self.steps.get(state, {})
        return [
            {"to": after.value, "by": by.get(after)}
            for after in sorted(self.table.get(state, frozenset()))
        ]

    def now(self, state: S) -> str:
        """Return in a sentence what may follow now."""
        steps = [
            f"{one['by']} ({one['to'].replace('_', ' ')})"
            if one["by"]
            else one["to"].replace("_", " ")
            for one in self.possible(state)
        ]
        return f"Possible now: {'; '.join(steps)}." if steps else "Nothing follows it."

    def terminal(self, state: S) -> bool:
        return not self.table.get(state)

    def as_rows(self) -> list[tuple[S, S]]:
        """Every allowed step, for documentation and tests."""
        return [(before, after) for before, many in self.table.items() for after in sorted(many)]


def plain(state: str) -> str:
    """Return a state's name as it is said."""
    return str(state).replace("_", " ")
