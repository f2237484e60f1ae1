"""The roster of a day: who is at the site, and a sheet on which their attendance is marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request
from marshmallow import Schema
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as bookings
from marketplace.booking.routes import finding
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.schemas import a_day
from marketplace.booking.service import rotations
from marketplace.booking.service.rotations import Day
from marketplace.booking.states import BookingState
from marketplace.catalog.queries import sites
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, back, panel, refusal
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/roster"
MOST = 200
PRESENT = "present"
MARKS = (PRESENT, "absent")
A_DAY = timedelta(days=1)
MARKABLE = {BookingState.CONFIRMED, BookingState.IN_PROGRESS, BookingState.COMPLETED}

blueprint = Pages("host_roster")


class DayArgs(Schema):
    """Which day is looked at; today without one."""

    day = a_day(load_default=None)


@dataclass(frozen=True)
class Line:
    """One trainee on the sheet of a day; `mark` is the one that counts."""

    booking: Any
    mark: str | None
    days: tuple[int, int]
    may_mark: bool


@blueprint.get("/host/sites/<uuid:site_id>/roster")
@site_member(operators=False)
def show(site_id: UUID) -> Response:
    """Show who is at the site on a day."""
    given = {name: text for name, text in request.args.items() if text.strip()}
    values, errors = forms.read(DayArgs(unknown="exclude"), given)
    return _shown(site_id, values.get("day"), errors)


@blueprint.post("/host/sites/<uuid:site_id>/roster")
@site_member(*DECIDERS, operators=False)
def mark(site_id: UUID) -> Answer:
    """Mark a day's sheet: what is as it was stays, all of the rest or none of it is marked.

    By the button for everybody, who has no mark yet is present; who can't be marked is named.
    """
    values, errors = forms.read(DayArgs(unknown="exclude"), forms.typed())
    day = values.get("day")
    if errors or day is None:
        return _shown(site_id, None, errors or {"day": [""]})
    here = request.form.get("cursor") or None
    everybody = "everybody" in request.form
    left: list[str] = []
    for line in _sheet(site_id, day, _today(site_id), here)[0]:
        wished = request.form.get(f"mark-{line.booking.id}")
        wished = wished or (PRESENT if everybody and line.mark is None else None)
        if wished not in MARKS or wished == line.mark or not line.may_mark:
            continue
        try:
            _mark(line, Day(day, "present" if wished == PRESENT else "absent"))
        except forms.REFUSALS as error:
            refused = forms.meant(error)
            told = f"{line.booking.trainee_name}: {refusal(refused)}"
            if not everybody:
                return _shown(site_id, day, {}, told, refused.status, request.form)
            left.append(told)
    if left:
        return _shown(site_id, day, {}, typed=request.form, left=left)
    place = f"&{urlencode({'cursor': here})}" if here else ""
    return back(site_id, f"{TAB}?day={day}{place}", "marked")


def _mark(line: Line, day: Day) -> None:
    """Mark a day of one trainee's; refused, nothing of it is done, and what was before stays."""
    session, now, by = context.session(), context.now(), current_account().id
    booking = finding.hosted(line.booking.id)
    with session.begin_nested():
        rotations.mark_attendance(session, booking, [day], actor_id=by, now=now)


def _shown(
    site_id: UUID,
    day: date | None,
    errors: forms.Errors,
    refused: str | None = None,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    left: Sequence[str] = (),
) -> Response:
    today = _today(site_id)
    chosen = day or today
    cursor = (typed or request.args).get("cursor") or None
    lines, more = _sheet(site_id, chosen, today, cursor)
    return panel(
        "host/roster.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else status,
        day=chosen,
        today=today,
        before=chosen - A_DAY,
        after=chosen + A_DAY,
        lines=lines,
        cursor=cursor,
        more=more,
        errors=errors,
        refused=refused,
        left=left,
        unmarked=sum(line.may_mark and line.mark is None for line in lines),
        typed=typed or {},
    )


def _sheet(
    site_id: UUID, day: date, today: date, cursor: str | None
) -> tuple[Sequence[Line], str | None]:
    """Who is there on that day, and where the list goes on; three queries."""
    session = context.session()
    found = bookings.roster_rows(session, site_id, day, day, limit=MOST, cursor=cursor)
    rows = found.items
    ids = [row.id for row in rows]
    marks = bookings.attendance(session, ids) if ids else {}
    counts = bookings.days_marked(session, ids) if ids else {}
    of_day = {key: [one.mark for one in found if one.day == day] for key, found in marks.items()}
    lines = [
        Line(
            row,
            next(iter(of_day[row.id]), None),
            counts.get(row.id, (0, 0)),
            row.state in MARKABLE and Rotation(row.first_day, row.weeks).can_be_marked(day, today),
        )
        for row in rows
    ]
    return lines, found.next_cursor


def _today(site_id: UUID) -> date:
    return site_day(context.now(), sites.site(context.session(), site_id).time_zone)
