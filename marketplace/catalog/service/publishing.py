"""A listing's way to the public: asked for by its host, held up where its words contradict it.

A listing with conflicts waits for an operator, who approves or rejects these very words and
duties; the decision holds until one of them changes. Every change of state leaves a row.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from marketplace.catalog.errors import NoSeats, ReviewDecided, Unclassified
from marketplace.catalog.models import Listing, ListingReview, ListingTransition
from marketplace.catalog.queries import listings, reviews, seats
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import waking
from marketplace.catalog.states import LISTING, ListingState, ReviewState
from marketplace.core.db import Session, affected
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.ids import new_id


@dataclass(frozen=True)
class Asked:
    """What came of asking for a publication: the state now, or why it stays as it was."""

    listing_id: uuid.UUID
    external_id: str
    state: str
    why: str


def request(
    session: Session, listing_id: uuid.UUID, account_id: uuid.UUID | None, now: datetime
) -> Listing:
    """Publish the listing, or send it to review if it has conflicts that nobody approved.

    Asked twice is asked once. `Unclassified`, `NoSeats`, `IllegalTransition` where it can't be.
    """
    listing = listings.locked(session, listing_id)
    if listing.state in (ListingState.PUBLISHED, ListingState.IN_REVIEW):
        return listing
    if Tier.UNCLASSIFIED in (listing.tier_student, listing.tier_graduate):
        raise Unclassified
    if not seats.has_seats(session, listing, monday_of(now.date())):
        raise NoSeats
    if _needs_review(session, listing):
        _open_review(session, listing, account_id, now)
        move(session, listing, ListingState.IN_REVIEW, account_id, "Publication asked for.", now)
    else:
        move(session, listing, ListingState.PUBLISHED, account_id, "Publication asked for.", now)
    session.flush()
    return listing


def request_all(
    session: Session, owner_account_id: uuid.UUID, account_id: uuid.UUID | None, now: datetime
) -> list[Asked]:
    """Ask for all drafts of an owner; one that can't be published does not stop the others."""
    answers = []
    for listing_id in listings.owned_ids(session, owner_account_id, [ListingState.DRAFT]):
        try:
            listing = request(session, listing_id, account_id, now)
            why = "" if listing.state == ListingState.PUBLISHED else _conflicts_of(listing)
        except (Unclassified, NoSeats) as refused:
            listing = listings.locked(session, listing_id)
            why = refused.title
        answers.append(Asked(listing.id, listing.external_id, listing.state, why))
    return answers


def decide(
    session: Session,
    review_id: uuid.UUID,
    *,
    approve: bool,
    reason: str,
    account_id: uuid.UUID,
    now: datetime,
) -> Listing:
    """Approve (it is published) or reject (it is a draft again) what is under review.

    Of two operators who decide at once one wins; the other gets `ReviewDecided` with the winner.
    """
    if not approve and not reason.strip():
        raise Invalid(fields={"reason": ["Say why, so that the host can mend it."]})
    review = reviews.review(session, review_id)
    listing = listings.locked(session, review.listing_id)
    decided = affected(
        session,
        update(ListingReview)
        .where(ListingReview.id == review_id, ListingReview.state == ReviewState.PENDING)
        .values(
            state=ReviewState.APPROVED if approve else ReviewState.REJECTED,
            decided_by=account_id,
            decided_at=now,
            reason=reason,
        )
        .execution_options(synchronize_session=False),
    )
    session.refresh(review)
    if not decided:
        raise _decided_before(review)
    to = ListingState.PUBLISHED if approve else ListingState.DRAFT
    verb = "approved" if approve else "rejected"
    move(session, listing, to, account_id, f"Review {verb}. {reason}".strip(), now)
    session.flush()
    return listing


def pause(
    session: Session, listing_id: uuid.UUID, account_id: uuid.UUID, why: str, now: datetime
) -> Listing:
    """Take no new bookings; those that exist stay."""
    return _moved(session, listing_id, ListingState.PAUSED, account_id, why, now)


def retire(
    session: Session, listing_id: uuid.UUID, account_id: uuid.UUID, why: str, now: datetime
) -> Listing:
    """Take no new bookings for ever; those that exist stay."""
    listing = _moved(session, listing_id, ListingState.RETIRED, account_id, why, now)
    _supersede(session, listing, now)
    return listing


def after_change(
    session: Session, listing: Listing, account_id: uuid.UUID | None, now: datetime
) -> None:
    """Judge a listing whose words or duties have changed.

    An open review of other words is superseded; a public listing with new conflicts goes back to
    review, so that nothing contradictory stays on show.
    """
    if listing.state == ListingState.IN_REVIEW:
        _supersede(session, listing, now)
        if listing.conflicts:
            _open_review(session, listing, account_id, now)
        else:
            move(session, listing, ListingState.PUBLISHED, account_id, "Conflicts mended.", now)
    elif listing.state == ListingState.PUBLISHED and _needs_review(session, listing):
        _open_review(session, listing, account_id, now)
        move(session, listing, ListingState.IN_REVIEW, account_id, "Changed.", now)


def move(
    session: Session,
    listing: Listing,
    to: ListingState,
    account_id: uuid.UUID | None,
    why: str,
    now: datetime,
) -> None:
    """The one way in which a listing's state changes: checked against the table, and recorded."""
    before = ListingState(listing.state)
    LISTING.check(before, to)
    listing.state = to
    if to is ListingState.PUBLISHED and listing.first_published_at is None:
        listing.first_published_at = now
    session.add(transition(listing.id, before, to, account_id, why, now))
    waking.listings_changed(session, [listing.id])


def transition(
    listing_id: uuid.UUID,
    before: str | None,
    to: str,
    account_id: uuid.UUID | None,
    why: str,
    now: datetime,
) -> ListingTransition:
    """A row of the history of states."""
    return ListingTransition(
        id=new_id(),
        listing_id=listing_id,
        from_state=before,
        to_state=to,
        account_id=account_id,
        recorded_at=now,
        why=why,
    )


def _moved(
    session: Session,
    listing_id: uuid.UUID,
    to: ListingState,
    account_id: uuid.UUID,
    why: str,
    now: datetime,
) -> Listing:
    listing = listings.locked(session, listing_id)
    if listing.state != to:
        move(session, listing, to, account_id, why, now)
        session.flush()
    return listing


def _needs_review(session: Session, listing: Listing) -> bool:
    return bool(listing.conflicts) and not reviews.approved(session, listing)


def _open_review(
    session: Session, listing: Listing, account_id: uuid.UUID | None, now: datetime
) -> None:
    session.add(
        ListingReview(
            id=new_id(),
            listing_id=listing.id,
            listing_version=listing.version,
            fingerprint=listing.fingerprint,
            conflicts=listing.conflicts,
            state=ReviewState.PENDING,
            requested_by=account_id,
            requested_at=now,
        )
    )


def _supersede(session: Session, listing: Listing, now: datetime) -> None:
    session.execute(
        update(ListingReview)
        .where(ListingReview.listing_id == listing.id, ListingReview.state == ReviewState.PENDING)
        .values(state=ReviewState.SUPERSEDED, decided_at=now)
    )


def _decided_before(review: ListingReview) -> DomainError:
    return ReviewDecided(
        extra={
            "state": review.state,
            "decided_by": str(review.decided_by) if review.decided_by else None,
            "decided_at": review.decided_at.isoformat() if review.decided_at else None,
        }
    )


def _conflicts_of(listing: Listing) -> str:
    return " ".join(conflict["text"] for conflict in listing.conflicts)
