"""Transfers and reversals: our row and the debt first, then the call, then what Stripe says of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments.errors import TransferNotRetryable
from marketplace.payments.events import TransferSettled
from marketplace.payments.gateway import ProcessorReversal, ProcessorTransfer
from marketplace.payments.models import HostReversal, HostTransfer
from marketplace.payments.queries import hosts
from marketplace.payments.service.hosts import books, moves, shares
from marketplace.payments.service.quarantine import end_by_itself, put_aside
from marketplace.payments.states import Arrival, ReversalState, TransferState

_T = TransferState
REFUSED = "transfer_failed"


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """The call that sends. `repeat`: look for a transfer from an earlier try first."""

    key: str
    transfer_id: UUID
    account: str
    amount: Money
    group: str
    words: str
    repeat: bool


@dataclass(frozen=True, slots=True)
class ReversalPlan:
    """The call that takes back; `repeat` as for a transfer."""

    key: str
    reversal_id: UUID
    transfer: str
    amount: Money
    repeat: bool


def plan_transfer(session: Session, transfer_id: UUID, *, now: datetime) -> TransferPlan | None:
    """Write down that we are about to call; None if there is nothing to send, or nowhere to.

    The key is `transfer:{id}`; after a definite refusal it is another, since the processor repeats
    what it answered to a key.
    """
    row = _lock(session, transfer_id)
    if TransferState(row.state) is not _T.REQUESTED:
        return None
    account = hosts.host_account(session, row.site_id)
    called = row.attempts + row.key_number > 0
    if account is None or account.processor_account is None or not account.transfers_enabled:
        if row.attempts == 0:
            row.held_for = shares.ACCOUNT
            moves.move(session, row, _T.HELD, "the account can't receive it now", now)
            return None
        if account is None or account.processor_account is None:
            raise LookupError(f"transfer {row.id} was sent to an account that is gone")
    if row.attempts == 0 and shares.is_disputed(session, row.payable):
        row.held_for, row.next_look_at = shares.DISPUTE, now + moves.LOOK_AGAIN
        session.flush()
        return None
    row.attempts += 1
    row.held_for, row.next_look_at = None, now + moves.LOOK_AGAIN
    session.flush()
    return TransferPlan(
        key=f"transfer:{row.id}" + (f":{row.key_number}" if row.key_number else ""),
        transfer_id=row.id,
        account=account.processor_account,
        amount=row.amount,
        group=group_of(row),
        words=f"{row.payable_kind} {row.payable_id}, part {row.tranche}",
        repeat=called,
    )


def group_of(row: HostTransfer) -> str:
    """Return the processor's name for all transfers of one thing."""
    return f"{row.payable_kind}:{row.payable_id}"


def take_transfer(
    session: Session, transfer_id: UUID, seen: ProcessorTransfer, *, now: datetime
) -> Arrival:
    """Bring the transfer to what the processor shows; harmless however often and in any order."""
    row = _lock(session, transfer_id)
    fault = _misfit(session, row, seen)
    if fault is not None:
        put_aside(
            session,
            processor_object=seen.id,
            reason=fault,
            details={
                "transfer": str(row.id),
                "expected": str(row.amount),
                "seen": str(seen.amount),
            },
            now=now,
        )
        return Arrival.INVALID
    row.processor_transfer = seen.id
    before = TransferState(row.state)
    if before is _T.SETTLED:
        session.flush()
        return Arrival.DUPLICATE
    if before in {_T.FAILED, _T.HELD}:
        # Told that it was refused, and it is there: the processor's word of now counts.
        moves.move(session, row, _T.REQUESTED, "it is at the processor", now)
    if seen.balance is None:
        if TransferState(row.state) is _T.REQUESTED:
            moves.move(session, row, _T.SENT, "sent", now)
        return Arrival.OPENED
    books.post_sent(session, row, seen.id, seen.balance.at)
    row.settled_at, row.failure, row.held_for = now, None, None
    moves.move(session, row, _T.SETTLED, "in the host's balance", now)
    end_by_itself(
        session,
        processor_object=str(row.id),
        reason=REFUSED,
        resolution="The transfer arrived when it was tried again.",
        now=now,
    )
    told = TransferSettled(row.id, row.site_id, row.payable, row.tranche, row.amount, now)
    publish(session, told)
    return Arrival.SETTLED


def refuse_transfer(
    session: Session, transfer_id: UUID, reason: str, *, account: bool, now: datetime
) -> None:
    """The processor said no: the debt stays. `account`: it can't receive; else it is tried again."""
    row = _lock(session, transfer_id)
    if TransferState(row.state) is not _T.REQUESTED:
        return
    row.failure, row.attempts, row.key_number = reason, 0, row.key_number + 1
    if account:
        row.held_for = shares.ACCOUNT
        moves.move(session, row, _T.HELD, reason, now)
        return
    moves.move(session, row, _T.FAILED, reason, now)
    put_aside(
        session,
        processor_object=str(row.id),
        reason=REFUSED,
        details={"transfer": str(row.id), "amount": str(row.amount), "why": reason},
        now=now,
        again=True,
    )


def send_again(session: Session, transfer_id: UUID, *, reason: str, now: datetime) -> HostTransfer:
    """Have a held or failed transfer sent, if the account can receive it now.

    `TransferNotRetryable` if it is neither, or the account can't.
    """
    row = _lock(session, transfer_id)
    account = hosts.host_account(session, row.site_id)
    if TransferState(row.state) not in hosts.WAITING:
        raise TransferNotRetryable(f"It is {row.state}.")
    if account is None or not account.transfers_enabled:
        raise TransferNotRetryable("The host's account can't receive transfers: see its status.")
    _request(session, row, reason, now)
    return row


def send_if_able(session: Session, transfer_id: UUID, *, now: datetime) -> None:
    """Do as `send_again` after a refusal, and nothing where the account can't receive it."""
    row = _lock(session, transfer_id)
    account = hosts.host_account(session, row.site_id)
    if TransferState(row.state) is _T.FAILED and account is not None and account.transfers_enabled:
        _request(session, row, "tried again", now)


def send_waiting(session: Session, site_id: UUID, *, now: datetime) -> int:
    """Have all that waits for a site's account sent: it can receive now. The site is locked."""
    waiting = hosts.waiting_transfers(session, site_id)
    for row in waiting:
        _request(session, row, "the account can receive it now", now)
    return len(waiting)


def ask_again(session: Session, *, now: datetime, limit: int) -> int:
    """Have transfers and reversals looked at that wait too long; return how many."""
    transfers = hosts.due_transfers(session, now, limit)
    for row in transfers:
        failed = TransferState(row.state) is _T.FAILED
        row.next_look_at = now + (moves.TRY_AGAIN if failed else moves.LOOK_AGAIN)
        name = moves.RETRY_TRANSFER if failed else moves.SEND_TRANSFER
        if TransferState(row.state) is _T.SENT:
            name = moves.LOOK_AT_TRANSFER
        defer(session, name, transfer_id=str(row.id))
    reversals = hosts.due_reversals(session, now, limit)
    for back in reversals:
        back.next_look_at = now + moves.LOOK_AGAIN
        defer(session, moves.SEND_REVERSAL, reversal_id=str(back.id))
    session.flush()
    return len(transfers) + len(reversals)


def plan_reversal(session: Session, reversal_id: UUID, *, now: datetime) -> ReversalPlan | None:
    """Write down that we are about to call; None if there is nothing to take back at Stripe (yet)."""
    row, transfer = _lock_reversal(session, reversal_id)
    if ReversalState(row.state) is not ReversalState.REQUESTED:
        return None
    if shares.may_be_cut(transfer):
        _fold(session, row, transfer, now)
        return None
    if transfer.processor_transfer is None or transfer.settled_at is None:
        return None
    row.attempts += 1
    row.next_look_at = now + moves.LOOK_AGAIN
    session.flush()
    return ReversalPlan(
        key=f"reversal:{row.id}",
        reversal_id=row.id,
        transfer=transfer.processor_transfer,
        amount=row.amount,
        repeat=row.attempts > 1,
    )


def take_reversal(
    session: Session, reversal_id: UUID, seen: ProcessorReversal, *, now: datetime
) -> None:
    """It is back with us; harmless however often."""
    row, _ = _lock_reversal(session, reversal_id)
    if ReversalState(row.state) is not ReversalState.REQUESTED:
        return
    row.processor_reversal = seen.id
    books.post_reversed(session, row, seen.id, seen.balance.at if seen.balance else now)
    moves.move_reversal(session, row, ReversalState.SETTLED, "taken back", now)


def owe_reversal(session: Session, reversal_id: UUID, reason: str, *, now: datetime) -> None:
    """The host's balance does not cover it: they owe it, and what they earn later pays it."""
    row, _ = _lock_reversal(session, reversal_id)
    if ReversalState(row.state) is not ReversalState.REQUESTED:
        return
    row.failure = reason
    books.post_owed(
        session, source=f"reversal:{row.id}", site_id=row.site_id, amount=row.amount, at=now
    )
    moves.move_reversal(session, row, ReversalState.OWED, reason, now)


def _fold(session: Session, row: HostReversal, transfer: HostTransfer, now: datetime) -> None:
    """The transfer was never made: what was to be taken back is taken off it."""
    transfer.reversed_minor -= row.amount_minor
    moves.move_reversal(session, row, ReversalState.SETTLED, "taken off before it was sent", now)
    shares.cut(session, transfer, row.amount, now)


def _request(session: Session, row: HostTransfer, reason: str, now: datetime) -> None:
    row.held_for = None
    moves.move(session, row, _T.REQUESTED, reason, now)
    defer(session, moves.SEND_TRANSFER, transfer_id=str(row.id))


def _lock(session: Session, transfer_id: UUID) -> HostTransfer:
    site_id = hosts.transfer(session, transfer_id).site_id
    hosts.lock_host(session, site_id)
    return hosts.transfer(session, transfer_id)


def _lock_reversal(session: Session, reversal_id: UUID) -> tuple[HostReversal, HostTransfer]:
    row = hosts.reversal(session, reversal_id)
    transfer = _lock(session, row.transfer_id)
    return hosts.reversal(session, reversal_id), transfer


def _misfit(session: Session, row: HostTransfer, seen: ProcessorTransfer) -> str | None:
    account = hosts.host_account(session, row.site_id)
    checks = (
        ("transfer", seen.transfer_id == row.id),
        ("transfer_object", row.processor_transfer in {None, seen.id}),
        ("transfer_amount", seen.amount == row.amount),
        ("transfer_account", account is not None and seen.account == account.processor_account),
        ("reversal_not_ours", seen.reversed.minor <= row.reversed_minor),
    )
    return next((name for name, fits in checks if not fits), None)
