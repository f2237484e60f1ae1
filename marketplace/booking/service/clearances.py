"""Whether a booking's trainee is cleared to begin: by what was asked for when it was made.

The database freezes which versions of the requirements a booking is under as its row is inserted,
so that holding a seat costs no statement more. Only documents that the trainee has released for
the booking count.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking.errors import NotCleared, NotOpenForThis, RequirementUnknown
from marketplace.booking.models import Booking, BookingWaiver
from marketplace.booking.queries import clearing
from marketplace.booking.rules.deadlines import day_begins, site_day
from marketplace.booking.service import agreeing, refusing
from marketplace.booking.states import BookingState
from marketplace.compliance import queries as compliance
from marketplace.compliance import service as records
from marketplace.compliance.events import DocumentsChanged
from marketplace.compliance.rules.clearance import Clearance, clear
from marketplace.compliance.rules.validity import Stay
from marketplace.compliance.service import releases
from marketplace.core.db import Session
from marketplace.core.events import publish

# A site reads what was released to it until so long after the rotation: its auditors ask late.
READABLE_AFTER = timedelta(days=31)
TAKES_DOCUMENTS = frozenset(
    {
        BookingState.SUBMITTED,
        # What a host asks for more of is, as often as not, a document.
        BookingState.MORE_ASKED,
        BookingState.AWAITING_PAYMENT,
        BookingState.CONFIRMED,
        BookingState.IN_PROGRESS,
    }
)


def clearances(
    session: Session, bookings: Sequence[Booking], now: datetime
) -> dict[UUID, Clearance]:
    """Return each booking's clearance; five queries at most, however many bookings."""
    if not bookings:
        return {}
    frozen = {
        booking.id: compliance.Frozen(
            booking.site_requirements_id,
            booking.listing_requirements_id,
            booking.listing_id,
            booking.listing_version,
            made_on(booking),
        )
        for booking in bookings
    }
    sets = compliance.effective_sets(session, frozen)
    asked = [booking.id for booking in bookings if sets[booking.id]]
    held = compliance.handed_over(session, asked, now) if asked else {}
    waived = clearing.waivers(session, asked) if asked else {}
    return {
        booking.id: clear(
            sets[booking.id],
            Stay(booking.first_day, booking.last_day),
            held.get(booking.id, ()),
            made_on=min(made_on(booking), booking.first_day),
            today=site_day(now, booking.time_zone),
            waived={one.requirement for one in waived.get(booking.id, ())},
        )
        for booking in bookings
    }


def clearance(session: Session, booking: Booking, now: datetime) -> Clearance:
    """Return one booking's clearance."""
    return clearances(session, [booking], now)[booking.id]


def check_may_start(session: Session, booking: Booking, now: datetime) -> None:
    """Raise `NotCleared`, naming what is missing, where the booking may not begin."""
    agreeing.check(session, [booking])
    found = clearance(session, booking, now)
    if not found.may_start:
        missing = [item.requirement for item in found.items if item.blocks]
        raise NotCleared(
            "Missing: " + ", ".join(one.title for one in missing) + ".",
            extra={"missing": [one.key for one in missing]},
        )


def release(
    session: Session, booking: Booking, document_ids: Collection[UUID], now: datetime
) -> None:
    """Let the booking's site read documents of its trainee's, until a month after the rotation."""
    state = BookingState(booking.state)
    if state not in TAKES_DOCUMENTS:
        raise refusing.closed(booking)
    releases.release(
        session,
        document_ids,
        holder_id=booking.trainee_id,
        site_id=booking.site_id,
        reference=booking.id,
        ends_at=day_begins(booking.last_day + READABLE_AFTER, booking.time_zone),
        now=now,
    )


def take_back(session: Session, booking: Booking, document_id: UUID, now: datetime) -> None:
    """Take a document back from a booking that has not begun."""
    if BookingState(booking.state) is BookingState.IN_PROGRESS:
        raise NotOpenForThis("The rotation is under way: its site keeps what it was handed.")
    releases.revoke(
        session, document_id, holder_id=booking.trainee_id, reference=booking.id, now=now
    )


def waive(
    session: Session,
    booking: Booking,
    keys: Collection[str],
    *,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Let a booking begin without some of its requirements; why is kept for good. Twice is once."""
    if BookingState(booking.state) not in TAKES_DOCUMENTS:
        raise refusing.closed(booking)
    known = {item.requirement.key for item in clearance(session, booking, now).items}
    unknown = sorted(set(keys) - known)
    if unknown:
        raise RequirementUnknown(fields={"requirements": [f"Not asked for: {unknown[0]}."]})
    rows = [
        {
            "booking_id": booking.id,
            "requirement": key,
            "reason": reason,
            "waived_by": actor_id,
            "waived_at": now,
        }
        for key in sorted(set(keys))
    ]
    session.execute(insert(BookingWaiver).values(rows).on_conflict_do_nothing())
    records.record(
        session,
        actor_id=actor_id,
        action="booking.requirements_waived",
        subject_kind="booking",
        subject_id=booking.id,
        detail={"requirements": sorted(set(keys)), "reason": reason},
        now=now,
    )
    publish(session, DocumentsChanged(booking.site_id, booking.id, "waived", now))


def made_on(booking: Booking) -> date:
    """The day, at the site, on which the booking was made and its documents were asked for."""
    return site_day(booking.held_at, booking.time_zone)
