"""Changes that others have to agree to first: made, agreed to, declined, withdrawn.

The host agrees where it decides on each trainee; to a transfer the trainee agrees who would come.
No seat is kept meanwhile: that the weeks are free is seen when the change takes effect, which is
when the last of those who have to agree does.
"""

from contextlib import nullcontext
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, ProposalEnded, ProposalOpen
from marketplace.booking.models import Booking, BookingProposal
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.rules.deadlines import day_begins, decide_by
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    change_notices,
    changes,
    reschedules,
    school_notices,
    transfers,
)
from marketplace.booking.service.changes import Plan
from marketplace.booking.service.cohorts.privacy import unexplained
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session

# How long another trainee has to say yes.
TRAINEE_ANSWERS = timedelta(days=7)


def change_weeks(
    session: Session,
    booking: Booking,
    *,
    mark: str,
    message: str,
    **wanted: Any,
) -> tuple[Booking | None, BookingProposal | None]:
    """Change to the weeks `wanted`, or propose them where the host decides on each trainee now.

    Returns the booking that takes over, or the proposal that waits. How the first weeks were booked
    does not matter: the host may have come to decide on each trainee since, or ceased to.
    """
    old = changes.lock(session, booking.id)
    if reschedules.quote(session, old, **wanted).asks_host:
        return None, propose_weeks(session, old, mark=mark, message=message, **wanted)
    by = old.trainee_id
    return reschedules.reschedule(session, old, mark=mark, actor_id=by, **wanted), None


def propose_weeks(
    session: Session,
    booking: Booking,
    *,
    first_day: date,
    weeks: int,
    mark: str,
    message: str,
    terms: Terms,
    now: datetime,
    proposed_by: UUID | None = None,
) -> BookingProposal:
    """Ask the host for other weeks under the quote of `mark`; it has as long as for an application.

    `proposed_by` a coordinator of the school whose place it is: its student is asked first.
    """
    old = changes.lock(session, booking.id)
    planned = reschedules.plan(session, old, Rotation(first_day, weeks), terms, now)
    changes.check_mark(planned.quote, mark)
    if proposed_by is not None:
        return _ask_student(
            session, old, planned, old.trainee_id, message, proposed_by=proposed_by, now=now
        )
    found = _open(
        session,
        old,
        ChangeKind.RESCHEDULE,
        planned.quote,
        message,
        needs_host=True,
        until=decide_by(now, min(first_day, old.first_day), old.time_zone),
        now=now,
    )
    change_notices.proposed_to_host(session, old, found, now)
    return found


def propose_transfer(
    session: Session,
    booking: Booking,
    *,
    to_trainee_id: UUID,
    mark: str,
    message: str,
    terms: Terms,
    now: datetime,
    proposed_by: UUID | None = None,
) -> BookingProposal:
    """Offer the booking to another trainee of the same school under the quote of `mark`."""
    old = changes.lock(session, booking.id)
    with unexplained(to_trainee_id):
        planned = transfers.plan(session, old, to_trainee_id, terms, now)
    changes.check_mark(planned.quote, mark)
    if proposed_by is not None:
        return _ask_student(
            session, old, planned, to_trainee_id, message, proposed_by=proposed_by, now=now
        )
    found = _open(
        session,
        old,
        ChangeKind.TRANSFER,
        planned.quote,
        message,
        needs_host=planned.new.approval == Approval.REQUEST,
        until=min(now + TRAINEE_ANSWERS, day_begins(old.first_day, old.time_zone)),
        now=now,
        to_trainee_id=to_trainee_id,
    )
    change_notices.proposed_to_trainee(session, old, found, planned.quote, now)
    return found


def quote(session: Session, proposal: BookingProposal, terms: Terms, now: datetime) -> ChangeQuote:
    """Say what the proposal means as things stand; it takes effect only where that is unchanged."""
    booking = queries.find(session, proposal.booking_id)
    if proposal.kind == ChangeKind.TRANSFER and proposal.to_trainee_id is not None:
        return transfers.plan(session, booking, proposal.to_trainee_id, terms, now).quote
    rotation = Rotation(proposal.first_day, proposal.weeks)
    return reschedules.plan(session, booking, rotation, terms, now).quote


def accept(
    session: Session,
    proposal: BookingProposal,
    *,
    actor_id: UUID,
    by_host: bool,
    terms: Terms,
    now: datetime,
) -> Booking | None:
    """Agree; return the booking that takes over, None while the host has still to agree.

    `ProposalEnded` if it is too late; `QuoteChanged` where the terms would now differ; else what
    stands against the change, which the host is not told in full (`PlaceRefused`). A refusal leaves the proposal open.
    """
    found = _locked_open(session, proposal, now)
    booking = queries.find(session, found.booking_id)
    if by_host and found.to_trainee_id is not None and found.trainee_agreed_at is None:
        raise NotOpenForThis("The trainee who would come has not agreed yet.")
    if not by_host and found.needs_host:
        if found.trainee_agreed_at is None:
            found.trainee_agreed_at = now
            found.expires_at = decide_by(now, booking.first_day, booking.time_zone)
            session.flush()
            change_notices.proposed_to_host(session, booking, found, now)
        return None
    if not by_host:
        found.trainee_agreed_at = now
    comes = found.to_trainee_id or booking.trainee_id
    with unexplained(comes) if by_host else nullcontext():
        new = _take_effect(session, booking, found, actor_id, terms, now)
    _end(session, found, "done", actor_id, None, now)
    return new


def decline(
    session: Session, proposal: BookingProposal, *, actor_id: UUID, reason: str, now: datetime
) -> None:
    """Say no, as the host or as the trainee to whom it was offered; the booking stays."""
    found = _locked_open(session, proposal, now)
    _end(session, found, "declined", actor_id, reason, now)
    booking = queries.find(session, found.booking_id)
    change_notices.proposal_declined(session, booking, found, now)


def withdraw(session: Session, proposal: BookingProposal, *, actor_id: UUID, now: datetime) -> None:
    """Take the proposal back; the booking stays."""
    _end(session, _locked_open(session, proposal, now), "withdrawn", actor_id, None, now)


def _ask_student(
    session: Session,
    old: Booking,
    planned: Plan,
    student_id: UUID,
    message: str,
    *,
    proposed_by: UUID,
    now: datetime,
) -> BookingProposal:
    """Open what a school proposes: the student whose place it is or would be answers first."""
    found = _open(
        session,
        old,
        planned.quote.kind,
        planned.quote,
        message,
        needs_host=planned.new.approval == Approval.REQUEST,
        until=min(
            now + TRAINEE_ANSWERS,
            day_begins(min(old.first_day, planned.quote.first_day), old.time_zone),
        ),
        now=now,
        to_trainee_id=student_id,
        proposed_by=proposed_by,
    )
    school_notices.proposed(session, old, found, now)
    return found


def _open(
    session: Session,
    old: Booking,
    kind: ChangeKind,
    quote: ChangeQuote,
    message: str,
    *,
    needs_host: bool,
    until: datetime,
    now: datetime,
    to_trainee_id: UUID | None = None,
    proposed_by: UUID | None = None,
) -> BookingProposal:
    before = queries.open_proposal(session, old.id)
    if before is not None:
        # The booking's row is locked: nobody else opens one meanwhile.
        if before.expires_at > now:
            raise ProposalOpen(extra={"proposal_id": str(before.id)})
        _end(session, queries.lock_proposal(session, before.id), "expired", None, None, now)
    found = BookingProposal(
        booking_id=old.id,
        site_id=old.site_id,
        kind=kind.value,
        to_trainee_id=to_trainee_id,
        proposed_by=proposed_by,
        first_day=quote.first_day,
        weeks=quote.weeks,
        quote=quote.mark,
        message=message,
        needs_host=needs_host,
        state="open",
        made_at=now,
        expires_at=until,
    )
    session.add(found)
    session.flush()
    return found


def _take_effect(
    session: Session,
    booking: Booking,
    found: BookingProposal,
    actor_id: UUID,
    terms: Terms,
    now: datetime,
) -> Booking:
    if found.kind == ChangeKind.TRANSFER and found.to_trainee_id is not None:
        return transfers.transfer(
            session,
            booking,
            to_trainee_id=found.to_trainee_id,
            mark=found.quote,
            terms=terms,
            now=now,
            actor_id=found.proposed_by,
        )
    return reschedules.reschedule(
        session,
        booking,
        first_day=found.first_day,
        weeks=found.weeks,
        mark=found.quote,
        actor_id=actor_id,
        terms=terms,
        now=now,
        agreed=True,
    )


def _locked_open(session: Session, proposal: BookingProposal, now: datetime) -> BookingProposal:
    """Return the open proposal, the booking's money and row and its own ours, in that order."""
    changes.lock(session, proposal.booking_id)
    found = queries.lock_proposal(session, proposal.id)
    if found.state != "open" or found.expires_at <= now:
        state = found.state if found.state != "open" else "expired"
        ended = found.ended_at or found.expires_at
        raise ProposalEnded(
            f"It was {state} at {ended:%Y-%m-%d %H:%M} UTC.",
            extra={"state": state, "ended_at": ended.isoformat()},
        )
    return found


def _end(
    session: Session,
    found: BookingProposal,
    state: str,
    actor_id: UUID | None,
    reason: str | None,
    now: datetime,
) -> None:
    found.state, found.ended_at, found.ended_by, found.reason = state, now, actor_id, reason
    session.flush()
