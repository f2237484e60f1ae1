"""What outcomes does when a booking is made, ends or is done: papers, and a question.

And what it refuses: a day without a trainee whose hours of that day are signed.
"""

from collections.abc import Sequence

from marketplace.booking import queries as bookings
from marketplace.booking.events import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    BookingEvent,
    BookingNoShow,
    DaysMarkedAbsent,
)
from marketplace.compliance.events import ConsentDecided
from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity
from marketplace.identity.events import AccountErasing, MailCameBack
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify, notify_all
from marketplace.outcomes.queries import days
from marketplace.outcomes.service import campaigns, hours, leaving, survey
from marketplace.outcomes.service.papers import issuing
from marketplace.outcomes.service.rotations import rotation


def ask_what_was_done(session: Session, event: BookingCompleted) -> None:
    """Write to the trainee in the transaction of the completion."""
    notify(
        session,
        event.trainee_id,
        "rotation_completed",
        {
            "listing_title": rotation(session, event.booking_id).listing_title,
            "booking_id": str(event.booking_id),
        },
        now=event.at,
    )


def ask_to_evaluate(session: Session, event: BookingCompleted) -> None:
    """Write to whoever signed hours of it; where nobody did, to the site's preceptors."""
    about = bookings.find(session, event.booking_id)
    signed = {one.signed_by for one in days.logged_days(session, event.booking_id) if one.signed}
    people = identity.site_contacts(session, about.site_id)
    asked = [one for one in people if one.account_id in signed]
    if not asked:
        asked = identity.site_contacts(session, about.site_id, Role.PRECEPTOR)
    trainee = identity.contact(session, event.trainee_id)
    if not asked or trainee is None:
        return
    data = {
        "trainee_name": trainee.name,
        "listing_title": about.listing_title,
        "site_name": about.site_name,
        "site_id": str(about.site_id),
        "booking_id": str(event.booking_id),
    }
    notify_all(session, asked, "evaluation_wanted", data, now=event.at)


def issue_papers(session: Session, event: BookingEvent) -> None:
    """Have the papers issued that are due now."""
    defer(session, issuing.ISSUE_DUE, booking_id=str(event.booking_id))


def revoke_papers(session: Session, event: BookingEvent) -> None:
    """Revoke what was issued, in the transaction of the booking's end."""
    issuing.revoke_all(session, event.booking_id, "The booking has ended.", event.at)


def keep_signed_hours(session: Session, event: DaysMarkedAbsent) -> None:
    """Refuse the mark, in its transaction, where hours of the day are signed."""
    hours.refuse_absence(session, event.booking_id, event.days)


def consent_decided(session: Session, event: ConsentDecided) -> None:
    """Count, share and name from now on only what the person agrees to."""
    survey.consent_decided(
        session, event.account_id, event.purpose, given=event.given, now=event.at
    )


def invitation_came_back(session: Session, event: MailCameBack) -> None:
    """Stop the waves for who can't be reached."""
    # Of an erased account nothing is known of what its mails were about.
    if event.template == campaigns.INVITATION and "match_year" in event.data:
        year = int(event.data["match_year"])
        campaigns.invitation_came_back(session, event.account_id, event.address, year, event.at)


SUBSCRIPTIONS: Sequence[Subscription] = (
    (BookingCompleted, ask_what_was_done),
    (BookingCompleted, ask_to_evaluate),
    (BookingConfirmed, issue_papers),
    (BookingCompleted, issue_papers),
    (BookingCancelled, revoke_papers),
    (BookingNoShow, revoke_papers),
    (DaysMarkedAbsent, keep_signed_hours),
    (ConsentDecided, consent_decided),
    (MailCameBack, invitation_came_back),
    (AccountErasing, leaving.erase),
)
