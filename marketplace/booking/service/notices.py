"""What trainees and hosts are told, in the transaction of what happened."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.rules.ical import Entry, Method, Status, mailed
from marketplace.catalog import queries as catalog
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import TextFile, notify, notify_all

DECIDERS = (Role.COORDINATOR, Role.SITE_OWNER)


def money_json(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}


def money_of(booking: Booking, amount: Money) -> dict[str, Any] | None:
    """What a trainee is told of money that goes back; nothing where their school has paid."""
    return None if booking.cohort_id is not None else money_json(amount)


def tell_trainee(
    session: Session,
    booking: Booking,
    template: str,
    *,
    now: datetime,
    files: Sequence[TextFile] = (),
    **data: Any,
) -> None:
    """Send `template` to the trainee, with the booking's own facts."""
    data = {**_facts(booking), **data}
    notify(session, booking.trainee_id, template, data, now=now, files=files)


def tell_host(
    session: Session, booking: Booking, template: str, *, now: datetime, **data: Any
) -> None:
    """Send `template` to each of the site's people who decide on bookings.

    However many they are: the notices are written together, with whatever waits to be written.
    """
    with session.no_autoflush:
        people = identity.site_contacts(session, booking.site_id, *DECIDERS)
    notify_all(session, people, template, {**_facts(booking), **data}, now=now)


def tell_people(
    session: Session,
    booking: Booking,
    account_ids: Sequence[UUID],
    template: str,
    *,
    now: datetime,
    headers: Mapping[str, str] | None = None,
    **data: Any,
) -> None:
    """Send `template` to these accounts, with the booking's own facts."""
    facts = {**_facts(booking), **data}
    for account_id in account_ids:
        notify(session, account_id, template, facts, now=now, headers=headers)


def confirmed(session: Session, booking: Booking, now: datetime) -> None:
    """Tell the trainee, with the rotation's days for a calendar, and the host who comes."""
    tell_trainee(
        session,
        booking,
        "booking_confirmed",
        now=now,
        files=[days(session, booking, now)],
        paid=money_json(booking.paid),
    )
    booked(session, booking, now)


def booked(session: Session, booking: Booking, now: datetime) -> None:
    """Tell the host that the rotation is paid for: until then nobody comes, approved or not."""
    name = name_of(session, booking.trainee_id)
    tell_host(session, booking, "rotation_booked", now=now, trainee_name=name)


def received(session: Session, booking: Booking, now: datetime) -> None:
    tell_host(
        session,
        booking,
        "application_received",
        now=now,
        trainee_name=name_of(session, booking.trainee_id),
        decide_by=_moment(booking.hold_expires_at),
    )


def approved(session: Session, booking: Booking, now: datetime) -> None:
    tell_trainee(
        session,
        booking,
        "application_approved",
        now=now,
        amount=money_json(booking.deposit),
        pay_by=_moment(booking.pay_by),
    )


def declined(session: Session, booking: Booking, reason: str, now: datetime) -> None:
    tell_trainee(session, booking, "application_declined", now=now, reason=reason)


def more_asked(session: Session, booking: Booking, wish: str, now: datetime) -> None:
    tell_trainee(
        session,
        booking,
        "application_more_asked",
        now=now,
        wish=wish,
        answer_by=_moment(booking.hold_expires_at),
    )


def answered(session: Session, booking: Booking, now: datetime) -> None:
    tell_host(
        session,
        booking,
        "application_answered",
        now=now,
        trainee_name=name_of(session, booking.trainee_id),
        decide_by=_moment(booking.hold_expires_at),
    )


def answer_soon(session: Session, booking: Booking, now: datetime) -> None:
    """Remind the trainee, while the host waits."""
    until = _moment(booking.hold_expires_at)
    tell_trainee(session, booking, "application_answer_soon", now=now, answer_by=until)


def lapsed(session: Session, booking: Booking, waited_for: str, now: datetime) -> None:
    """Tell both sides of an application that nobody decided on, or the trainee did not answer."""
    tell_trainee(session, booking, "application_lapsed", now=now, waited_for=waited_for)
    tell_host(
        session,
        booking,
        "application_lapsed_host",
        now=now,
        waited_for=waited_for,
        trainee_name=name_of(session, booking.trainee_id),
    )


def withdrawn(session: Session, booking: Booking, now: datetime) -> None:
    """Tell the host of an application that it need not decide on, or count on, any more."""
    _application_over(session, booking, "withdrawn", now)


def expired(session: Session, booking: Booking, now: datetime) -> None:
    """Tell the trainee, and the host if it has approved."""
    tell_trainee(session, booking, "hold_expired", now=now)
    if booking.approval == Approval.REQUEST:
        _application_over(session, booking, "unpaid", now)


def _application_over(session: Session, booking: Booking, how: str, now: datetime) -> None:
    name = name_of(session, booking.trainee_id)
    tell_host(session, booking, "application_over", now=now, how=how, trainee_name=name)


def payment_failed(session: Session, booking: Booking, amount: Money, now: datetime) -> None:
    tell_trainee(
        session,
        booking,
        "payment_failed",
        now=now,
        amount=money_json(amount),
        held_until=_moment(booking.hold_expires_at),
    )


def seat_lost(session: Session, booking: Booking, paid: Money, now: datetime) -> None:
    tell_trainee(session, booking, "seat_lost_refund", now=now, paid=money_json(paid))


def paid_twice(session: Session, booking: Booking, paid: Money, now: datetime) -> None:
    tell_trainee(session, booking, "paid_twice_refund", now=now, paid=money_json(paid))


def credit_gone(session: Session, booking: Booking, paid: Money, now: datetime) -> None:
    tell_trainee(session, booking, "credit_gone_refund", now=now, paid=money_json(paid))


def starts_soon(session: Session, booking: Booking, now: datetime) -> None:
    tell_trainee(session, booking, "booking_starts_soon", now=now, place=_place(session, booking))


def start_blocked(
    session: Session, booking: Booking, missing: Sequence[str], now: datetime
) -> None:
    """Tell both sides that the rotation has not begun, and which documents are missing."""
    data: dict[str, Any] = {
        "missing": ", ".join(missing),
        "trainee_name": name_of(session, booking.trainee_id),
    }
    tell_trainee(session, booking, "start_blocked", now=now, yours=True, **data)
    tell_host(session, booking, "start_blocked", now=now, yours=False, **data)


def decide_soon(session: Session, booking: Booking, now: datetime) -> None:
    """Remind the host, while the trainee waits."""
    tell_host(
        session,
        booking,
        "application_waits",
        now=now,
        trainee_name=name_of(session, booking.trainee_id),
        decide_by=_moment(booking.hold_expires_at),
    )


def balance_due(session: Session, booking: Booking, now: datetime) -> None:
    _owed(session, booking, "balance_due", now)


def balance_overdue(session: Session, booking: Booking, now: datetime) -> None:
    _owed(session, booking, "balance_overdue", now)


def _owed(session: Session, booking: Booking, template: str, now: datetime) -> None:
    due = booking.balance_due_on
    tell_trainee(
        session,
        booking,
        template,
        now=now,
        amount=money_json(booking.total - booking.paid),
        due_on=None if due is None else due.isoformat(),
    )


def school_asked(
    session: Session,
    booking: Booking,
    coordinators: Sequence[identity.Contact],
    message: str,
    until: datetime,
    now: datetime,
) -> None:
    """Tell the school's coordinators that a student asks for its word."""
    data = {
        **_facts(booking),
        "trainee_name": name_of(session, booking.trainee_id),
        "message": message,
        "decide_by": until.isoformat(),
        "school_id": str(booking.school_id),
    }
    notify_all(session, coordinators, "school_request", data, now=now)


def school_approved(session: Session, booking: Booking, until: datetime, now: datetime) -> None:
    tell_trainee(session, booking, "school_approved", now=now, held_until=until.isoformat())


def school_declined(session: Session, booking: Booking, reason: str, now: datetime) -> None:
    tell_trainee(session, booking, "school_declined", now=now, reason=reason)


def cohort_invited(
    session: Session, booking: Booking, school_name: str, answer_by: datetime, now: datetime
) -> None:
    """Ask a student whether they want the place that their school keeps for them."""
    tell_trainee(
        session,
        booking,
        "cohort_invited",
        now=now,
        school_name=school_name,
        answer_by=answer_by.isoformat(),
    )


def cohort_confirmed(session: Session, booking: Booking, now: datetime) -> None:
    """Tell a student whose school has paid, with the rotation's days for a calendar."""
    files = [days(session, booking, now)]
    tell_trainee(session, booking, "cohort_confirmed", now=now, files=files)


def agreement_missing(
    session: Session,
    booking: Booking,
    school_name: str,
    coordinators: Sequence[identity.Contact],
    until: datetime,
    now: datetime,
) -> None:
    """Tell both sides of an agreement that a trainee waits for it."""
    hosts = identity.site_contacts(session, booking.site_id, *DECIDERS)
    data = {
        **_facts(booking),
        "school_name": school_name,
        "trainee_name": name_of(session, booking.trainee_id),
        "held_until": until.isoformat(),
    }
    people = {one.account_id: one for one in (*coordinators, *hosts)}
    notify_all(session, list(people.values()), "agreement_missing", data, now=now)


def agreement_found(session: Session, booking: Booking, now: datetime) -> None:
    until = _moment(booking.hold_expires_at)
    tell_trainee(session, booking, "agreement_found", now=now, held_until=until)


def days(session: Session, booking: Booking, now: datetime) -> TextFile:
    """The rotation as a file for a calendar; its event is that of the trainee's feed."""
    return _calendar(session, booking, Method.PUBLISH, "rotation", now)


def days_off(session: Session, booking: Booking, now: datetime) -> TextFile:
    """What takes the rotation out of that calendar again."""
    return _calendar(session, booking, Method.CANCEL, "cancelled", now)


def _calendar(
    session: Session, booking: Booking, method: Method, name: str, now: datetime
) -> TextFile:
    entry = Entry(
        key=f"rotation-{booking.id}",
        summary=f"{booking.listing_title}, {booking.site_name}",
        description=f"Days at the site ({booking.time_zone}).",
        location=_place(session, booking),
        status=Status.CONFIRMED if method is Method.PUBLISH else Status.CANCELLED,
        sequence=booking.version - 1,
        changed_at=now,
        first=booking.first_day,
        last=booking.last_day,
    )
    sender = parseaddr(parts_of(session).get(Settings).mail_from)[1]
    content = mailed(method, sender, [entry]).decode()
    return TextFile(
        f"{name}-{booking.first_day}.ics", f"text/calendar; method={method}; charset=utf-8", content
    )


def _facts(booking: Booking) -> dict[str, Any]:
    return {
        "booking_id": str(booking.id),
        "listing_id": str(booking.listing_id),
        "listing_title": booking.listing_title,
        "site_name": booking.site_name,
        "first_day": booking.first_day.isoformat(),
        "last_day": booking.last_day.isoformat(),
        "time_zone": booking.time_zone,
    }


def _place(session: Session, booking: Booking) -> str:
    return catalog.site_facts(session, [booking.site_id])[booking.site_id].place


def name_of(session: Session, account_id: UUID) -> str:
    """Return what somebody is called; nothing for who is erased."""
    found = identity.contact(session, account_id)
    return found.name if found else ""


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
