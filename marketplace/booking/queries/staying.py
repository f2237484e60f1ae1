"""The versions of the stay limits."""

from collections.abc import Sequence

from sqlalchemy import select

from marketplace.booking.models import StayRuleVersion
from marketplace.core.db import Session


def newest(session: Session) -> StayRuleVersion | None:
    """Return the version that counts; None while it is the package's own."""
    return session.execute(
        select(StayRuleVersion).order_by(StayRuleVersion.number.desc()).limit(1)
    ).scalar_one_or_none()


def versions(session: Session) -> Sequence[StayRuleVersion]:
    """Return every version, the oldest first."""
    return session.execute(select(StayRuleVersion).order_by(StayRuleVersion.number)).scalars().all()
