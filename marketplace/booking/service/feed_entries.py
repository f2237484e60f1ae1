"""What a calendar feed shows: to a trainee their rotations and due dates, to a host its days.

No more than the roster and the trainee's own list show their readers: a host reads who comes, not
who only holds a seat or applies.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from marketplace.booking.models import Booking, CalendarFeed
from marketplace.booking.queries import feeds as queries
from marketplace.booking.queries.feeds import Dated, SeatChanges
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.rules.ical import Entry, Status, write
from marketplace.booking.service import paths
from marketplace.booking.states import CANCELLED, OWNED, TIMED, BookingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.rules.weeks import SUNDAY_AFTER, WEEK, monday_of
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity

BACK = timedelta(days=182)
AHEAD = timedelta(days=546)
SEATS_AHEAD = 26 * WEEK
# A seat that was only held and given up is shown as such this long, then not at all.
GIVEN_UP_SHOWN = timedelta(days=30)
NEVER_CONFIRMED = frozenset({BookingState.EXPIRED, BookingState.WITHDRAWN, BookingState.DECLINED})
# From when a trainee has reason to see to visa and documents.
PREPARED_FOR = frozenset(
    {BookingState.SUBMITTED, BookingState.AWAITING_PAYMENT, BookingState.CONFIRMED}
)
ENDED = CANCELLED | NEVER_CONFIRMED | {BookingState.NO_SHOW}


def of_trainee(session: Session, feed: CalendarFeed, now: datetime) -> bytes:
    """The trainee's calendar: ten queries at most for any number of bookings."""
    found = [
        one
        for one in queries.of_trainee_since(session, feed.account_id, (now - BACK).date())
        if BookingState(one.booking.state) not in NEVER_CONFIRMED
        or one.changed_at >= now - GIVEN_UP_SHOWN
    ]
    sites = catalog.site_facts(session, {one.booking.site_id for one in found})
    ahead = [one.booking for one in found if BookingState(one.booking.state) in PREPARED_FOR]
    to_do = paths.critical_paths(session, ahead, now)
    entries: list[Entry] = []
    for one in found:
        entries.append(_own_rotation(one, sites[one.booking.site_id].place))
        entries += _due(one)
        steps = paths.still_to_do(to_do.get(one.booking.id, ()))
        entries += paths.entries(one.booking, steps, one.sequence, one.changed_at)
    person = identity.contact(session, feed.account_id)
    return write(feed.name, person.time_zone if person else "UTC", entries)


def of_host(session: Session, feed: CalendarFeed, now: datetime) -> bytes:
    """A site's or a preceptor's calendar: a constant number of queries."""
    site_id = feed.site_id
    if site_id is None:
        raise NotFound
    site = catalog.site_facts(session, [site_id])[site_id]
    today = site_day(now, site.time_zone)
    drawn = catalog.pools_in_use(session, site_id, feed.preceptor_id)
    listing_ids = {listing_id for pool in drawn for listing_id in pool.listing_ids}
    offered = [pool for pool in drawn if pool.offered]
    found = queries.of_site_between(
        session,
        site_id,
        listing_ids if feed.preceptor_id else None,
        today - BACK,
        today + AHEAD,
    )
    people = identity.contacts(session, list({one.booking.trainee_id for one in found}))
    entries: list[Entry] = []
    for one in found:
        name = people[one.booking.trainee_id].name
        entries += [_hosted_rotation(one, name), _arrival(one, name)]
    first, last = monday_of(today), monday_of(today) + SEATS_AHEAD
    weeks = catalog.pool_weeks(session, [pool.id for pool in offered], first, last)
    sharing = {listing_id for pool in offered for listing_id in pool.sharing_ids}
    changes = queries.seat_changes(session, sharing, first, last)
    entries += _seats(feed, offered, weeks, changes)
    return write(feed.name, site.time_zone, entries)


def _own_rotation(one: Dated, place: str) -> Entry:
    booking = one.booking
    state = BookingState(booking.state)
    status = Status.TENTATIVE
    if state in ENDED:
        status = Status.CANCELLED
    elif state in OWNED:
        status = Status.CONFIRMED
    return Entry(
        key=f"rotation-{booking.id}",
        summary=f"{booking.listing_title}, {booking.site_name}",
        description=_about(booking),
        location=place,
        status=status,
        sequence=one.sequence,
        changed_at=one.changed_at,
        first=booking.first_day,
        last=booking.last_day,
    )


def _hosted_rotation(one: Dated, name: str) -> Entry:
    booking = one.booking
    return Entry(
        key=f"rotation-{booking.id}",
        summary=f"{name}: {booking.listing_title}",
        description=_about(booking),
        status=_hosted_status(booking),
        sequence=one.sequence,
        changed_at=one.changed_at,
        first=booking.first_day,
        last=booking.last_day,
        busy=False,
    )


def _arrival(one: Dated, name: str) -> Entry:
    booking = one.booking
    return Entry(
        key=f"arrival-{booking.id}",
        summary=f"{name} arrives: {booking.listing_title}",
        description=_about(booking),
        status=_hosted_status(booking),
        sequence=one.sequence,
        changed_at=one.changed_at,
        first=booking.first_day,
        busy=False,
    )


def _due(one: Dated) -> list[Entry]:
    """What the trainee has to do by when: apply or pay before a seat is lost, pay the balance."""
    booking = one.booking
    entries = []
    if BookingState(booking.state) in TIMED and booking.hold_expires_at is not None:
        act = {
            BookingState.HELD: "Apply or pay by now",
            BookingState.SUBMITTED: "The host decides by now",
        }.get(BookingState(booking.state), "Pay by now")
        entries.append(
            Entry(
                key=f"hold-{booking.id}",
                summary=f"{act}: {booking.listing_title}",
                description="The seat is kept until then.",
                status=Status.CONFIRMED,
                sequence=one.sequence,
                changed_at=one.changed_at,
                at=booking.hold_expires_at,
                busy=False,
            )
        )
    if booking.balance_due_on is not None and BookingState(booking.state) not in NEVER_CONFIRMED:
        left = booking.total - booking.paid
        owed = bool(left) and BookingState(booking.state) not in ENDED
        amount = f"{left.as_decimal():,f} {left.currency}"
        entries.append(
            Entry(
                key=f"balance-{booking.id}",
                summary=f"Balance of {amount} due: {booking.listing_title}"
                if owed
                else f"Balance: {booking.listing_title}",
                status=Status.CONFIRMED if owed else Status.CANCELLED,
                sequence=one.sequence,
                changed_at=one.changed_at,
                first=booking.balance_due_on,
                busy=False,
            )
        )
    return entries


def _seats(
    feed: CalendarFeed,
    drawn: Sequence[catalog.PoolInUse],
    weeks: Mapping[UUID, Mapping[date, tuple[int, int]]],
    changes: Mapping[date, SeatChanges],
) -> list[Entry]:
    """One event a week: how many seats are free, and of which pools."""
    whose = feed.preceptor_id or feed.site_id
    edits = sum(pool.version for pool in drawn)
    edited = max((pool.changed_at for pool in drawn), default=feed.created_at)
    by_week: dict[date, list[tuple[str, int, int]]] = defaultdict(list)
    for pool in drawn:
        for week, (capacity, taken) in weeks.get(pool.id, {}).items():
            if capacity:
                by_week[week].append((pool.name, capacity - taken, capacity))
    entries = []
    for week, lines in sorted(by_week.items()):
        change = changes.get(week)
        free, seats = sum(line[1] for line in lines), sum(line[2] for line in lines)
        entries.append(
            Entry(
                key=f"seats-{whose}-{week.isoformat()}",
                summary=f"{free} of {seats} seats free",
                description="\n".join(f"{name}: {left} of {of}" for name, left, of in lines),
                status=Status.CONFIRMED,
                sequence=edits + (change.count if change else 0),
                changed_at=max(edited, change.last) if change else edited,
                first=week,
                last=week + SUNDAY_AFTER,
                busy=False,
            )
        )
    return entries


def _hosted_status(booking: Booking) -> Status:
    return Status.CANCELLED if BookingState(booking.state) in ENDED else Status.CONFIRMED


def _about(booking: Booking) -> str:
    state = booking.state.replace("_", " ")
    return f"{booking.tier.capitalize()}, {state}. Days at the site ({booking.time_zone})."
