"""The life of a listing, and of a review of its words against its duties."""

from enum import StrEnum

from marketplace.core.states import Transitions


class ListingState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    PAUSED = "paused"
    RETIRED = "retired"


class ReviewState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    # The listing changed, or was retired, before anybody decided.
    SUPERSEDED = "superseded"


class Verification(StrEnum):
    """What the operator knows of a site."""

    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


LISTING = Transitions(
    {
        ListingState.DRAFT: frozenset(
            {ListingState.IN_REVIEW, ListingState.PUBLISHED, ListingState.RETIRED}
        ),
        ListingState.IN_REVIEW: frozenset(
            {ListingState.DRAFT, ListingState.PUBLISHED, ListingState.RETIRED}
        ),
        ListingState.PUBLISHED: frozenset(
            {ListingState.PAUSED, ListingState.IN_REVIEW, ListingState.RETIRED}
        ),
        ListingState.PAUSED: frozenset(
            {ListingState.PUBLISHED, ListingState.IN_REVIEW, ListingState.RETIRED}
        ),
        ListingState.RETIRED: frozenset(),
    }
)
REVIEW = Transitions(
    {
        ReviewState.PENDING: frozenset(
            {ReviewState.APPROVED, ReviewState.REJECTED, ReviewState.SUPERSEDED}
        ),
        ReviewState.APPROVED: frozenset(),
        ReviewState.REJECTED: frozenset(),
        ReviewState.SUPERSEDED: frozenset(),
    }
)
