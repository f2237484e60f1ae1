"""The log of a rotation's hours: the trainee writes it, somebody of the site signs it.

A day is logged anew to correct it; what was signed before stays, and the new entry waits for a
signature of its own.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries as bookings
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation as Weeks
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.outcomes.errors import (
    HoursNotOpen,
    HoursOutside,
    HoursStale,
    NothingTaught,
    SignedByAnother,
)
from marketplace.outcomes.models import HourEntry, HourSignature, Paper
from marketplace.outcomes.queries import days as queries
from marketplace.outcomes.queries import papers as paper_queries
from marketplace.outcomes.queries.days import LoggedDay
from marketplace.outcomes.rules.hours import WeekOfHours, by_week
from marketplace.outcomes.rules.papers import PaperKind, TeachingFacts, teaching
from marketplace.outcomes.service.papers import issuing

LOGGED_IN = frozenset({BookingState.IN_PROGRESS, BookingState.COMPLETED})
LONGEST_PERIOD = 366  # days
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Log:
    """A booking's hours: the days that count, and their totals."""

    booking_id: UUID
    days: Sequence[LoggedDay]
    weeks: Sequence[WeekOfHours]
    minutes: int
    signed_minutes: int


@dataclass(frozen=True)
class Worked:
    """What a trainee says of a day."""

    day: date
    minutes: int
    activity: str = ""


def log(session: Session, booking_id: UUID) -> Log:
    """Return a booking's hours; one query."""
    days = queries.logged_days(session, booking_id)
    weeks = by_week((one.day, one.minutes, one.signed_by is not None) for one in days)
    return Log(
        booking_id=booking_id,
        days=days,
        weeks=weeks,
        minutes=sum(week.minutes for week in weeks),
        signed_minutes=sum(week.signed_minutes for week in weeks),
    )


def write(session: Session, booking_id: UUID, days: Sequence[Worked], now: datetime) -> Log:
    """Log days of a rotation that is under way or completed, up to today at the site."""
    booking = bookings.find(session, booking_id)
    if BookingState(booking.state) not in LOGGED_IN:
        raise HoursNotOpen(f"The booking is {booking.state}.", extra={"state": booking.state})
    weeks, today = Weeks(booking.first_day, booking.weeks), site_day(now, booking.time_zone)
    outside = [one.day for one in days if not weeks.can_be_marked(one.day, today)]
    if outside:
        raise HoursOutside(
            fields={"days": [f"{day.isoformat()} is outside the rotation." for day in outside]}
        )
    if len({one.day for one in days}) < len(days):
        raise HoursOutside(fields={"days": ["A day is named twice."]})
    before = queries.hour_revisions(session, booking_id)
    session.add_all(
        HourEntry(
            id=new_id(),
            booking_id=booking_id,
            trainee_id=booking.trainee_id,
            site_id=booking.site_id,
            day=one.day,
            revision=before.get(one.day, 0) + 1,
            minutes=one.minutes,
            activity=one.activity,
            logged_at=now,
        )
        for one in days
    )
    session.flush()
    return log(session, booking_id)


def sign(
    session: Session,
    booking_id: UUID,
    entry_ids: Collection[UUID],
    *,
    signer_id: UUID,
    now: datetime,
) -> Log:
    """Sign the very entries that were read; twice is once.

    `HoursStale` where one was corrected meanwhile, or is not of this booking.
    """
    found = {one.id: one for one in queries.logged_days(session, booking_id)}
    gone = [entry_id for entry_id in entry_ids if entry_id not in found]
    if gone:
        raise HoursStale(extra={"entries": [str(one) for one in gone]})
    taken = {found[one].signed_by for one in entry_ids} - {None, signer_id}
    if taken:
        raise SignedByAnother
    session.execute(
        insert(HourSignature)
        .values(
            [
                {"entry_id": entry_id, "signed_by": signer_id, "signed_at": now}
                for entry_id in sorted(set(entry_ids))
            ]
        )
        .on_conflict_do_nothing()
    )
    return log(session, booking_id)


def as_csv(found: Log) -> str:
    """Return the days that count as a table; no text in it is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["day", "hours", "activity", "signed_at"])
    for one in found.days:
        signed = one.signed_at.isoformat() if one.signed_at else ""
        activity = f"'{one.activity}" if one.activity.startswith(FORMULA) else one.activity
        writer.writerow([one.day.isoformat(), f"{one.minutes / 60:.2f}", activity, signed])
    return out.getvalue()


def certify(
    session: Session,
    *,
    account_id: UUID,
    site_id: UUID,
    site_name: str,
    start: date,
    end: date,
    now: datetime,
) -> Paper:
    """Issue a teaching certificate: hours signed and trainees taught at a site, without names.

    The same again is the present one; `NothingTaught` where nothing was signed.
    """
    if not 0 <= (end - start).days < LONGEST_PERIOD:
        raise NothingTaught(fields={"to": [f"Within {LONGEST_PERIOD} days from the first one."]})
    trainees, minutes = queries.taught(session, account_id, site_id, start, end)
    person = identity.contact(session, account_id)
    if not minutes or person is None:
        raise NothingTaught(fields={"from": ["No hours that you signed are in this period."]})
    words = teaching(TeachingFacts(person.name, site_name, start, end, trainees, minutes))
    issuer = parts_of(session).get(Settings).legal_entity
    present = paper_queries.last_of_teacher(session, account_id, site_id)
    if (
        present is not None
        and present.revoked_at is None
        and present.content["issuer"] == issuer
        and present.content["rows"] == words.to_json()["rows"]
    ):
        return present
    return issuing.make(
        session, PaperKind.TEACHING, words, account_id=account_id, site_id=site_id, now=now
    )
