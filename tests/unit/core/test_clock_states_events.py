"""The clock moves when told, states follow the table, events reach their subscribers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import SimpleNamespace

import pytest

from marketplace.core.clock import FixedClock, OffsetClock, SystemClock
from marketplace.core.events import BUS, Event, EventBus, publish
from marketplace.core.ids import new_id
from marketplace.core.parts import Parts
from marketplace.core.states import IllegalTransition, Transitions


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    BROKEN = "broken"


LIGHTS = Transitions(
    {
        Light.RED: frozenset({Light.GREEN, Light.BROKEN}),
        Light.GREEN: frozenset({Light.RED}),
    }
)


@dataclass(frozen=True)
class Rang(Event):
    times: int


def test_a_fixed_clock_needs_a_zone():
    with pytest.raises(ValueError, match="aware"):
        FixedClock(datetime(2026, 1, 1))


def test_an_offset_is_shared_by_all_who_read_the_file(tmp_path):
    mine, theirs = OffsetClock(tmp_path / "clock"), OffsetClock(tmp_path / "clock")
    before = theirs.now()
    mine.advance(timedelta(days=10))
    mine.advance(timedelta(days=-3))
    assert timedelta(days=7) <= theirs.now() - before < timedelta(days=7, minutes=1)


def test_the_systems_clock_is_in_utc():
    assert SystemClock().now().tzinfo is UTC


def test_states_follow_the_table():
    LIGHTS.check(Light.RED, Light.GREEN)
    with pytest.raises(IllegalTransition) as refused:
        LIGHTS.check(Light.GREEN, Light.BROKEN)
    possible = [{"to": "red", "by": None}]
    assert refused.value.extra == {"from": "green", "to": "broken", "possible": possible}
    assert refused.value.detail == "It is green and can't become broken. Possible now: red."
    assert LIGHTS.terminal(Light.BROKEN)
    assert not LIGHTS.terminal(Light.RED)
    assert LIGHTS.as_rows() == [
        (Light.RED, Light.BROKEN),
        (Light.RED, Light.GREEN),
        (Light.GREEN, Light.RED),
    ]


def test_an_event_reaches_those_who_asked_for_it():
    heard = []
    session = SimpleNamespace(
        info={BUS: EventBus(lambda: [(Rang, lambda s, e: heard.append((s, e.times)))])}
    )
    publish(session, Rang(3))
    assert heard == [(session, 3)]


def test_ids_sort_in_the_order_of_their_making():
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}


def test_a_part_that_is_not_wired_names_itself():
    with pytest.raises(LookupError, match="Transitions"):
        Parts().get(Transitions)
