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


@contextmanager
def unexplained(student_id: UUID) -> Iterator[None]:
    """Turn what names a student's facts or other bookings into `PlaceRefused` with its code."""
    try:
        yield
    except (AlreadyBookedThen, NotEligible, ProfileMissing) as refused:
        item = {"student_id": str(student_id), "code": refused.code, "detail": refused.title}
        raise PlaceRefused(extra={"items": [item]}) from None
    except CohortRefused as refused:
        raise PlaceRefused(extra=refused.extra) from None
