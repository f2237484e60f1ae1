"""The log of a rotation's hours: the trainee writes it, somebody of the site signs it.

A day is logged anew to correct it; what was signed before stays, and the new entry waits for a
signature of its own. Hours of a day on which the trainee is marked absent are not signed, and a day
whose hours are signed is not marked as absent: one of the two is corrected first, a signature by
withdrawing it on record.
"""

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries as bookings
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation as Weeks
from marketplace.booking.service import rotations
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.core.states import plain
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import notify
from marketplace.outcomes.errors import (
    AbsentThatDay,
    HoursNotOpen,
    HoursOutside,
    HoursSigned,
    HoursStale,
    HoursWithdrawn,
    NothingTaught,
    SignedByAnother,
)
from marketplace.outcomes.models import HourEntry, HourSignature, HourWithdrawal, Paper
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
    weeks = by_week((one.day, one.minutes, one.signed) for one in days)
    return Log(
        booking_id=booking_id,
        days=days,
        weeks=weeks,
        minutes=sum(week.minutes for week in weeks),
        signed_minutes=sum(week.signed_minutes for week in weeks),
    )


def write(session: Session, booking_id: UUID, days: Sequence[Worked], now: datetime) -> Log:
    """Log days of a rotation that is under way or completed, up to today at the site.

    One whose first day has come begins by it. `NotCleared` if a document stands against that.
    """
    booking = bookings.find(session, booking_id)
    rotations.begin_if_due(session, booking, now)
    if BookingState(booking.state) not in LOGGED_IN:
        raise HoursNotOpen(
            f"The booking is {plain(booking.state)}.", extra={"state": booking.state}
        )
    weeks, today = Weeks(booking.first_day, booking.weeks), site_day(now, booking.time_zone)
    outside = [one.day for one in days if not weeks.can_be_marked(one.day, today)]
    if outside:
        raise HoursOutside(
            f"Not between {weeks.first_day} and {min(weeks.last_day, today)}: {_listed(outside)}.",
            fields={"days": [f"{day.isoformat()} is outside." for day in outside]},
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

    `HoursStale` where one was corrected meanwhile, or is not of this booking; `HoursWithdrawn` where
    a signature was taken back; `AbsentThatDay` for hours of a day without the trainee.
    """
    state = bookings.find(session, booking_id).state
    if state == BookingState.NO_SHOW:
        raise HoursNotOpen("The trainee is said not to have come.", extra={"state": state})
    asked = _counting(session, booking_id, entry_ids)
    back = [str(one.id) for one in asked if one.withdrawn_at is not None]
    if back:
        raise HoursWithdrawn(extra={"entries": back})
    if {one.signed_by for one in asked} - {None, signer_id}:
        raise SignedByAnother
    _check_present(session, booking_id, [one.day for one in asked if one.minutes])
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


def withdraw(
    session: Session,
    booking_id: UUID,
    entry_ids: Collection[UUID],
    *,
    reason: str,
    by: UUID,
    any_signer: bool,
    now: datetime,
) -> Log:
    """Let signatures count no more, for good, and tell the trainee why; twice is once.

    One's own, or with `any_signer` a colleague's too. What was signed stays on record.
    """
    asked = _counting(session, booking_id, entry_ids)
    unsigned = [str(one.id) for one in asked if one.signed_by is None]
    if unsigned:
        raise HoursStale("Nobody has signed one of these.", extra={"entries": unsigned})
    if not any_signer and {one.signed_by for one in asked} != {by}:
        raise SignedByAnother
    taken = [one for one in asked if one.signed]
    if taken:
        session.add_all(
            HourWithdrawal(entry_id=one.id, reason=reason, withdrawn_by=by, withdrawn_at=now)
            for one in taken
        )
        session.flush()
        _tell(session, booking_id, [one.day for one in taken], reason, now)
    return log(session, booking_id)


def refuse_absence(session: Session, booking_id: UUID, days: Collection[date]) -> None:
    """Raise `HoursSigned` where hours of one of the days are signed."""
    wanted = set(days)
    signed = [
        one
        for one in queries.logged_days(session, booking_id)
        if one.day in wanted and one.signed and one.minutes
    ]
    if signed:
        raise HoursSigned(
            f"Signed: {_listed(one.day for one in signed)}.",
            extra={
                "days": [one.day.isoformat() for one in signed],
                "entries": [str(one.id) for one in signed],
            },
        )


def as_csv(found: Log) -> str:
    """Return the days that count as a table; no text in it is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["day", "hours", "activity", "signed_at"])
    for one in found.days:
        signed = one.signed_at.isoformat() if one.signed and one.signed_at else ""
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


def take_back(
    session: Session,
    paper_id: UUID,
    *,
    site_id: UUID,
    by: UUID,
    anybodys: bool,
    reason: str,
    now: datetime,
) -> Paper:
    """Take a teaching certificate of a site back for good; one's own, or with `anybodys` each.

    Whose it is reads the reason. The next one for the same days is issued as if there had been none.
    """
    paper = paper_queries.paper(session, paper_id)
    if (
        paper is None
        or paper.kind != PaperKind.TEACHING
        or paper.site_id != site_id
        or not (anybodys or paper.account_id == by)
    ):
        raise NotFound
    return issuing.revoke(session, paper_id, reason=reason, actor_id=by, now=now)


def _counting(session: Session, booking_id: UUID, entry_ids: Collection[UUID]) -> list[LoggedDay]:
    """The entries that are asked for, if all of them count; else `HoursStale`."""
    found = {one.id: one for one in queries.logged_days(session, booking_id)}
    gone = [str(one) for one in entry_ids if one not in found]
    if gone:
        raise HoursStale(extra={"entries": gone})
    return [found[one] for one in sorted(set(entry_ids))]


def _check_present(session: Session, booking_id: UUID, days: Collection[date]) -> None:
    marks = bookings.attendance(session, [booking_id])[booking_id]
    absent = sorted({one.day for one in marks if one.mark == "absent"} & set(days))
    if absent:
        raise AbsentThatDay(
            f"Absent: {_listed(absent)}.", extra={"days": [day.isoformat() for day in absent]}
        )


def _listed(days: Iterable[date]) -> str:
    return ", ".join(day.isoformat() for day in days)


def _tell(
    session: Session, booking_id: UUID, days: Sequence[date], reason: str, now: datetime
) -> None:
    booking = bookings.find(session, booking_id)
    data = {
        "listing_title": booking.listing_title,
        "booking_id": str(booking_id),
        "days": _listed(days),
        "reason": reason,
    }
    notify(session, booking.trainee_id, "hours_withdrawn", data, now=now)
