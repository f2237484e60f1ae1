"""Waiting lists: until when an offer can be made and answered, and whose turn it is.

Days are civil dates; an instant is in UTC. The list of a listing is one, whatever weeks its entries
are for: the first whose whole run of weeks is free is asked first. An entry that waits for weeks of
which one is taken loses no place, and keeps no seat idle.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.booking.rules.deadlines import day_begins
from marketplace.catalog.rules.eligibility.days import VISA_DAYS
from marketplace.catalog.rules.vocabulary import NO_VISA
from marketplace.catalog.rules.weeks import run_of_weeks

# An offer can be answered on the day it is made and on this many whole days after it.
ANSWER_DAYS = 2
Place = tuple[UUID, date]


@dataclass(frozen=True)
class Limits:
    """What decides when it is too late to offer a rotation; days before the first day."""

    first_day: date
    # The site's.
    time_zone: str
    balance_due_days: int
    lead_days: int
    visa_types: Sequence[str]
    needs_visa: bool


def no_offer_from(limits: Limits) -> datetime:
    """The instant from which on no offer is made: a day at the site has ended.

    That of the balance, of the listing's lead time, and, for who needs a visa, of the days that we
    plan with for one.
    """
    days = [limits.balance_due_days, limits.lead_days]
    if limits.needs_visa and NO_VISA not in limits.visa_types:
        days.append(VISA_DAYS)
    last = limits.first_day - timedelta(days=max(days))
    return day_begins(last + timedelta(days=1), limits.time_zone)


def answer_by(now: datetime, time_zone: str, latest: datetime) -> datetime:
    """Until when an offer is open: the end of a day in the trainee's `time_zone`, or `latest`."""
    today = now.astimezone(ZoneInfo(time_zone)).date()
    return min(day_begins(today + timedelta(days=ANSWER_DAYS + 1), time_zone), latest)


@dataclass(frozen=True)
class Turn:
    """An entry that waits, in the order of `number`."""

    id: UUID
    number: int
    listing_id: UUID
    first_day: date
    weeks: int

    @property
    def mondays(self) -> list[date]:
        return run_of_weeks(self.first_day, self.weeks)


def turns(
    waiting: Iterable[Turn],
    pools: Mapping[UUID, Sequence[UUID]],
    closed: Mapping[UUID, frozenset[date]],
    free: MutableMapping[Place, int],
) -> Iterator[Turn]:
    """Yield who can be served, in order, from what is `free` by pool and week at that moment.

    `pools` and `closed` weeks are by listing; a listing that is not open is in neither. The caller
    takes what it gives from `free` (see `places`) before it asks for the next.
    """
    for turn in sorted(waiting, key=lambda one: one.number):
        own = pools.get(turn.listing_id, ())
        if not own or closed.get(turn.listing_id, frozenset()).intersection(turn.mondays):
            continue
        if all(free.get(place, 0) > 0 for place in places(turn, own)):
            yield turn


def places(turn: Turn, pools: Sequence[UUID]) -> list[Place]:
    """The weeks of pools in which it needs a seat."""
    return [(pool_id, week) for pool_id in pools for week in turn.mondays]
