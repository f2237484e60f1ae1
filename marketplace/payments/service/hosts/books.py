"""Postings of what hosts earn and are paid.

| what happened | debit | credit |
| --- | --- | --- |
| a part of a share is released | deferred_host_share | host_payable, platform_revenue: the host's fee |
| a debt is taken off it | host_payable | host_receivable |
| the money was sent | host_payable | processor_clearing |
| a part is taken back | host_payable, platform_revenue: its fee | deferred_host_share |
| it came back | processor_clearing | host_payable |
| it did not: the host owes it | host_receivable | host_payable |
"""

from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import AccountKind, HostReversal, HostTransfer, ShareClaim
from marketplace.payments.service import ledger
from marketplace.payments.service.ledger import Leg

SHARE_EARNED = "share_earned"
DEBT_NETTED = "debt_netted"
TRANSFER_SENT = "transfer_sent"
SHARE_TAKEN_BACK = "share_taken_back"
TRANSFER_REVERSED = "transfer_reversed"
HOST_OWES = "host_owes"
_K = AccountKind


def receivable(session: Session, site_id: UUID, currency: str) -> Money:
    """Return what the host owes us."""
    return queries.balance_of(session, _K.HOST_RECEIVABLE, currency, site_id)


def post_earned(session: Session, row: HostTransfer) -> None:
    """A part of the share is the host's from now on; what they owe is taken off it."""
    ledger.post(
        session,
        source=f"transfer:{row.id}",
        reason=SHARE_EARNED,
        legs=[
            Leg(_K.DEFERRED_HOST_SHARE, row.gross, row.site_id),
            Leg(_K.PLATFORM_REVENUE, -row.fee),
            Leg(_K.HOST_PAYABLE, row.fee - row.gross, row.site_id),
        ],
        at=row.earned_at,
    )
    if row.netted:
        ledger.post(
            session,
            source=f"transfer:{row.id}",
            reason=DEBT_NETTED,
            legs=[
                Leg(_K.HOST_PAYABLE, row.netted, row.site_id),
                Leg(_K.HOST_RECEIVABLE, -row.netted, row.site_id),
            ],
            at=row.earned_at,
        )


def post_sent(session: Session, row: HostTransfer, source: str, at: datetime) -> None:
    """The processor has moved it to the host's balance."""
    legs = [
        Leg(_K.HOST_PAYABLE, row.amount, row.site_id),
        Leg(_K.PROCESSOR_CLEARING, -row.amount),
    ]
    ledger.post(session, source=source, reason=TRANSFER_SENT, legs=legs, at=at)


def post_claim(session: Session, claim: ShareClaim) -> None:
    """A part of what was earned is the host's no more; the marketplace gives its fee back."""
    ledger.post(
        session,
        source=f"claim:{claim.id}",
        reason=SHARE_TAKEN_BACK,
        legs=[
            Leg(_K.HOST_PAYABLE, claim.net, claim.site_id),
            Leg(_K.PLATFORM_REVENUE, claim.fee),
            Leg(_K.DEFERRED_HOST_SHARE, -claim.gross, claim.site_id),
        ],
        at=claim.at,
    )


def post_reversed(session: Session, row: HostReversal, source: str, at: datetime) -> None:
    """What was taken back of a transfer is with us again."""
    legs = [
        Leg(_K.PROCESSOR_CLEARING, row.amount),
        Leg(_K.HOST_PAYABLE, -row.amount, row.site_id),
    ]
    ledger.post(session, source=source, reason=TRANSFER_REVERSED, legs=legs, at=at)


def post_owed(session: Session, *, source: str, site_id: UUID, amount: Money, at: datetime) -> None:
    """What is to be taken back can't be had now: the host owes it."""
    legs = [Leg(_K.HOST_RECEIVABLE, amount, site_id), Leg(_K.HOST_PAYABLE, -amount, site_id)]
    ledger.post(session, source=source, reason=HOST_OWES, legs=legs, at=at)
