"""The life of a listing, of a review of its words against its duties, of an import."""

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


class ChangeKind(StrEnum):
    """What a partner is told of a listing in the change feed; it then reads the listing."""

    PUBLISHED = "published"
    CHANGED = "changed"
    PAUSED = "paused"
    # Back in review: not on show until it is published again.
    WITHDRAWN = "withdrawn"
    RETIRED = "retired"
    # A week was filled or has a seat again, or the calendar was edited.
    SEATS = "seats"


class EditKind(StrEnum):
    """What an edit of a calendar was about."""

    SEATS = "seats"
    CLOSE = "close"
    OPEN = "open"
    SHARE = "share"
    UNSHARE = "unshare"
    IMPORT = "import"
    UNDO = "undo"


class Verification(StrEnum):
    """What the operator knows of a site."""

    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"


class ImportState(StrEnum):
    """How far the import of a sheet is; `planned` waits for a word, or for its turn."""

    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    PLANNING = "planning"
    PLANNED = "planned"
    COMMITTING = "committing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportPhase(StrEnum):
    """What the job of an import is doing."""

    READING = "reading"
    LOOKING = "looking"
    WRITING_FILES = "writing_files"
    WRITING_ROWS = "writing_rows"


class ImportMode(StrEnum):
    """`rows`: refused rows are left out; `file`: all or nothing."""

    ROWS = "rows"
    FILE = "file"


class SheetKind(StrEnum):
    """What the rows of a sheet are: listings, or weeks of calendars."""

    LISTINGS = "listings"
    CALENDAR = "calendar"


class Touched(StrEnum):
    """What somebody has done with a listing since an import made it."""

    STATE = "state"
    TERMS = "terms"
    CALENDAR = "calendar"


class Waiting(StrEnum):
    """What a listing in review waits for; with none of them left it is published."""

    SITE = "site_unverified"
    WORDS = "words_under_review"
    FEE = "fee_currency"


class CheckStep(StrEnum):
    """A step in the history of a site's verification."""

    # A host handed in evidence, or asked for the publication of a listing there.
    SUBMITTED = "submitted"
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
IMPORT = Transitions(
    {
        ImportState.UPLOADING: frozenset({ImportState.UPLOADED, ImportState.CANCELLED}),
        ImportState.UPLOADED: frozenset(
            {ImportState.PLANNING, ImportState.FAILED, ImportState.CANCELLED}
        ),
        ImportState.PLANNING: frozenset(
            {ImportState.PLANNED, ImportState.FAILED, ImportState.CANCELLED}
        ),
        ImportState.PLANNED: frozenset(
            {ImportState.COMMITTING, ImportState.FAILED, ImportState.CANCELLED}
        ),
        ImportState.COMMITTING: frozenset(
            {ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED}
        ),
        ImportState.DONE: frozenset(),
        ImportState.FAILED: frozenset(),
        ImportState.CANCELLED: frozenset(),
    }
)
SITE = Transitions(
    {
        Verification.UNVERIFIED: frozenset(
            {Verification.PENDING, Verification.VERIFIED, Verification.REJECTED}
        ),
        Verification.PENDING: frozenset({Verification.VERIFIED, Verification.REJECTED}),
        Verification.VERIFIED: frozenset({Verification.REJECTED}),
        Verification.REJECTED: frozenset({Verification.PENDING, Verification.VERIFIED}),
    }
)
