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


class TierRunState(StrEnum):
    ASKED = "asked"
    RUNNING = "running"
    READY = "ready"


class ChangeOutcome(StrEnum):
    """What a run does with a listing whose answer differs, or would do."""

    CHANGED = "changed"
    # Its words contradict the new answer as they did not before: an operator reads it.
    REVIEW = "review"
    # It would have no tier, which a listing on show must have: it is left as it was.
    REFUSED = "refused"


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
