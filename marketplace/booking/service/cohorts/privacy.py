"""Why a student can't have a place is theirs to know: a school is told no more than that they can't."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from marketplace.booking.errors import (
    AlreadyBookedThen,
    CohortRefused,
    NotEligible,
    PlaceRefused,
    ProfileMissing,
)

# Said of somebody else: the errors' own titles speak to the one whom they are about.
WORDS = {
    NotEligible.code: "They don't meet what the host asks for.",
    AlreadyBookedThen.code: "They have a seat in one of these weeks already.",
    ProfileMissing.code: "Their profile is not filled in.",
}


@contextmanager
def unexplained(student_id: UUID) -> Iterator[None]:
    """Turn what names a student's facts or other bookings into `PlaceRefused` with its code."""
    try:
        yield
    except (AlreadyBookedThen, NotEligible, ProfileMissing) as refused:
        item = {"student_id": str(student_id), "code": refused.code, "detail": WORDS[refused.code]}
        raise PlaceRefused(extra={"items": [item]}) from None
    except PlaceRefused as refused:
        # Refused so within: whoever asks knows the student by the id that they gave.
        items = [{**item, "student_id": str(student_id)} for item in refused.extra["items"]]
        raise PlaceRefused(extra={"items": items}) from None
    except CohortRefused as refused:
        raise PlaceRefused(extra=refused.extra) from None
