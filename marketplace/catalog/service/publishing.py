"""A listing's way to the public: asked for by its host, held up where something stands against it.

It waits in review while its site is not verified, while its words contradict its duties and no
operator has approved these very words and duties, and while its terms' fees are in another
currency than its price. When nothing is left to wait for it is published. Every change of state
leaves a row. Whoever publishes holds the site's row, so that no operator takes the verification
away unseen; the site is held before the listing.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.catalog.errors import NoSeats, ReviewDecided, Unclassified
from marketplace.catalog.events import StaffDecided
from marketplace.catalog.models import Listing, ListingReview, ListingTransition, Site
from marketplace.catalog.queries import listings, locks, reviews, seats, sites
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.service import telling, verifying, waiting, waking
from marketplace.catalog.states import LISTING, ListingState, ReviewState, Waiting
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.states import IllegalTransition


@dataclass(frozen=True)
class Asked:
    """What came of asking for a publication: the state now, or why it stays as it was."""

    listing_id: uuid.UUID
    external_id: str
    state: str
    why: str


def request(
    session: Session,
    listing_id: uuid.UUID,
    account_id: uuid.UUID | None,
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
) -> Listing:
    """Publish the listing, or send it to review if there is something that it waits for.

    Asked twice is asked once. `Unclassified`, `NoSeats`, `IllegalTransition` where it can't be,
    `ListingNotFound` where it is not of the site that is named.
    """
    site, listing = locks.site_and_listing(session, listing_id, site_id=site_id)
    if listing.state in (ListingState.PUBLISHED, ListingState.IN_REVIEW):
        return listing
    if Tier.UNCLASSIFIED in (listing.tier_student, listing.tier_graduate):
        raise Unclassified
    if not seats.has_seats(session, listing, monday_of(now.date())):
        raise NoSeats
    _judge(session, listing, site, account_id, "Publication asked for.", now)
    if Waiting.SITE in listing.waits_for:
        verifying.ask(session, site, account_id, now)
    rows.flush(session)
    return listing


def request_all(
    session: Session, owner_account_id: uuid.UUID, account_id: uuid.UUID | None, now: datetime
) -> list[Asked]:
    """Ask for all drafts of an owner; one that can't be published does not stop the others."""
    drafts = listings.owned_ids(session, owner_account_id, [ListingState.DRAFT])
    return request_some(session, drafts, account_id, now)


def request_some(
    session: Session,
    listing_ids: Iterable[uuid.UUID],
    account_id: uuid.UUID | None,
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
) -> list[Asked]:
    """Ask for several; one that can't be published does not stop the others."""
    answers = []
    for listing_id in listing_ids:
        try:
            listing = request(session, listing_id, account_id, now, site_id=site_id)
            why = " ".join(text for _, text in waiting.reasons(listing))
        except (Unclassified, NoSeats, IllegalTransition) as refused:
            listing = locks.listing(session, listing_id)
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
    """Approve or reject (it is a draft again) what is under review, and tell the host.

    What is approved is published, unless it waits for something else besides. Of two operators who
    decide at once one wins; the other gets `ReviewDecided` with the winner.
    """
    if not approve and not reason.strip():
        raise Invalid(fields={"reason": ["Say why, so that the host can mend it."]})
    site, listing, review = locks.under_review(session, review_id)
    if review.state != ReviewState.PENDING:
        raise _decided_before(review)
    review.state = ReviewState.APPROVED if approve else ReviewState.REJECTED
    review.decided_by, review.decided_at, review.reason = account_id, now, reason
    verb = "approved" if approve else "rejected"
    why = f"Review {verb}. {reason}".strip()
    if approve:
        known = _just_approved(review, listing)
        _judge(session, listing, site, account_id, why, now, known=known)
    else:
        move(session, listing, ListingState.DRAFT, account_id, why, now)
    telling.reviewed(session, listing, approved=approve, reason=reason, now=now)
    said = {"listing_id": str(listing.id)} | ({"reason": reason} if reason else {})
    what = "listing.approved" if approve else "listing.sent_back"
    publish(session, StaffDecided(site.id, account_id, what, now, said))
    return listing


def take_off(
    session: Session,
    listing_id: uuid.UUID,
    to: ListingState,
    account_id: uuid.UUID,
    why: str,
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
) -> Listing:
    """Have a listing be a draft again, paused, or retired for ever.

    It takes no new bookings, those that exist stay, and nobody is asked to read it any more. Asked
    twice is asked once. `IllegalTransition`, `ListingNotFound`.
    """
    listing = locks.listing(session, listing_id, site_id=site_id)
    if listing.state != to:
        _supersede(reviews.standing(session, listing).open, now)
        move(session, listing, to, account_id, why, now)
        rows.flush(session)
    return listing


def after_change(
    session: Session, listing: Listing, account_id: uuid.UUID | None, now: datetime
) -> None:
    """Do as `judge_changed`, holding the site, and write it."""
    if listing.state in (ListingState.IN_REVIEW, ListingState.PUBLISHED):
        site = sites.held(session, listing.site_id)
        known = reviews.standing(session, listing)
        judge_changed(session, listing, site, account_id, now, known=known)
        rows.flush(session)


def judge_changed(
    session: Session,
    listing: Listing,
    site: Site,
    account_id: uuid.UUID | None,
    now: datetime,
    *,
    known: reviews.Standing,
) -> None:
    """Judge a listing whose words, duties, price or terms have changed.

    An open review of other words is superseded; a public listing that something now stands
    against goes back to review, so that nothing contradictory stays on show; one in review that
    has been mended is published. The caller holds the site and writes what has changed; `known` is
    where the listing's reviews stand.
    """
    if listing.state in (ListingState.IN_REVIEW, ListingState.PUBLISHED):
        why = "Mended." if listing.state == ListingState.IN_REVIEW else "Changed."
        with session.no_autoflush:
            _judge(session, listing, site, account_id, why, now, known=known)


def site_verified(
    session: Session, site: Site, account_id: uuid.UUID | None, now: datetime
) -> list[Listing]:
    """Publish what waited for this site and nothing else.

    The caller holds the site's row, and writes what has changed.
    """
    published = []
    with session.no_autoflush:
        waiting_ones = locks.listings_of_site(session, site.id, ListingState.IN_REVIEW)
    for listing in waiting_ones:
        left = [reason for reason in listing.waits_for if reason != Waiting.SITE]
        if left:
            listing.waits_for = left
        else:
            move(session, listing, ListingState.PUBLISHED, account_id, "Site verified.", now)
            published.append(listing)
    return published


def site_rejected(
    session: Session, site: Site, account_id: uuid.UUID | None, now: datetime
) -> list[Listing]:
    """Take every public listing of this site back to review; those under review wait for it too.

    The caller holds the site's row, and writes what has changed.
    """
    taken_back = []
    states = (ListingState.PUBLISHED, ListingState.IN_REVIEW)
    with session.no_autoflush:
        concerned = locks.listings_of_site(session, site.id, *states)
    for listing in concerned:
        if listing.state == ListingState.PUBLISHED:
            why = "Site not verified any more."
            move(session, listing, ListingState.IN_REVIEW, account_id, why, now, [Waiting.SITE])
            taken_back.append(listing)
        else:
            listing.waits_for = sorted({*listing.waits_for, Waiting.SITE.value})
    return taken_back


def move(
    session: Session,
    listing: Listing,
    to: ListingState,
    account_id: uuid.UUID | None,
    why: str,
    now: datetime,
    waits_for: Sequence[Waiting] = (),
) -> None:
    """The one way in which a listing's state changes: checked against the table, and recorded.

    `waits_for` is what a listing that goes to review waits for.
    """
    before = ListingState(listing.state)
    LISTING.check(before, to)
    listing.state = to
    listing.waits_for = sorted(reason.value for reason in waits_for)
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


def _judge(
    session: Session,
    listing: Listing,
    site: Site,
    account_id: uuid.UUID | None,
    why: str,
    now: datetime,
    *,
    known: reviews.Standing | None = None,
) -> None:
    """Bring a listing to where what it waits for says: to the public, or to review.

    `known` is where its reviews stand, if that need not be read. Written by the caller's flush.
    """
    standing = known or reviews.standing(session, listing)
    still_open = standing.open
    if still_open is not None and still_open.fingerprint != listing.fingerprint:
        _supersede(still_open, now)
        still_open = None
    waits_for = waiting.waits_for(listing, site, approved=standing.approved)
    if Waiting.WORDS in waits_for and still_open is None:
        _open_review(session, listing, account_id, now)
    to = ListingState.IN_REVIEW if waits_for else ListingState.PUBLISHED
    if listing.state != to:
        move(session, listing, to, account_id, why, now, waits_for)
    else:
        listing.waits_for = sorted(reason.value for reason in waits_for)


def _just_approved(review: ListingReview, listing: Listing) -> reviews.Standing | None:
    """Where reviews stand after an approval; none if it was of other words than those of now."""
    same = review.fingerprint == listing.fingerprint
    return reviews.Standing(open=None, approved=True) if same else None


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


def _supersede(review: ListingReview | None, now: datetime) -> None:
    """Close a review that is open: what it was asked about is gone."""
    if review is not None:
        review.state, review.decided_at = ReviewState.SUPERSEDED, now


def _decided_before(review: ListingReview) -> DomainError:
    return ReviewDecided(
        extra={
            "state": review.state,
            "decided_by": str(review.decided_by) if review.decided_by else None,
            "decided_at": review.decided_at.isoformat() if review.decided_at else None,
        }
    )
