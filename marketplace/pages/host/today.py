"""A site's day: who comes, what is to be decided, read, written and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries as bookings
from marketplace.booking.queries import applying
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import clearances
from marketplace.booking.states import BookingState
from marketplace.catalog.queries import sites
from marketplace.compliance.queries import reviewing
from marketplace.identity.access import caller, signed_in, site_member
from marketplace.outcomes.queries import letters, records
from marketplace.pages import asked
from marketplace.pages.host.frame import PEOPLE, decides_at, panel
from marketplace.pages.view import Pages, page, reader
from marketplace.web import context

A_FEW = 6
A_PAGE = 50
# Whoever comes within this time is told of.
AHEAD = timedelta(days=14)
# Until it has begun, or is closed, a rotation is shown: the longest has a year.
BEHIND = timedelta(days=400)
MOST = 60
# Who was here longer ago is evaluated from the page of the rotation alone.
STILL_KNOWN = timedelta(days=60)
# Threads of rotations that began longer ago wait for nobody any more.
TALKED_OF = timedelta(days=365)

blueprint = Pages("host_today")


@dataclass(frozen=True)
class Arrival:
    """Somebody who is to come, and what is missing of what was asked for."""

    booking_id: UUID
    trainee_name: str
    title: str
    first_day: date
    weeks: int
    may_start: bool
    missing: Sequence[str]


@blueprint.get("/host")
@signed_in
def choose() -> Response:
    """Lead to one's only site; let whoever has several choose."""
    own = {one.site_id for one in caller().grants if one.site_id and one.role in PEOPLE}
    if len(own) == 1:
        return redirect(f"/host/sites/{own.pop()}", 303)
    session = context.session()
    busy = bookings.busy(session, own, *_soon(context.now().date()))
    found = sorted(
        sites.by_id(session, own), key=lambda one: (one.id not in busy, one.name.casefold())
    )
    deciding = {one for one in own if decides_at(one)}
    return page("host/sites.html", sites=found, busy=busy, deciding=deciding)


@blueprint.get("/host/sites/<uuid:site_id>")
@site_member(operators=False)
def today(site_id: UUID) -> Response:
    """Show what the day asks for; in a constant number of queries."""
    session, now = context.session(), context.now()
    site = sites.site(session, site_id)
    day = site_day(now, site.time_zone)
    begun = [BookingState.IN_PROGRESS]
    there = bookings.roster_rows(
        session, site_id, day - BEHIND, day, limit=MOST, cursor=None, states=begun
    )
    here = there.items
    arrivals, next_arrivals = _arrivals(site_id, day, MOST, None)
    closing = [one for one in here if Rotation(one.first_day, one.weeks).can_be_completed(day)]
    asks = _asks(site_id) if decides_at(site_id) else {}
    return panel(
        "host/today.html",
        site_id,
        "",
        site=site,
        day=day,
        present=[one for one in here if one not in closing],
        closing=closing,
        arrivals=arrivals,
        more_arrivals=bookings.count_coming(session, site_id, *_soon(day)) - len(arrivals)
        if next_arrivals
        else 0,
        more_here=bookings.count_there(session, site_id, day - BEHIND, day, begun) - len(here)
        if there.next_cursor
        else 0,
        letters=letters.owed(session, site_id, limit=A_FEW),
        to_evaluate=records.to_evaluate(session, site_id, day - STILL_KNOWN, limit=A_FEW),
        **asks,
    )


@blueprint.get("/host/sites/<uuid:site_id>/coming")
@site_member(operators=False)
def coming(site_id: UUID) -> Response:
    """List all who come in two weeks, or should have begun and have not."""
    day = site_day(context.now(), sites.site(context.session(), site_id).time_zone)
    cursor = request.args.get("cursor") or None
    arrivals, next_cursor = _arrivals(site_id, day, A_PAGE, cursor)
    return panel(
        "host/coming.html", site_id, "", day=day, arrivals=arrivals, next_cursor=next_cursor
    )


def _soon(day: date) -> tuple[date, date]:
    return day - BEHIND, day + AHEAD


def _asks(site_id: UUID) -> dict[str, Any]:
    """What waits for those who decide for the site."""
    session, now = context.session(), context.now()
    since = (now - TALKED_OF).date()
    # Messages are for those who are in the thread, not for who sees the page as one of them.
    few = 0 if caller().seen else A_FEW
    waiting = bookings.asked_of(session, site_id, since, now, limit=few)
    return {
        "applications": applying.undecided(session, site_id, limit=A_FEW),
        "documents": reviewing.undecided(session, site_id, now=now, limit=A_FEW),
        "rounds": waiting.rounds,
        "changes": waiting.changes,
        "in_line": waiting.in_line,
        "threads": waiting.threads,
    }


def _arrivals(
    site_id: UUID, day: date, most: int, cursor: str | None
) -> tuple[list[Arrival], str | None]:
    """Who comes in two weeks, or should have begun and has not, by first day; where it goes on."""
    session, now, who = context.session(), context.now(), reader()
    listed = bookings.coming(session, site_id, *_soon(day), limit=most, cursor=cursor)
    cleared = clearances.clearances(session, [one for one, _ in listed.items], now)
    made = [
        Arrival(
            one.id,
            name,
            one.listing_title,
            one.first_day,
            one.weeks,
            cleared[one.id].may_start,
            [asked.title(item.requirement, who) for item in cleared[one.id].missing],
        )
        for one, name in listed.items
    ]
    return made, listed.next_cursor
