"""The objects that `app.py` brought together, asked for by the protocol that they serve."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
PARTS = "parts"


class Parts:
    """A dictionary from protocol to object that keeps its types."""

    def __init__(self) -> None:
        self._parts: dict[type[Any], Any] = {}
        self._later: dict[type[Any], Callable[[], Any]] = {}

    def add_later(self, protocol: type[T], make: Callable[[], T]) -> None:
        """Have `make` called when the part is first asked for, in each process that asks."""
        self._later[protocol] = make

    def add(self, protocol: type[T], part: T) -> None:
        self._parts[protocol] = part

    def copy(self) -> "Parts":
        """Return parts of their own, holding the same objects."""
        other = Parts()
        other._parts.update(self._parts)
        other._later.update(self._later)
        return other

    def get(self, protocol: type[T]) -> T:
        """Return the part that serves `protocol`; `LookupError` names one that is not wired."""
        part: T
        try:
            part = self._parts[protocol]
        except KeyError:
            make = self._later.get(protocol)
            if make is None:
                raise LookupError(f"nothing is wired for {protocol.__name__}") from None
            # Where two threads make it at once, one of the two is kept.
            part = self._parts.setdefault(protocol, make())
        return part


class CarriesInfo(Protocol):
    """What is needed of a session here: a place that carries the parts."""

    @property
    def info(self) -> dict[Any, Any]:
        """The session's own notes."""


def parts_of(session: CarriesInfo) -> Parts:
    """Return the application's parts by a session of it, for services that are given no more."""
    find: Callable[[], Parts] = session.info[PARTS]
    return find()
