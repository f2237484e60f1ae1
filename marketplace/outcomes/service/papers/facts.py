"""What papers state of a booking, read through the other packages' own queries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.service import clearances
from marketplace.booking.states import BookingState
from marketplace.catalog.queries import listings as catalog
from marketplace.compliance.rules.clearance import can_be_had
from marketplace.compliance.rules.validity import Stay
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.outcomes.rules.papers import RotationFacts
from marketplace.payments import queries as payments


@dataclass(frozen=True)
class Subject:
    """A booking as far as papers are concerned."""

    booking_id: UUID
    trainee_id: UUID
    site_id: UUID
    state: BookingState
    facts: RotationFacts
    email: str


def subject(session: Session, booking_id: UUID) -> Subject:
    """Gather what papers state of a booking: six queries at most. `NotFound` without a booking."""
    booking = bookings.find(session, booking_id)
    person = identity.contact(session, booking.trainee_id)
    profile = identity.trainee_facts(session, booking.trainee_id)
    listing = catalog.listing_facts(session, [booking.listing_id]).get(booking.listing_id)
    site = catalog.site_facts(session, [booking.site_id]).get(booking.site_id)
    if person is None or listing is None or site is None:
        raise NotFound
    return Subject(
        booking_id=booking.id,
        trainee_id=booking.trainee_id,
        site_id=booking.site_id,
        state=BookingState(booking.state),
        email=person.email,
        facts=RotationFacts(
            trainee=person.name,
            site=booking.site_name,
            address=f"{site.address}, {site.city}, {site.state}",
            rotation=booking.listing_title,
            preceptor=listing.preceptor_name,
            tier=booking.tier,
            first_day=booking.first_day,
            last_day=booking.last_day,
            weeks=booking.weeks,
            payer=_payer(session, booking.payment_id, booking.trainee_id, person.name),
            fee=str(booking.total) if booking.total.minor else "",
            learner_status=booking.learner_status,
            school=profile.school_name if profile else None,
            visa_type=profile.visa_type if profile else None,
        ),
    )


def missing_documents(session: Session, booking_id: UUID, now: datetime) -> list[str]:
    """Return the titles of the documents without which nobody begins there, and that are missing.

    What an operator has waived is not missing, nor is what can't be had so long before the start: a
    visa is asked for months ahead, and a drug screen of then would not count.
    """
    booking = bookings.find(session, booking_id)
    found = clearances.clearance(session, booking, now)
    stay = Stay(booking.first_day, booking.last_day)
    today = site_day(now, booking.time_zone)
    return [
        item.requirement.title
        for item in found.items
        if item.requirement.blocks_start
        and not item.met
        and can_be_had(item.requirement, stay, today)
    ]


def _payer(session: Session, payment_id: UUID | None, trainee_id: UUID, trainee: str) -> str:
    """Name who pays, as the payment that was asked for has it."""
    if payment_id is None:
        return trainee
    payer_id = payments.payment(session, payment_id).payer_id
    if payer_id == trainee_id:
        return trainee
    payer = identity.contact(session, payer_id)
    return payer.name if payer else trainee
