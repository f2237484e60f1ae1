"""Events: how a package tells those above it what happened, without knowing them.

`publish` calls the subscribers at once, in the publisher's transaction: what they do exists
exactly when the event's cause does. The bus is carried by the session (`session.info`), so that
there is no global state and a test can listen in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
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
    """Who listens to what; built once in `app.py`."""

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        self._subscribers: dict[type[Event], list[Subscriber]] = defaultdict(list)
        for event_type, subscriber in subscriptions:
            self.subscribe(event_type, subscriber)

    def subscribe(self, event_type: type[Event], subscriber: Subscriber) -> None:
        self._subscribers[event_type].append(subscriber)

    def publish(self, session: CarriesInfo, event: Event) -> None:
        for subscriber in self._subscribers[type(event)]:
            subscriber(session, event)


def publish(session: CarriesInfo, event: Event) -> None:
    """Tell the subscribers of the session's bus; an error of theirs fails the whole action."""
    bus: EventBus = session.info[BUS]
    bus.publish(session, event)
