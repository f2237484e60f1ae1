"""A school's place that its host called off: the student says whether, the school then takes it.

The school has paid and answers for where its student goes, so it chooses among what is found, takes
it, or has its money back. Nobody is sent where they have not agreed to go.
"""

from datetime import datetime
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking, Rescue
from marketplace.booking.service import agreeing, school_notices
from marketplace.core.db import Session


def both(
    session: Session,
    old: Booking,
    rescue: Rescue,
    offer: Booking,
    mark: str,
    *,
    by_school: bool,
    now: datetime,
) -> bool:
    """Whether the school takes what its student has agreed to; the student's word is written down.

    `NotOpenForThis` for a school whose student has not agreed to the quote of `mark`;
    `AgreementMissing` where the site takes students only under an agreement.
    """
    if not by_school:
        rescue.agreed_at, rescue.agreed_quote = now, mark
        session.flush()
        school_notices.rescue_agreed(session, old, offer, rescue.decide_by, now)
        return False
    if rescue.agreed_quote != mark:
        raise NotOpenForThis("Your student has not agreed to this yet.")
    agreeing.check(session, [offer])
    return True


def check_chooser(old: Booking, by_school: UUID | None) -> None:
    """Refuse a student who would choose among what is offered in a school's place."""
    if old.cohort_id is not None and by_school is None:
        raise NotOpenForThis(
            "Your school chooses among them: ask your school.",
            extra={"cohort_id": str(old.cohort_id)},
        )


def why_refunded(old: Booking, actor_id: UUID) -> str:
    """Who wanted the money back, in words."""
    if old.cohort_id is None:
        return "The money was taken back."
    if actor_id == old.trainee_id:
        return "The student does not want what was found instead."
    return "The school took its money back."
