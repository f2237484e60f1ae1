"""Events: how a package tells those above it what happened, without knowing them.

`publish` calls the subscribers at once, in the publisher's transaction: what they do exists
exactly when the event's cause does. The bus is carried by the session (`session.info`), so that
there is no global state and a test can listen in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

BUS = "events"


class Event:
    """Base of all events; subclasses are frozen dataclasses of plain values."""


class CarriesInfo(Protocol):
    """What is needed of a session here: a place that carries the bus."""

    @property
    def info(self) -> dict[Any, Any]:
        """The session's own notes."""


Subscriber = Callable[[Any, Any], None]
Subscription = tuple[type[Event], Subscriber]


class EventBus:
    """Who listens to what; built once in `app.py`.

    `find` returns the subscriptions; it is called when the first event is published, since
    subscribers bring the code of the packages above.
    """

    def __init__(self, find: Callable[[], Iterable[Subscription]] = tuple) -> None:
        self._find = find
        self._more: dict[type[Event], list[Subscriber]] = defaultdict(list)

    @cached_property
    def _subscribers(self) -> Mapping[type[Event], Sequence[Subscriber]]:
        found: dict[type[Event], list[Subscriber]] = defaultdict(list)
        for event_type, subscriber in self._find():
            found[event_type].append(subscriber)
        return found

    def subscribe(self, event_type: type[Event], subscriber: Subscriber) -> None:
        self._more[event_type].append(subscriber)

    def unsubscribe(self, event_type: type[Event], subscriber: Subscriber) -> None:
        """Take back what `subscribe` added."""
        self._more[event_type].remove(subscriber)

    def publish(self, session: CarriesInfo, event: Event) -> None:
        kind = type(event)
        for subscriber in (*self._subscribers.get(kind, ()), *self._more.get(kind, ())):
            subscriber(session, event)


def publish(session: CarriesInfo, event: Event) -> None:
    """Tell the subscribers of the session's bus; an error of theirs fails the whole action."""
    bus: EventBus = session.info[BUS]
    bus.publish(session, event)
