"""Jobs of booking: each may run twice, at once or after a crash, and does its work once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from marketplace.booking.service import (
    deadlines,
    offering,
    offers,
    payment,
    preparing,
    waiting,
)
from marketplace.booking.service.itineraries import FOLLOW, deciding
from marketplace.core.db import Session
from marketplace.core.jobs import JobContext, Task
from marketplace.payments.errors import AlreadyPaid
from marketplace.payments.service import asking

# A run ends well before the next begins, whatever has piled up: the rest is the next run's.
MOST_BATCHES = 200


def expire_holds(job: JobContext) -> None:
    """Give up the seats whose time has passed."""
    _in_batches(job, deadlines.expire_due)


def start_due(job: JobContext) -> None:
    """Begin the rotations whose first day has come at their site; hourly, for all the zones."""
    after = None
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            after = deadlines.start_due(session, job.clock.now(), after=after).last
        if after is None:
            return


def remind(job: JobContext) -> None:
    """Remind trainees of starts, balances and documents, and hosts of applications."""
    with job.transaction() as session:
        deadlines.remind_due(session, job.clock.now())
    after = None
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            after = preparing.remind(session, job.clock.now(), after=after)
        if after is None:
            return


def drop_payment(job: JobContext, payment_id: str) -> None:
    """Close the payment of a booking that was given up, if it is still open.

    Where the money was faster, whoever settled it has taken the seat back or refunded it.
    """
    with suppress(AlreadyPaid), job.transaction() as session:
        asking.cancel(session, UUID(payment_id), now=job.clock.now())


def ask_list(job: JobContext, pool_ids: Sequence[str]) -> None:
    """Offer the free seats of these pools to who waits for them."""
    for pool_id in pool_ids:
        with job.transaction() as session:
            offering.ask(session, UUID(pool_id), job.clock.now())


def ask_lists(job: JobContext) -> None:
    """End offers and entries whose time is over, and ask every list that seats are there for."""
    _in_batches(job, offers.lapse_due)
    _in_batches(job, offering.close_too_late)
    with job.transaction() as session:
        pool_ids = offering.pools_to_ask(session)
    ask_list(job, [str(pool_id) for pool_id in pool_ids])


def follow_itinerary(job: JobContext, itinerary_id: str) -> None:
    """Do for an itinerary what follows from the steps of its bookings."""
    with job.transaction() as session:
        deciding.follow(session, UUID(itinerary_id), job.clock.now())


def _in_batches(job: JobContext, work: Callable[[Session, datetime, int], int]) -> None:
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            done = work(session, job.clock.now(), deadlines.BATCH)
        if done < deadlines.BATCH:
            return


TASKS = (
    Task("booking.expire_holds", expire_holds, cron="* * * * *"),
    Task("booking.start_due", start_due, cron="3 * * * *"),
    Task("booking.remind", remind, cron="13 * * * *"),
    Task(payment.DROP, drop_payment),
    Task(waiting.ASK, ask_list),
    Task("booking.ask_lists", ask_lists, cron="* * * * *"),
    Task(FOLLOW, follow_itinerary),
)
