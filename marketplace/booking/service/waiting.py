"""Waiting for weeks that are full: joining the list of a listing, leaving it, and its one step.

Whoever joins stands behind all that joined before: the order is a sequence of the database. What
makes an offer is `service.offering`, and what is answered to it `service.offers`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    GaveItUp,
    NotOpenForThis,
    ProfileMissing,
    SeatsAreFree,
    Superseded,
)
from marketplace.booking.models import WaitingEntry, WaitingStep
from marketplace.booking.queries import waiting as queries
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.waiting import Limits, no_offer_from
from marketplace.booking.service import holds
from marketplace.booking.states import WAITING_TRANSITIONS, WaitingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.queries import seats as catalog_seats
from marketplace.catalog.rules import policies
from marketplace.core.db import Session, affected
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity

ASK = "booking.ask_list"


def join(
    session: Session,
    *,
    trainee_id: UUID,
    listing_id: UUID,
    first_day: date,
    weeks: int,
    now: datetime,
    full: bool = False,
) -> WaitingEntry:
    """Take the last place in the list for `weeks` weeks from `first_day`, a Monday at the site.

    Raises `NotEligible` with the rules that are not met, `SeatsAreFree` where it can be booked,
    `GaveItUp` to who cancelled this very place, `AlreadyBookedThen` to who has a seat there,
    `AlreadyWaiting`, and `NotOpenForThis` where no offer can come in time. `full`: the caller knows
    that there is no seat.
    """
    listing = catalog.listing_for_booking(session, listing_id)
    trainee = identity.trainee_facts(session, trainee_id)
    if trainee is None:
        raise ProfileMissing
    holds.check_eligible(listing, trainee, first_day, weeks, now)
    rotation = Rotation(first_day, weeks)
    ends = offers_end(listing, trainee, first_day)
    if ends <= now:
        raise NotOpenForThis(
            "No offer can come any more: the balance is due, or a visa takes longer.",
            extra={"no_offer_from": ends.isoformat()},
        )
    if queries.gave_up(session, trainee_id, listing_id, first_day, rotation.last_day):
        raise GaveItUp
    own = bookings.overlapping(session, trainee_id, rotation.mondays, listing_id=listing_id)
    if own is not None:
        raise holds.busy(own)
    if not full:
        _check_full(session, listing, rotation)
    entry = WaitingEntry(
        id=new_id(),
        trainee_id=trainee_id,
        listing_id=listing_id,
        listing_title=listing.title,
        site_id=listing.site_id,
        site_name=listing.site_name,
        time_zone=listing.time_zone,
        first_day=first_day,
        last_day=rotation.last_day,
        weeks=weeks,
        state=WaitingState.WAITING.value,
        version=1,
        joined_at=now,
        no_offer_from=ends,
    )
    session.add(entry)
    session.add(
        WaitingStep(
            entry_id=entry.id,
            number=1,
            from_state=None,
            to_state=entry.state,
            at=now,
            actor_id=trainee_id,
            reason="Joined.",
        )
    )
    session.flush()
    # A seat may have come free after we looked and before anybody could know of this entry.
    pools = catalog_seats.own_pools(session, [listing_id])[listing_id]
    defer(session, ASK, pool_ids=[str(pool_id) for pool_id, _ in pools])
    return entry


def leave(session: Session, entry: WaitingEntry, now: datetime) -> None:
    """Give up a place in the list, for good; who has an offer declines it instead."""
    if entry.state != WaitingState.WAITING:
        raise NotOpenForThis(f"The entry is {entry.state}.", extra={"state": entry.state})
    step(session, entry, WaitingState.LEFT, entry.trainee_id, "Left the list.", now)


def step(
    session: Session,
    entry: WaitingEntry,
    to: WaitingState,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """Take the entry to `to`, with its row of history; `Superseded` if somebody was faster."""
    before = WaitingState(entry.state)
    WAITING_TRANSITIONS.check(before, to)
    claimed = affected(
        session,
        update(WaitingEntry)
        .where(
            WaitingEntry.id == entry.id,
            WaitingEntry.state == before,
            WaitingEntry.version == entry.version,
        )
        .values(state=to.value, version=entry.version + 1),
    )
    if not claimed:
        raise Superseded("It was left, offered or answered meanwhile.")
    session.refresh(entry, ["state", "version"])
    session.add(
        WaitingStep(
            entry_id=entry.id,
            number=entry.version,
            from_state=before.value,
            to_state=to.value,
            at=now,
            actor_id=actor_id,
            reason=reason,
        )
    )
    session.flush()


def offers_end(
    listing: catalog.ListingForBooking, trainee: identity.TraineeFacts, first_day: date
) -> datetime:
    """The instant from which on this trainee gets no offer for a rotation from that day."""
    deposit = policies.POLICIES[listing.policy_key].deposit
    return no_offer_from(
        Limits(
            first_day=first_day,
            time_zone=listing.time_zone,
            balance_due_days=deposit.balance_due_days if deposit else holds.BALANCE_DUE_DAYS,
            lead_days=listing.lead_days,
            visa_types=listing.visa_types,
            needs_visa=trainee.needs_visa,
        )
    )


def _check_full(session: Session, listing: catalog.ListingForBooking, rotation: Rotation) -> None:
    found = catalog_seats.availability(
        session, listing.id, rotation.first_day, rotation.mondays[-1]
    )
    free: Mapping[str, int] = {week: seats for week, _, seats in found.weeks}
    if all(free.get(week.isoformat(), 0) > 0 for week in rotation.mondays):
        raise SeatsAreFree
