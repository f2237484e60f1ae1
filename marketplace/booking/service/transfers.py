"""A booking handed on to another trainee of the same school, who takes it with what was paid.

The payments stay those of whoever made them: what is refunded later goes back the way it came. What
is still due is the new trainee's to pay.
"""

from datetime import datetime
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis, OtherSchool, ProfileMissing
from marketplace.booking.models import Booking
from marketplace.booking.rules.changes import ChangeKind, ChangeQuote
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import change_notices, changes, holds
from marketplace.booking.service.changes import Plan
from marketplace.booking.service.cohorts.privacy import unexplained
from marketplace.catalog import queries as catalog
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity


def same_school(one: identity.TraineeFacts, other: identity.TraineeFacts) -> bool:
    """Whether both are linked to one school now, by its invitation and their own word."""
    return one.school_id is not None and one.school_id == other.school_id


def _may_take(booking: Booking, own: identity.TraineeFacts, other: identity.TraineeFacts) -> bool:
    """Whether `other` is of the school that paid the place; or else of the trainee's own school."""
    if booking.cohort_id is not None:
        return other.school_id == booking.school_id
    return same_school(own, other)


def recipient(session: Session, booking: Booking, email: str) -> UUID:
    """Return the trainee of the same school at that address; `OtherSchool` if there is none.

    One answer for an unknown address and for another school: nobody learns who has an account.
    """
    account = identity.account_by_email(session, email.strip().lower())
    if account is not None and account.id == booking.trainee_id:
        raise NotOpenForThis("The booking is yours already.")
    facts = identity.many_trainee_facts(
        session, [booking.trainee_id, *([account.id] if account else ())]
    )
    own = facts.get(booking.trainee_id)
    other = facts.get(account.id) if account else None
    if own is None or other is None or not same_school(own, other):
        raise OtherSchool("No student of your school with this address is known.")
    return other.account_id


def quote(
    session: Session, booking: Booking, *, to_trainee_id: UUID, terms: Terms, now: datetime
) -> ChangeQuote:
    """Say what a trainee would take over, if they may come; nothing is changed.

    Why they may not is theirs to know (`PlaceRefused`): who hands on learns no fact of theirs.
    """
    with unexplained(to_trainee_id):
        return plan(session, booking, to_trainee_id, terms, now).quote


def transfer(
    session: Session,
    booking: Booking,
    *,
    to_trainee_id: UUID,
    mark: str,
    terms: Terms,
    now: datetime,
    actor_id: UUID | None = None,
) -> Booking:
    """Hand the booking on, both having agreed to the quote of `mark`; return the new one.

    `actor_id` is who does, where it is not the trainee. Raises `QuoteChanged` if the terms would
    differ, and what stands against the new trainee's coming.
    """
    old = changes.lock(session, booking.id)
    planned = plan(session, old, to_trainee_id, terms, now)
    changes.check_mark(planned.quote, mark)
    new = changes.take_over(
        session,
        old,
        planned,
        actor_id=actor_id or old.trainee_id,
        reason="Handed on to another trainee of the same school.",
        now=now,
    )
    change_notices.transferred(session, old, new, planned.quote, now)
    return new


def plan(session: Session, old: Booking, to_trainee_id: UUID, terms: Terms, now: datetime) -> Plan:
    """Work out the change, with the price and the terms as they are; raises what stands against it."""
    changes.check_open(old, now)
    listing = catalog.listing_for_booking(session, old.listing_id)
    people = identity.many_trainee_facts(session, [old.trainee_id, to_trainee_id])
    if len(people) < len({old.trainee_id, to_trainee_id}):
        raise ProfileMissing
    trainee = people[to_trainee_id]
    if not _may_take(old, people[old.trainee_id], trainee):
        raise OtherSchool
    holds.check_eligible(listing, trainee, old.first_day, old.weeks, now)
    new = holds.freeze(listing, trainee, Rotation(old.first_day, old.weeks), terms, now)
    new.deposit = old.deposit
    change = changes.change_of(
        ChangeKind.TRANSFER,
        old,
        new,
        old.policy,
        price=old.price_lines,
        least=Money.zero(old.paid.currency),
        due_on=old.balance_due_on,
    )
    return changes.plan(old, new, change, old.policy)
