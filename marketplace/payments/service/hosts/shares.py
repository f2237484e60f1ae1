"""A host's share: released in parts after attendance, and taken back where money goes back.

Of what was paid for a thing, a part is the host's; it is deferred until the owner of the thing
tells that it has begun, is over, or that somebody decides. What was released (earned) never exceeds
what the host still has of the payments: a refund after it takes the difference back, from what was
not sent yet, from the transfers, or as a debt of the host that is taken off what they earn later.
All this is done under the lock of the site, taken after those of the payments.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    HostReversal,
    HostTransfer,
    Payment,
    PaymentPart,
    ShareClaim,
    ShareRelease,
)
from marketplace.payments.queries import disputes, hosts
from marketplace.payments.rules import shares as rules
from marketplace.payments.service.hosts import books, moves
from marketplace.payments.service.positions import position
from marketplace.payments.states import ReversalState, ShareStep, TransferState

DISPUTE = "dispute"
ACCOUNT = "account"


def tell(
    session: Session,
    payable: Payable,
    site_id: UUID,
    step: ShareStep,
    *,
    since: datetime,
    now: datetime,
) -> None:
    """Note what has become of a thing that was paid for; a job does what follows from it.

    `since` is when it began, or was over. Waits for nothing and asks for nothing: the row is
    written with whatever else the session has to write.
    """
    session.add(
        ShareRelease(
            id=new_id(),
            payable_kind=payable.kind,
            payable_id=payable.id,
            site_id=site_id,
            step=step,
            from_at=since,
            told_at=now,
        )
    )


def release(session: Session, release_id: UUID, *, first_percent: int, now: datetime) -> str:
    """Do what follows from what was told; harmless where it was done. Returns what became of it."""
    told = session.get_one(ShareRelease, release_id)
    payable, site_id = told.payable, told.site_id
    queries.lock_payable(session, payable)
    for payment, _ in hosts.share_sources(session, payable):
        queries.lock_payment(session, payment.id)
    hosts.lock_host(session, site_id)
    row = hosts.release(session, release_id)
    if row.outcome is not None:
        return row.outcome
    outcome = _outcome(session, row, first_percent, now)
    if outcome is None:
        return "waits"
    row.outcome, row.handled_at, row.waits_for = outcome, now, None
    session.flush()
    return outcome


def take_back(
    session: Session,
    payment: Payment,
    part: PaymentPart | None,
    site_id: UUID | None,
    *,
    cause: str,
    now: datetime,
) -> None:
    """Take back what was earned of a locked payment and is the host's no more."""
    if site_id is None:
        return
    if part is not None:
        payable = Payable(part.payable_kind, part.carried_to_id or part.payable_id)
    else:
        payable = Payable(payment.payable_kind, payment.carried_to_id or payment.payable_id)
    take_excess(session, payable, site_id, cause=cause, now=now)


def take_excess(
    session: Session, payable: Payable, site_id: UUID, *, cause: str, now: datetime
) -> ShareClaim | None:
    """Take back what was earned of a thing in excess of what the host still has of it, if any.

    `cause` names why, once: the refund, the dispute, the thing that the money is kept for instead.
    """
    if not hosts.transfers_for(session, payable):
        return None
    hosts.lock_host(session, site_id)
    sent = hosts.transfers_for(session, payable)
    currency = sent[0].currency
    earned, fee = _earned(session, payable, sent)
    excess = earned - share_of(session, payable, currency)
    if excess.minor <= 0:
        return None
    claim = ShareClaim(
        payable_kind=payable.kind,
        payable_id=payable.id,
        site_id=site_id,
        cause=cause,
        currency=currency,
        gross_minor=excess.minor,
        fee_minor=rules.fee_back(earned, fee, excess).minor,
        at=now,
    )
    session.add(claim)
    session.flush()
    books.post_claim(session, claim)
    _collect(session, claim, sent, now)
    return claim


def share_of(session: Session, payable: Payable, currency: str) -> Money:
    """Return what the host has of what was paid for a thing, refunds taken off.

    Where the price was protected, what others pay of it is among it.
    """
    whole = hosts.protected_share(session, payable) or Money.zero(currency)
    for payment, part in hosts.share_sources(session, payable):
        whole += position(session, payment, part).left.host
    return whole


def is_disputed(session: Session, payable: Payable) -> bool:
    """Whether a dispute is open of what was paid for a thing."""
    paid = [payment.id for payment, _ in hosts.share_sources(session, payable)]
    return disputes.any_open(session, paid)


def _outcome(session: Session, row: ShareRelease, first_percent: int, now: datetime) -> str | None:
    if row.step == ShareStep.STOP:
        return "noted"
    if row.step == ShareStep.FIRST and hosts.told_later(session, row):
        return "superseded"
    sources = hosts.share_sources(session, row.payable)
    if not sources:
        return "nothing"
    if disputes.any_open(session, [payment.id for payment, _ in sources]):
        row.waits_for = DISPUTE
        session.flush()
        return None
    currency = sources[0][0].currency
    sent = hosts.transfers_for(session, row.payable)
    earned = _earned(session, row.payable, sent)[0] if sent else Money.zero(currency)
    share = share_of(session, row.payable, currency)
    if row.step == ShareStep.FIRST:
        gross = rules.first_part(share, earned, first_percent)
    else:
        gross = share - earned
    if gross.minor <= 0:
        return "nothing"
    _earn(session, row, gross, tranche=_tranche(row, sent), now=now)
    return "released"


def _tranche(row: ShareRelease, sent: Sequence[HostTransfer]) -> int:
    """The first part is the first tranche; the rest is the second, or another after that."""
    least = 1 if row.step == ShareStep.FIRST else 2
    return max([least, *(one.tranche + 1 for one in sent)])


def _earn(
    session: Session, row: ShareRelease, gross: Money, *, tranche: int, now: datetime
) -> None:
    contract = hosts.contract_on(session, row.site_id, now.date())
    debt = books.receivable(session, row.site_id, gross.currency)
    earned = rules.earn(gross, contract.host_fee_bp if contract else 0, debt)
    account = hosts.host_account(session, row.site_id)
    able = account is not None and account.transfers_enabled
    state = TransferState.REQUESTED if able else TransferState.HELD
    if not earned.amount:
        state = TransferState.WITHDRAWN
    made = HostTransfer(
        payable_kind=row.payable_kind,
        payable_id=row.payable_id,
        tranche=tranche,
        release_id=row.id,
        site_id=row.site_id,
        contract_id=contract.id if contract else None,
        currency=gross.currency,
        gross_minor=earned.gross.minor,
        fee_minor=earned.fee.minor,
        netted_minor=earned.netted.minor,
        taken_minor=0,
        amount_minor=earned.amount.minor,
        reversed_minor=0,
        state=state,
        held_for=ACCOUNT if state is TransferState.HELD else None,
        earned_at=now,
        next_look_at=now + moves.LOOK_AGAIN if state is TransferState.REQUESTED else None,
    )
    moves.begin(session, made, f"{row.step} part released", now)
    books.post_earned(session, made)
    if state is TransferState.REQUESTED:
        defer(session, moves.SEND_TRANSFER, transfer_id=str(made.id))


def _earned(
    session: Session, payable: Payable, sent: Sequence[HostTransfer]
) -> tuple[Money, Money]:
    """What was earned of a thing, and the fee on it; what was taken back is taken off."""
    zero = Money.zero(sent[0].currency)
    claims = hosts.claims_for(session, payable)
    earned = sum((one.gross for one in sent), zero) - sum((one.gross for one in claims), zero)
    fee = sum((one.fee for one in sent), zero) - sum((one.fee for one in claims), zero)
    return earned, fee


def _collect(
    session: Session, claim: ShareClaim, sent: Sequence[HostTransfer], now: datetime
) -> None:
    """Find the money of a claim: not sent yet, sent, or else owed by the host."""
    left = claim.net
    for row in sent:
        if may_be_cut(row):
            left -= cut(session, row, min(left, row.kept), now)
    for row in sent:
        part = min(left, row.kept)
        if part and TransferState(row.state) in {*moves.UNDER_WAY, TransferState.SETTLED}:
            _reverse(session, claim, row, part, now)
            left -= part
    if left:
        books.post_owed(
            session, source=f"claim:{claim.id}", site_id=claim.site_id, amount=left, at=now
        )


def may_be_cut(row: HostTransfer) -> bool:
    """Whether nothing of the transfer is at the processor, nor on its way there."""
    state = TransferState(row.state)
    if state is TransferState.REQUESTED:
        return row.attempts == 0
    return state in {TransferState.HELD, TransferState.FAILED}


def cut(session: Session, row: HostTransfer, amount: Money, now: datetime) -> Money:
    """Take `amount` off a transfer that was not sent; returns it."""
    if not amount:
        return amount
    row.amount_minor -= amount.minor
    row.taken_minor += amount.minor
    if row.amount_minor == 0:
        moves.move(session, row, TransferState.WITHDRAWN, "nothing is left of it", now)
    session.flush()
    return amount


def _reverse(
    session: Session, claim: ShareClaim, row: HostTransfer, amount: Money, now: datetime
) -> None:
    row.reversed_minor += amount.minor
    made = HostReversal(
        claim_id=claim.id,
        transfer_id=row.id,
        site_id=row.site_id,
        currency=row.currency,
        amount_minor=amount.minor,
        state=ReversalState.REQUESTED,
        requested_at=now,
        next_look_at=now + moves.LOOK_AGAIN,
    )
    moves.begin(session, made, claim.cause, now)
    defer(session, moves.SEND_REVERSAL, reversal_id=str(made.id))
