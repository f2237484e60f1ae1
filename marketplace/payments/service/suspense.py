"""What nobody can explain leaves suspense by a person's word: to which account, and why.

Each account has a reason of its own in the books, so that a movement that is explained after all is
taken out of the account to which it was moved.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from marketplace.core.db import Session
from marketplace.payments.errors import NotInSuspense
from marketplace.payments.models import AccountKind
from marketplace.payments.queries import suspense
from marketplace.payments.service import ledger, quarantine
from marketplace.payments.service.ledger import Leg

_K = AccountKind
UNEXPLAINED: Final = "unexplained"
# What a person may say that it was, with the reason under which it is posted.
MOVED: Final = {
    _K.PLATFORM_REVENUE: "settled_as_revenue",
    _K.BANK: "settled_as_bank",
    _K.PROCESSOR_FEES: "settled_as_fee",
}


def settle(
    session: Session, source: str, account: str, *, why: str, by: UUID, now: datetime
) -> UUID:
    """Move a movement's money out of suspense, once, and close its case; return the case's id.

    `NotInSuspense` where nothing of it is there any more: somebody was quicker, or it was explained.
    """
    left = suspense.left_of(session, source)
    if left is None or not set(MOVED.values()).isdisjoint(suspense.reasons_of(session, source)):
        raise NotInSuspense
    kind = AccountKind(account)
    ledger.post(
        session,
        source=source,
        reason=MOVED[kind],
        legs=[Leg(_K.SUSPENSE, left), Leg(kind, -left)],
        at=now,
    )
    quarantine.close(session, source, UNEXPLAINED, resolution=why, account_id=by, now=now)
    return suspense.case_of(session, source)


def place_of(session: Session, source: str) -> AccountKind:
    """Return the account that a movement was put to: suspense, or where a person moved it."""
    suspense.left_of(session, source)
    reasons = set(suspense.reasons_of(session, source))
    return next((kind for kind, reason in MOVED.items() if reason in reasons), _K.SUSPENSE)
