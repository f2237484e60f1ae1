"""What stands offered in place of a rotation that was called off: put before the trainee, given up."""

from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking, Rescue
from marketplace.booking.service import alternatives, change_notices, notices, transition
from marketplace.booking.states import BookingState
from marketplace.core.db import Session


def let_go(
    session: Session,
    offer: Booking,
    to: BookingState,
    actor_id: UUID | None,
    why: str,
    now: datetime,
) -> None:
    """Give an offer up; a host that was asked to decide on it is told."""
    asked = offer.state != BookingState.HELD
    transition.move(session, offer, to, actor_id=actor_id, reason=why, now=now)
    if asked:
        notices.withdrawn(session, offer, now)


def put_before(
    session: Session,
    old: Booking,
    rescue: Rescue,
    held: Booking,
    others: list[dict[str, Any]],
    now: datetime,
) -> None:
    """Put an offer that is held before the trainee."""
    put(session, rescue, held, others)
    quote = alternatives.quote_of(old, held)
    change_notices.rescue_offered(session, old, held, quote, rescue.reason, now)


def put(session: Session, rescue: Rescue, offer: Booking, others: list[dict[str, Any]]) -> None:
    """Write down what is held now; what was said of another offer is void."""
    rescue.state, rescue.offer_id, rescue.others = "offered", offer.id, others
    rescue.asked_at = rescue.asked_quote = rescue.agreed_at = rescue.agreed_quote = None
    session.flush()
