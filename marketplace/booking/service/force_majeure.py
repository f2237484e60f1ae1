"""Rotations that can't take place over a range of days and a set of regions or sites.

First a dry run, which changes nothing: which bookings, what goes back, who is written to, and a
code. The real run needs that code, and is refused where the set has changed since. It is a job that
ends one booking after another, each in a transaction of its own, and goes on where it stopped.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import CodeWrong, DryRunOld, NothingTouched, SetChanged
from marketplace.booking.models import Booking, ForceMajeure, ForceMajeureBooking
from marketplace.booking.service import cancellations, changes, notices
from marketplace.booking.service.cancel_notices import Returned
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.catalog.queries.sites import ids_in_states
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.catalog.rules.weeks import monday_of
from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.identity import queries as identity

RUN = "booking.run_force_majeure"
WISH = Wish(event=PolicyEvent.HOST_WITHDRAWS)
# A code is for the set that was looked at, not for one of last week.
GOOD_FOR = timedelta(hours=24)
CODE_LENGTH = 10
# A run that nothing was done about for so long has lost its job: it is asked for again.
SILENT = timedelta(minutes=10)


@dataclass(frozen=True)
class Touched:
    """One booking of the set; `version` grows with every change of it."""

    booking_id: UUID
    version: int
    site_id: UUID
    refund: Money


def dry_run(
    session: Session,
    *,
    first_day: date,
    last_day: date,
    states: Collection[str],
    site_ids: Collection[UUID],
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> ForceMajeure:
    """Look at what a run would do, and keep it with its code; no booking is changed.

    Touched is every live booking with a seat in a week that the days `first_day` to `last_day` lie
    in, at the sites or in the states named. `NothingTouched` if there is none.
    """
    sites = sorted({*site_ids, *ids_in_states(session, states)})
    found = _touched(session, sites, first_day, last_day, now)
    if not found:
        raise NothingTouched
    row = ForceMajeure(
        id=new_id(),
        first_day=first_day,
        last_day=last_day,
        states=sorted(set(states)),
        site_ids=[str(one) for one in sorted(set(site_ids))],
        reason=reason,
        set_mark=_mark(found),
        bookings=len(found),
        refunds=_sums(found),
        notices=_notices(session, found),
        state="planned",
        planned_by=actor_id,
        planned_at=now,
    )
    row.code = _code(row)
    session.add(row)
    session.flush()
    _keep_set(session, row, found)
    _note(session, row, "force_majeure.planned", actor_id, now)
    return row


def run(
    session: Session, run_id: UUID, *, code: str, actor_id: UUID, now: datetime
) -> ForceMajeure:
    """Have the set of a dry run called off; a second call returns the same run.

    `CodeWrong`, `DryRunOld` after a day, and `SetChanged` with what is touched now.
    """
    row = queries.force_majeure(session, run_id, lock=True)
    if code != row.code:
        raise CodeWrong
    if row.state != "planned":
        return row
    if now >= row.planned_at + GOOD_FOR:
        raise DryRunOld
    sites = [UUID(one) for one in row.site_ids]
    sites = sorted({*sites, *ids_in_states(session, row.states)})
    found = _touched(session, sites, row.first_day, row.last_day, now)
    if _mark(found) != row.set_mark:
        raise SetChanged(
            f"{row.bookings} bookings were touched, {len(found)} are now, or some have changed.",
            extra={"bookings": len(found), "refunds": _sums(found)},
        )
    row.state, row.run_by, row.run_at = "running", actor_id, now
    session.flush()
    defer(session, RUN, run_id=str(row.id))
    _note(session, row, "force_majeure.run", actor_id, now)
    return row


def call_off(session: Session, run_id: UUID, booking_id: UUID, now: datetime) -> None:
    """End one booking of a run; once, however often and by however many it is tried."""
    item = queries.force_majeure_booking(session, run_id, booking_id, lock=True)
    if item is None or item.state != "pending":
        return
    row = queries.force_majeure(session, run_id)
    booking = changes.lock(session, booking_id)
    state = BookingState(booking.state)
    actor = row.run_by or row.planned_by
    to = BookingState.CANCELLED_BY_OPERATOR

    item.state, item.at = "done", now
    item.refund = Money.zero(booking.paid.currency)
    if state in TIMED:
        cancellations.cancel_unpaid(
            session, booking, to=to, actor_id=actor, reason=row.reason, now=now, tell=_tell
        )
    elif state in CANCELLABLE:
        mark = cancellations.quote(session, booking, WISH, now).mark
        agreed = cancellations.cancel(
            session,
            booking,
            WISH,
            mark=mark,
            to=to,
            actor_id=actor,
            reason=row.reason,
            now=now,
            tell=_tell,
        )
        item.refund = agreed.refund
    else:
        item.state, item.note = "skipped", f"It was {state.value} by then."
    session.flush()


def give_up(session: Session, run_id: UUID, booking_id: UUID, why: str, now: datetime) -> None:
    """Note that a booking could not be ended: an operator looks at it."""
    item = queries.force_majeure_booking(session, run_id, booking_id, lock=True)
    if item is not None and item.state == "pending":
        item.state, item.note, item.at = "failed", why, now
        session.flush()


def resume(session: Session, now: datetime) -> int:
    """Ask again for the runs that stand still; a run that two work on ends each booking once."""
    lost = queries.force_majeure_silent(session, now - SILENT)
    for run_id in lost:
        defer(session, RUN, run_id=str(run_id))
    return len(lost)


def finish(session: Session, run_id: UUID, now: datetime) -> bool:
    """Mark the run as done if nothing of it is pending; return whether it is."""
    row = queries.force_majeure(session, run_id, lock=True)
    if queries.force_majeure_counts(session, run_id).get("pending"):
        return False
    if row.state == "running":
        row.state, row.done_at = "done", now
        session.flush()
    return True


def _touched(
    session: Session, sites: Sequence[UUID], first: date, last: date, now: datetime
) -> list[Touched]:
    found = []
    for booking in queries.touched(session, sites, monday_of(first), last):
        refund = Money.zero(booking.paid.currency)
        if BookingState(booking.state) in CANCELLABLE:
            refund = cancellations.by_the_terms(booking, WISH, now).refund
        found.append(Touched(booking.id, booking.version, booking.site_id, refund))
    return found


def _mark(found: Sequence[Touched]) -> str:
    """Two sets have one mark exactly when they have the same bookings, unchanged."""
    said = sorted([str(one.booking_id), one.version, one.refund.minor] for one in found)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _code(row: ForceMajeure) -> str:
    return hashlib.sha256(f"{row.id} {row.set_mark}".encode()).hexdigest()[:CODE_LENGTH]


def _sums(found: Sequence[Touched]) -> list[dict[str, Any]]:
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.refund.currency] += one.refund.minor
    return [{"amount": sums[currency], "currency": currency} for currency in sorted(sums)]


def _notices(session: Session, found: Sequence[Touched]) -> int:
    """One to each trainee and to each of a site's people, for every booking."""
    by_site = Counter(one.site_id for one in found)
    people = {
        site_id: len(identity.site_contacts(session, site_id, *notices.DECIDERS))
        for site_id in by_site
    }
    return sum(count * (1 + people[site_id]) for site_id, count in by_site.items())


def _keep_set(session: Session, row: ForceMajeure, found: Sequence[Touched]) -> None:
    session.add_all(
        ForceMajeureBooking(
            force_majeure_id=row.id, booking_id=one.booking_id, state="pending", refund=one.refund
        )
        for one in found
    )
    session.flush()


def _tell(
    session: Session, booking: Booking, found: Returned | None, reason: str, now: datetime
) -> None:
    refund = notices.money_of(booking, found.money) if found else None
    data: dict[str, Any] = {"reason": reason, "refund": refund}
    files = [notices.days_off(session, booking, now)] if booking.paid.minor else []
    notices.tell_trainee(session, booking, "force_majeure", now=now, files=files, **data)
    notices.tell_host(session, booking, "force_majeure", now=now, **{**data, "refund": None})


def _note(session: Session, row: ForceMajeure, action: str, actor_id: UUID, now: datetime) -> None:
    compliance.record(
        session,
        actor_id=actor_id,
        action=action,
        subject_kind="force_majeure",
        subject_id=row.id,
        detail={"bookings": row.bookings, "reason": row.reason},
        now=now,
    )
