"""Jobs of booking: each may run twice, at once or after a crash, and does its work once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from marketplace.booking import queries
from marketplace.booking.gateway import ReplySigner
from marketplace.booking.queries import messages as kept
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    allocating,
    balances,
    cohorts,
    deadlines,
    force_majeure,
    mailed_files,
    messages,
    no_shows,
    offering,
    offers,
    payment,
    preparing,
    rescues,
    school_reminders,
    waiting,
)
from marketplace.booking.service.cohorts import paying as cohort_paying
from marketplace.booking.service.itineraries import FOLLOW, deciding
from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.jobs import JobContext, RetryPolicy, Task, defer
from marketplace.core.scanning import VirusScanner
from marketplace.core.settings import Settings
from marketplace.payments.errors import AlreadyPaid
from marketplace.payments.queries import cards
from marketplace.payments.service import asking

# A run ends well before the next begins, whatever has piled up: the rest is the next run's.
MOST_BATCHES = 200
# Bookings that each take a transaction of their own.
ONE_BY_ONE = 100
# As documents are scanned: about an hour, then every ten minutes.
SCANNING = RetryPolicy(attempts=10, first=5, longest=900)
TIME_TO_SCAN = timedelta(minutes=10)
MOST_SCANS = 200
CHARGES = 500
log = structlog.get_logger()


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
    """Remind trainees of starts, balances and documents, hosts of applications, schools of requests."""
    with job.transaction() as session:
        deadlines.remind_due(session, job.clock.now())
    _in_batches(job, school_reminders.remind)
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


def charge_balances(job: JobContext) -> None:
    """Charge what is left of prices to the cards of trainees who agreed to that, as it is due.

    However many are refused, and stay due, those behind them are reached.
    """
    now, last = job.clock.now(), None
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            due = cards.plans_due(session, queries.PAYABLE, now, CHARGES, last)
        for _, plan_id in due:
            _charge_balance(job, plan_id)
        if len(due) < CHARGES:
            return
        last = due[-1]


def _charge_balance(job: JobContext, plan_id: UUID) -> None:
    terms = Terms.of(job.parts.get(Settings))
    try:
        with job.transaction() as session:
            balances.charge(session, plan_id, terms=terms, now=job.clock.now())
    except DomainError as refused:
        log.warning("balance_needs_a_person", plan_id=str(plan_id), why=str(refused))


def ask_list(job: JobContext, pool_ids: Sequence[str]) -> None:
    """Offer the free seats of these pools to who waits for them."""
    for pool_id in pool_ids:
        with job.transaction() as session:
            offering.ask(session, UUID(pool_id), job.clock.now())


def ask_lists(job: JobContext) -> None:
    """End offers and entries whose time is over, and ask every list that seats are there for."""
    _in_batches(job, offers.lapse_due)
    _in_batches(job, offering.close_too_late)
    _in_batches(job, offering.close_retired)
    with job.transaction() as session:
        pool_ids = offering.pools_to_ask(session)
    ask_list(job, [str(pool_id) for pool_id in pool_ids])


def follow_itinerary(job: JobContext, itinerary_id: str) -> None:
    """Do for an itinerary what follows from the steps of its bookings."""
    with job.transaction() as session:
        deciding.follow(session, UUID(itinerary_id), job.clock.now())


def follow_cohort(job: JobContext, cohort_id: str) -> None:
    """Do for a cohort what follows from the steps of its bookings."""
    with job.transaction() as session:
        cohort_paying.follow(session, UUID(cohort_id), job.clock.now())


def search_rescue(job: JobContext, booking_id: str) -> None:
    """Find what can take the place of a rotation that its host called off."""
    terms = Terms.of(job.parts.get(Settings))
    with job.transaction() as session:
        rescues.search(session, UUID(booking_id), terms=terms, now=job.clock.now())


def follow_rescue(job: JobContext, booking_id: str) -> None:
    """Take what its host has agreed to in place of a rotation, or offer the next."""
    terms = Terms.of(job.parts.get(Settings))
    with job.transaction() as session:
        rescues.follow(session, UUID(booking_id), terms=terms, now=job.clock.now())


def close_rescues(job: JobContext) -> None:
    """Refund where no choice was made in time."""
    _one_by_one(job, queries.rescues_due, rescues.close)


def settle_no_shows(job: JobContext) -> None:
    """Let marks stand that nobody disputed in time."""
    _one_by_one(job, queries.no_shows_due, no_shows.settle)


def run_force_majeure(job: JobContext, run_id: str) -> None:
    """Call the bookings of a run off, each in its own transaction; goes on where it stopped."""
    run = UUID(run_id)
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            pending = queries.pending_of(session, run, ONE_BY_ONE)
        for booking_id in pending:
            try:
                with job.transaction() as session:
                    force_majeure.call_off(session, run, booking_id, job.clock.now())
            except DomainError as refused:
                with job.transaction() as session:
                    force_majeure.give_up(session, run, booking_id, str(refused), job.clock.now())
        if not pending:
            break
    with job.transaction() as session:
        if not force_majeure.finish(session, run, job.clock.now()):
            defer(session, force_majeure.RUN, run_id=run_id)


def resume_force_majeure(job: JobContext) -> None:
    """Ask again for runs whose job was lost."""
    with job.transaction() as session:
        force_majeure.resume(session, job.clock.now())


def _one_by_one(
    job: JobContext,
    due: Callable[[Session, datetime, int], Sequence[UUID]],
    work: Callable[[Session, UUID, datetime], None],
) -> None:
    """Do each in a transaction of its own: one that is refused keeps no other waiting."""
    with job.transaction() as session:
        found = due(session, job.clock.now(), ONE_BY_ONE)
    for booking_id in found:
        try:
            with job.transaction() as session:
                work(session, booking_id, job.clock.now())
        except DomainError as refused:
            log.warning("booking_needs_a_person", booking_id=str(booking_id), why=str(refused))


def dry_run_round(
    job: JobContext, round_id: str, actor_id: str, replays: str | None = None
) -> None:
    """Run a round without effect, or an earlier run once more, and record what came out."""
    with job.transaction() as session:
        allocating.dry_run(
            session,
            UUID(round_id),
            actor_id=UUID(actor_id),
            replays=UUID(replays) if replays else None,
            now=job.clock.now(),
        )


def decide_rounds(job: JobContext) -> None:
    """Run the rounds whose time has come, each in a transaction of its own."""
    more = True
    while more:
        with job.transaction() as session:
            more = allocating.decide_due(session, job.clock.now())


def tell_message(job: JobContext, message_id: str) -> None:
    """Tell a thread's people of a message."""
    with job.transaction() as session:
        signer = job.parts.get(ReplySigner)
        messages.tell(session, signer, UUID(message_id), job.clock.now())


def _in_batches(job: JobContext, work: Callable[[Session, datetime, int], int]) -> None:
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            done = work(session, job.clock.now(), deadlines.BATCH)
        if done < deadlines.BATCH:
            return


def scan_file(job: JobContext, file_id: str) -> None:
    """Have a message's file looked at for viruses; tried again where the scanner is away."""
    if job.parts.get(VirusScanner).present:
        mailed_files.scan(job, UUID(file_id))


def scan_files(job: JobContext) -> None:
    """Look at the files of messages that the scanner has missed."""
    if not job.parts.get(VirusScanner).present:
        return
    with job.transaction() as session:
        found = kept.files_to_scan(session, job.clock.now() - TIME_TO_SCAN, MOST_SCANS)
    for file_id in found:
        mailed_files.scan(job, file_id)


def tidy_files(job: JobContext) -> None:
    """Take away files that were put in threads and went with no message."""
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            done = mailed_files.tidy(session, job.clock.now())
        if done < mailed_files.BATCH:
            return


TASKS = (
    Task(messages.TELL, tell_message),
    Task("booking.expire_holds", expire_holds, cron="* * * * *"),
    Task("booking.start_due", start_due, cron="3 * * * *"),
    Task("booking.remind", remind, cron="13 * * * *"),
    Task(payment.DROP, drop_payment),
    Task("booking.charge_balances", charge_balances, cron="*/15 * * * *"),
    Task(mailed_files.SCAN, scan_file, retry=SCANNING),
    Task("booking.scan_files", scan_files, cron="*/10 * * * *"),
    Task("booking.tidy_files", tidy_files, cron="17 4 * * *"),
    Task(waiting.ASK, ask_list),
    Task("booking.ask_lists", ask_lists, cron="* * * * *"),
    Task(FOLLOW, follow_itinerary),
    Task(cohorts.FOLLOW, follow_cohort),
    Task(rescues.SEARCH, search_rescue),
    Task(rescues.FOLLOW, follow_rescue),
    Task("booking.close_rescues", close_rescues, cron="* * * * *"),
    Task("booking.settle_no_shows", settle_no_shows, cron="23 * * * *"),
    Task(force_majeure.RUN, run_force_majeure),
    Task("booking.resume_force_majeure", resume_force_majeure, cron="*/10 * * * *"),
    Task(allocating.DRY_RUN, dry_run_round),
    Task("booking.decide_rounds", decide_rounds, cron="* * * * *"),
)
