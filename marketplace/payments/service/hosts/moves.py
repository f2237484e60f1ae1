"""Changes of state of transfers and reversals, through the tables and into the log; names of jobs."""

from datetime import datetime, timedelta

from marketplace.core.db import Session
from marketplace.payments.models import HostMoneyStep, HostReversal, HostTransfer
from marketplace.payments.states import REVERSAL, TRANSFER, ReversalState, TransferState

OPEN_ONBOARDING = "payments.open_onboarding"
LOOK_AT_ACCOUNT = "payments.look_at_account"
SEND_TRANSFER = "payments.send_transfer"
RETRY_TRANSFER = "payments.retry_transfer"
LOOK_AT_TRANSFER = "payments.look_at_transfer"
SEND_REVERSAL = "payments.send_reversal"
# How long until what is under way is looked at again, and until what was refused is tried again.
LOOK_AGAIN = timedelta(minutes=5)
TRY_AGAIN = timedelta(hours=1)
# States in which something may be under way at the processor.
UNDER_WAY = frozenset({TransferState.REQUESTED, TransferState.SENT})


def begin(session: Session, row: HostTransfer | HostReversal, reason: str, now: datetime) -> None:
    """Write down that a row was made, in the state that it has."""
    session.add(row)
    session.flush()
    _log(session, row, None, row.state, reason, now)


def move(
    session: Session, row: HostTransfer, after: TransferState, reason: str, now: datetime
) -> None:
    """Change the state of a transfer whose site is locked, and write down why."""
    before = TransferState(row.state)
    TRANSFER.check(before, after)
    row.state = after
    waits = {TransferState.FAILED: TRY_AGAIN}.get(after, LOOK_AGAIN)
    row.next_look_at = now + waits if after in {*UNDER_WAY, TransferState.FAILED} else None
    _log(session, row, before, after, reason, now)


def move_reversal(
    session: Session, row: HostReversal, after: ReversalState, reason: str, now: datetime
) -> None:
    """Change the state of a reversal whose site is locked, and write down why."""
    before = ReversalState(row.state)
    REVERSAL.check(before, after)
    row.state, row.next_look_at = after, None
    row.settled_at = now if after is ReversalState.SETTLED else None
    _log(session, row, before, after, reason, now)


def _log(
    session: Session,
    row: HostTransfer | HostReversal,
    before: str | None,
    after: str,
    reason: str,
    now: datetime,
) -> None:
    is_transfer = isinstance(row, HostTransfer)
    session.add(
        HostMoneyStep(
            transfer_id=row.id if is_transfer else None,
            reversal_id=None if is_transfer else row.id,
            before=before,
            after=after,
            reason=reason,
            at=now,
        )
    )
    session.flush()
