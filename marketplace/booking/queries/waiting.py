"""Waiting lists: entries with their places, offers, and the seats that are kept for either."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import aliased

from marketplace.booking.models import Booking, KeptSeat, SeatOffer, WaitingEntry, WaitingStep
from marketplace.booking.rules.waiting import Place, Turn
from marketplace.booking.states import IN_LINE, BookingState, OfferState, WaitingState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.rows import Part
from marketplace.web.pagination import Page, paginate

_ASKING = """
    SELECT e.listing_id, CAST(day AS date), count(*)
      FROM waiting_entry e, generate_series(e.first_day, e.last_day, interval '7 days') AS day
     WHERE e.state = 'waiting' AND e.listing_id = ANY (CAST(:awaited AS uuid[]))
     GROUP BY e.listing_id, day
"""
# Beside those that are kept already; reads what has just been `kept`.
NOTE_KEPT = Part(
    """
    INSERT INTO kept_seat (pool_id, week, seats)
    SELECT pool_id, week, seats FROM kept ORDER BY pool_id, week
        ON CONFLICT (pool_id, week) DO UPDATE SET seats = kept_seat.seats + excluded.seats
    """,
    silent=True,
)


@dataclass(frozen=True)
class Placed:
    """An entry, how many stand before it plus one (none where it has ended), and its offer.

    Before it stand those of the same listing with a week in common that joined earlier.
    """

    entry: WaitingEntry
    position: int | None
    offer: SeatOffer | None


def entry(session: Session, entry_id: UUID, *, lock: bool = False) -> WaitingEntry:
    """Return the entry, `lock`ed against others if so; `NotFound`."""
    query = select(WaitingEntry).where(WaitingEntry.id == entry_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def own(session: Session, entry_id: UUID, trainee_id: UUID) -> WaitingEntry:
    """Return the trainee's own entry; `NotFound` for everybody else's."""
    found = entry(session, entry_id)
    if found.trainee_id != trainee_id:
        raise NotFound
    return found


def placed(session: Session, page: Page[WaitingEntry]) -> Page[Placed]:
    """The entries of a page with their positions and newest offers: two queries for any page."""
    ids = [one.id for one in page.items]
    if not ids:
        return Page([], page.next_cursor)
    mine, before = aliased(WaitingEntry), aliased(WaitingEntry)
    ahead = session.execute(
        select(mine.id, func.count(before.id) + 1)
        .outerjoin(
            before,
            (before.listing_id == mine.listing_id)
            & before.state.in_(IN_LINE)
            & (before.number < mine.number)
            & (before.first_day <= mine.last_day)
            & (before.last_day >= mine.first_day),
        )
        .where(mine.id.in_(ids), mine.state.in_(IN_LINE))
        .group_by(mine.id)
    )
    positions: dict[UUID, int] = {row[0]: row[1] for row in ahead}
    offers = session.execute(
        select(SeatOffer).where(SeatOffer.entry_id.in_(ids)).order_by(SeatOffer.made_at)
    ).scalars()
    newest = {offer.entry_id: offer for offer in offers if offer.entry_id is not None}
    return Page(
        [Placed(one, positions.get(one.id), newest.get(one.id)) for one in page.items],
        page.next_cursor,
    )


def of_trainee(
    session: Session, trainee_id: UUID, *, limit: int, cursor: str | None
) -> Page[WaitingEntry]:
    """The trainee's entries, newest first."""
    return paginate(
        session,
        select(WaitingEntry).where(WaitingEntry.trainee_id == trainee_id),
        key=[WaitingEntry.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def in_line(
    session: Session,
    *,
    site_id: UUID | None = None,
    listing_id: UUID | None = None,
    limit: int,
    cursor: str | None,
) -> Page[WaitingEntry]:
    """Who waits or has an offer, in order; at a site or a listing where these are given."""
    query: Select[WaitingEntry] = select(WaitingEntry).where(WaitingEntry.state.in_(IN_LINE))
    if site_id is not None:
        query = query.where(WaitingEntry.site_id == site_id)
    if listing_id is not None:
        query = query.where(WaitingEntry.listing_id == listing_id)
    return paginate(
        session,
        query,
        key=[WaitingEntry.number],
        key_of=lambda row: [row.number],
        limit=limit,
        cursor=cursor,
    )


def closed_for(session: Session, entry_ids: Collection[UUID]) -> dict[UUID, str]:
    """Why entries were ended to which no offer could come."""
    rows = session.execute(
        select(WaitingStep.entry_id, WaitingStep.reason).where(
            WaitingStep.entry_id.in_(entry_ids), WaitingStep.to_state == WaitingState.CLOSED
        )
    )
    return {row.entry_id: row.reason for row in rows}


def steps(session: Session, entry_id: UUID) -> Sequence[WaitingStep]:
    """Every step of an entry, oldest first."""
    return (
        session.execute(
            select(WaitingStep).where(WaitingStep.entry_id == entry_id).order_by(WaitingStep.number)
        )
        .scalars()
        .all()
    )


def open_offer(session: Session, entry_id: UUID) -> SeatOffer | None:
    """The entry's open offer, held; whoever ends it at the same time goes first."""
    return session.execute(
        select(SeatOffer)
        .where(SeatOffer.entry_id == entry_id, SeatOffer.state == OfferState.OPEN)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()


def lock_lapsed(session: Session, now: datetime, limit: int) -> Sequence[SeatOffer]:
    """Open offers whose time has passed, held; those that others hold are skipped."""
    return (
        session.execute(
            select(SeatOffer)
            .where(SeatOffer.state == OfferState.OPEN, SeatOffer.expires_at <= now)
            .order_by(SeatOffer.expires_at, SeatOffer.id)
            .limit(limit)
            .with_for_update(skip_locked=True),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def lock_too_late(session: Session, now: datetime, limit: int) -> Sequence[WaitingEntry]:
    """Entries that wait though no offer can come any more, held."""
    return (
        session.execute(
            select(WaitingEntry)
            .where(WaitingEntry.state == WaitingState.WAITING, WaitingEntry.no_offer_from <= now)
            .order_by(WaitingEntry.no_offer_from, WaitingEntry.id)
            .limit(limit)
            .with_for_update(skip_locked=True),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def lock_waiting_at(
    session: Session, listing_ids: Collection[UUID], limit: int
) -> Sequence[WaitingEntry]:
    """Entries that wait at these listings, held."""
    return (
        session.execute(
            select(WaitingEntry)
            .where(
                WaitingEntry.state == WaitingState.WAITING,
                WaitingEntry.listing_id.in_(list(listing_ids)),
            )
            .order_by(WaitingEntry.listing_id, WaitingEntry.number)
            .limit(limit)
            .with_for_update(skip_locked=True),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def waiting_turns(session: Session, listing_ids: Collection[UUID]) -> list[Turn]:
    """Who waits at these listings."""
    query = select(
        WaitingEntry.id,
        WaitingEntry.number,
        WaitingEntry.listing_id,
        WaitingEntry.first_day,
        WaitingEntry.weeks,
    ).where(
        WaitingEntry.state == WaitingState.WAITING,
        WaitingEntry.listing_id.in_(list(listing_ids)),
    )
    return [Turn(*row) for row in session.execute(query)]


def waits_already(
    session: Session, trainee_id: UUID, listing_id: UUID, first_day: date, weeks: int
) -> bool:
    """Whether the trainee has a place in the list for this very run of weeks."""
    return (
        session.execute(
            select(WaitingEntry.id).where(
                WaitingEntry.trainee_id == trainee_id,
                WaitingEntry.listing_id == listing_id,
                WaitingEntry.first_day == first_day,
                WaitingEntry.weeks == weeks,
                WaitingEntry.state.in_(IN_LINE),
            )
        ).first()
        is not None
    )


def awaited_listings(session: Session) -> list[UUID]:
    """The listings that somebody waits for."""
    return list(
        session.execute(
            select(WaitingEntry.listing_id)
            .where(WaitingEntry.state == WaitingState.WAITING)
            .distinct()
        ).scalars()
    )


def gave_up(
    session: Session, trainee_id: UUID, listing_id: UUID, first_day: date, last_day: date
) -> bool:
    """Whether the trainee has cancelled a booking of this place: listing, and a week in common."""
    return (
        session.execute(
            select(Booking.id)
            .where(
                Booking.trainee_id == trainee_id,
                Booking.listing_id == listing_id,
                Booking.state == BookingState.CANCELLED_BY_TRAINEE,
                Booking.first_day <= last_day,
                Booking.last_day >= first_day,
            )
            .limit(1)
        ).first()
        is not None
    )


def kept(session: Session, pool_ids: Collection[UUID] | None = None) -> dict[Place, int]:
    """The seats that are kept for lists to be asked, by pool and week."""
    query = select(KeptSeat.pool_id, KeptSeat.week, KeptSeat.seats)
    if pool_ids is not None:
        query = query.where(KeptSeat.pool_id.in_(list(pool_ids)))
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def asking(listing_ids: Collection[UUID]) -> Part:
    """What finds the seats that are waited for at these listings: listing, week, how many."""
    return Part(_ASKING, {"awaited": sorted(listing_ids)})


def drop_kept(session: Session, places: Collection[Place]) -> None:
    """Forget that seats were kept there."""
    for pool_id in sorted({pool_id for pool_id, _ in places}):
        weeks = [week for pool, week in places if pool == pool_id]
        session.execute(
            delete(KeptSeat).where(KeptSeat.pool_id == pool_id, KeptSeat.week.in_(weeks)),
            execution_options={"synchronize_session": False},
        )
