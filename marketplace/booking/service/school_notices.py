"""What a school's coordinators are told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.service.notices import tell_people
from marketplace.core.db import Session


def reminded(
    session: Session,
    booking: Booking,
    account_ids: Sequence[UUID],
    trainee_name: str,
    until: datetime,
    now: datetime,
) -> None:
    """Remind these coordinators of a student who waits for their school's word."""
    tell_people(
        session,
        booking,
        account_ids,
        "school_request_soon",
        now=now,
        trainee_name=trainee_name,
        decide_by=until.isoformat(),
        school_id=str(booking.school_id),
    )
