"""Disputes: taken in as they stand, in whatever order their events come; answered; won or lost.

Whether an answer is wanted is what the processor's status says, also after one was given. While one is open, no share of what was paid is released, and refunds of it wait: the bank holds
the money. What one that is lost takes, and one that is won after all gives back, is `losses`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.identity import queries as people
from marketplace.identity.rules import Role
from marketplace.identity.service import notices
from marketplace.payments import queries
from marketplace.payments.errors import DisputeEnded
from marketplace.payments.events import Payable
from marketplace.payments.gateway import (
    CERTIFICATE,
    EVIDENCE_PARTS,
    RECEIPT,
    ProcessorDispute,
)
from marketplace.payments.models import AccountKind, Dispute, DisputeStep, Payment
from marketplace.payments.queries import disputes, hosts
from marketplace.payments.queries.disputes import SUBJECT_EVIDENCE, SUBJECT_STATE
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.service import ledger, losses, steps
from marketplace.payments.service.positions import position
from marketplace.payments.states import DISPUTE, EVIDENCE, DisputeState, EvidenceState

OPENED = "dispute_opened"
OPENED_HOST = "dispute_opened_host"
CLOSED = "dispute_closed"
ANEW = "dispute_anew"
# The processor's words that end a dispute; all others leave it open.
ENDS = {
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
}
ASKS = disputes.ASKS
UNSENT = frozenset({EvidenceState.GATHERING, EvidenceState.READY})
_K = AccountKind


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """The call that answers a dispute, or concedes it where `evidence` is None.

    `files` were sent before; `papers` are object keys of such as are there already. Each
    `turn` at it has keys of its own.
    """

    turn: int
    dispute_id: UUID
    processor_dispute: str
    evidence: Mapping[str, str] | None
    files: Mapping[str, str]
    papers: Mapping[str, str]

    def key(self, *names: str) -> str:
        """Return the key of a call: in the first turn it has no number."""
        what, *of = names
        turn = [str(self.turn)] if self.turn > 1 else []
        return ":".join((what, str(self.dispute_id), *of, *turn))


def take(session: Session, seen: ProcessorDispute, *, now: datetime) -> str:
    """Bring a dispute to what the processor shows, and post what has moved, each movement once."""
    payment_id = _payment_of(session, seen)
    if payment_id is None:
        return "of no payment of ours"
    payment = queries.lock_payment(session, payment_id)
    row = disputes.by_processor(session, seen.id) or _open(session, payment, seen, now)
    for moved in seen.moves:
        ledger.post_plain(session, moved, _K.DISPUTES, moved.category, payment_id=payment.id)
    row.status, row.due_by = seen.status, seen.due_by
    row.next_look_at = now + steps.LOOK_AGAIN_AT_DISPUTE
    after = ENDS.get(seen.status, DisputeState.OPEN)
    before = DisputeState(row.state)
    answers = disputes.times(session, row.id, EvidenceState.SUBMITTED)
    approved = row.evidence_state == EvidenceState.APPROVED
    if approved and seen.submitted > answers and seen.status not in ASKS:
        _answered(session, row, now)
    session.flush()
    if before is not after:
        DISPUTE.check(before, after)
        _decide(session, row, payment, after, now)
    if after is DisputeState.OPEN:
        # What was seen before our answer arrived still asks for it.
        asks = seen.status in ASKS and seen.submitted >= answers
        _heed(session, row, payment, asks=asks, anew=before is not after, now=now)
    return after.value


def gathered(
    session: Session, dispute_id: UUID, texts: Mapping[str, str], *, now: datetime
) -> None:
    """Keep what was gathered for a person to look at; once."""
    row = disputes.dispute(session, dispute_id, lock=True)
    if EvidenceState(row.evidence_state) is not EvidenceState.GATHERING:
        return
    row.evidence = {part: texts[part] for part in EVIDENCE_PARTS if texts.get(part)}
    _evidence(session, row, EvidenceState.READY, "gathered", None, now)


def payables_of(session: Session, dispute_id: UUID) -> list[Payable]:
    """Return what the disputed payment is kept for now: one thing, or each of its parts."""
    payment = queries.payment(session, disputes.dispute(session, dispute_id).payment_id)
    parts = queries.parts(session, payment.id)
    if parts:
        return [Payable(one.payable_kind, one.carried_to_id or one.payable_id) for one in parts]
    return [Payable(payment.payable_kind, payment.carried_to_id or payment.payable_id)]


def receipts_text(session: Session, dispute_id: UUID) -> str:
    """Return the receipts of the disputed payment as text."""
    row = disputes.dispute(session, dispute_id)
    return "\n".join(
        f"Receipt {one.content['number']} of {one.content['issued_on']}: {one.content['total']} for "
        f"{one.content['for']}, paid on {one.content['paid_on']} by {one.content['payer']['name']}"
        for one in disputes.receipts(session, row.payment_id)
    )


def approve(
    session: Session,
    dispute_id: UUID,
    *,
    changes: Mapping[str, str] | None = None,
    losses_borne_by: Bearer | None = None,
    approved_by: UUID | None,
    now: datetime,
) -> Dispute:
    """Send the evidence off, with some of its parts changed; a job answers the processor.

    `losses_borne_by` decides who bears the host's part if it is lost. `DisputeEnded` unless the
    dispute is open and waits for an answer. Nobody approves what is sent because time runs out.
    """
    row = _to_answer(session, dispute_id)
    if EvidenceState(row.evidence_state) is EvidenceState.GATHERING:
        _evidence(session, row, EvidenceState.READY, "nothing was gathered", None, now)
    row.evidence = {**row.evidence, **(changes or {})}
    row.losses_borne_by = losses_borne_by or row.losses_borne_by
    row.approved_by = approved_by
    why = "approved" if approved_by else "its time was running out"
    _evidence(session, row, EvidenceState.APPROVED, why, approved_by, now)
    defer(session, steps.ANSWER_DISPUTE, dispute_id=str(row.id))
    return row


def concede(session: Session, dispute_id: UUID, *, by: UUID, reason: str, now: datetime) -> Dispute:
    """Let the payer have the money: a job tells the processor. `DisputeEnded` as for `approve`."""
    row = _to_answer(session, dispute_id)
    _evidence(session, row, EvidenceState.WAIVED, reason, by, now)
    defer(session, steps.ANSWER_DISPUTE, dispute_id=str(row.id))
    return row


def plan_answer(
    session: Session, dispute_id: UUID, certificates: Sequence[str] = ()
) -> AnswerPlan | None:
    """Return the call that is to be made; None if the dispute has ended or was answered."""
    row = disputes.dispute(session, dispute_id)
    if DisputeState(row.state) is not DisputeState.OPEN:
        return None
    state = EvidenceState(row.evidence_state)
    turn = disputes.times(session, row.id, state)
    if state is EvidenceState.WAIVED:
        return AnswerPlan(turn, row.id, row.processor_dispute, None, {}, {})
    if state is not EvidenceState.APPROVED:
        return None
    stored = [one.object_key for one in disputes.receipts(session, row.payment_id) if one.stored_at]
    found = {CERTIFICATE: certificates, RECEIPT: stored}
    papers = {what: keys[0] for what, keys in found.items() if keys}
    files = dict(row.files)
    return AnswerPlan(turn, row.id, row.processor_dispute, row.evidence, files, papers)


def sent(session: Session, dispute_id: UUID, what: str, name: str) -> None:
    """Note what names a file at the processor that was sent for a dispute."""
    row = disputes.dispute(session, dispute_id, lock=True)
    row.files = {**row.files, what: name}
    session.flush()


def ask_again(session: Session, *, now: datetime, limit: int) -> int:
    """Have open disputes looked at, and answers sent that were lost; return how many."""
    due = disputes.to_look_at(session, now, limit)
    for row in due:
        row.next_look_at = now + steps.LOOK_AGAIN_AT_DISPUTE
        defer(session, steps.LOOK_AT_DISPUTE, processor_dispute=row.processor_dispute)
        waiting = EvidenceState(row.evidence_state)
        if waiting in {EvidenceState.APPROVED, EvidenceState.WAIVED}:
            defer(session, steps.ANSWER_DISPUTE, dispute_id=str(row.id))
        if waiting is EvidenceState.GATHERING:
            defer(session, steps.GATHER_EVIDENCE, dispute_id=str(row.id))
    session.flush()
    return len(due)


def _payment_of(session: Session, seen: ProcessorDispute) -> UUID | None:
    if seen.intent_id is None:
        return None
    payment = queries.payment_by_processor(session, intent_id=seen.intent_id)
    return payment.id if payment else None


def _open(session: Session, payment: Payment, seen: ProcessorDispute, now: datetime) -> Dispute:
    site_id = position(session, payment).site_id
    contract = hosts.contract_on(session, site_id, seen.opened_at.date()) if site_id else None
    row = Dispute(
        processor_dispute=seen.id,
        payment_id=payment.id,
        amount=seen.amount,
        reason=seen.reason,
        status=seen.status,
        state=DisputeState.OPEN,
        opened_at=seen.opened_at,
        due_by=seen.due_by,
        losses_borne_by=contract.losses_borne_by if contract else Bearer.PLATFORM,
        evidence={},
        evidence_state=EvidenceState.GATHERING,
    )
    session.add(row)
    session.flush()
    _log(session, row, SUBJECT_STATE, None, row.state, seen.reason, None, now)
    defer(session, steps.GATHER_EVIDENCE, dispute_id=str(row.id))
    _tell_of_deadline(session, row, payment, now)
    told = _hosts(session, payment)
    notices.notify_all(session, told, OPENED_HOST, _told(row, payment), now=now)
    return row


def _tell_of_deadline(session: Session, row: Dispute, payment: Payment, now: datetime) -> None:
    due = {
        "dispute_id": str(row.id),
        "due_by": (row.due_by or row.opened_at).isoformat(),
        "reason": row.reason,
    }
    operators = people.role_contacts(session, Role.OPERATOR)
    notices.notify_all(session, operators, OPENED, {**_told(row, payment), **due}, now=now)


def _told(row: Dispute, payment: Payment) -> dict[str, object]:
    return {
        "amount": {"amount": row.amount.minor, "currency": row.amount.currency},
        "description": payment.description,
    }


def _decide(
    session: Session, row: Dispute, payment: Payment, after: DisputeState, now: datetime
) -> None:
    """Bring a dispute to its end, or from one end to another, or have it open again."""
    before, anew = DisputeState(row.state), row.state != DisputeState.OPEN
    row.state, row.closed_at = after, now
    if after is DisputeState.OPEN:
        row.closed_at = None
    else:
        row.next_look_at = None
    session.flush()
    _log(session, row, SUBJECT_STATE, before, after, row.status, None, now)
    if before is DisputeState.LOST:
        losses.regain(session, row, payment, now)
    if after is DisputeState.LOST:
        losses.lose(session, row, payment, now)
    data, told = _told(row, payment), _concerned(session, payment)
    if anew:
        notices.notify_all(session, told, ANEW, {**data, "state": after.value}, now=now)
    else:
        won = after is not DisputeState.LOST
        notices.notify_all(session, told, CLOSED, {**data, "won": won}, now=now)


def _answered(session: Session, row: Dispute, now: datetime) -> None:
    row.submitted_at = now
    _evidence(session, row, EvidenceState.SUBMITTED, "the processor has it", None, now)


def _heed(
    session: Session, row: Dispute, payment: Payment, *, asks: bool, anew: bool, now: datetime
) -> None:
    """Have the evidence follow what an open dispute waits for: `asks` for an answer, or not.

    What was answered is answered once more where the bank asks again: an answer to an inquiry does not
    count for the chargeback that comes of it. So is what was conceded, if the dispute was taken up
    `anew`. The evidence is as it was, for a person to change; its files are made and sent anew, since
    they are to say the same. Where no answer is taken, what was approved waits until one is.
    """
    evidence = EvidenceState(row.evidence_state)
    if evidence is EvidenceState.APPROVED and row.status not in ASKS:
        why = "the bank takes no answer now"
    elif asks and (
        evidence is EvidenceState.SUBMITTED or (evidence is EvidenceState.WAIVED and anew)
    ):
        why = "the bank asks again"
    else:
        return
    row.files = {}
    _evidence(session, row, EvidenceState.READY, why, None, now)
    if asks:
        _tell_of_deadline(session, row, payment, now)


def _to_answer(session: Session, dispute_id: UUID) -> Dispute:
    row = disputes.dispute(session, dispute_id, lock=True)
    waits = row.state == DisputeState.OPEN and EvidenceState(row.evidence_state) in UNSENT
    if not waits or row.status not in ASKS:
        raise DisputeEnded(
            extra={"state": row.state, "status": row.status, "evidence_state": row.evidence_state}
        )
    return row


def _evidence(
    session: Session,
    row: Dispute,
    after: EvidenceState,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    before = EvidenceState(row.evidence_state)
    EVIDENCE.check(before, after)
    row.evidence_state = after
    _log(session, row, SUBJECT_EVIDENCE, before, after, reason, actor_id, now)


def _log(
    session: Session,
    row: Dispute,
    subject: str,
    before: str | None,
    after: str,
    reason: str,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    session.add(
        DisputeStep(
            dispute_id=row.id,
            subject=subject,
            before=before,
            after=after,
            reason=reason,
            actor_id=actor_id,
            at=now,
        )
    )
    session.flush()


def _concerned(session: Session, payment: Payment) -> list[people.Contact]:
    return [*people.role_contacts(session, Role.OPERATOR), *_hosts(session, payment)]


def _hosts(session: Session, payment: Payment) -> list[people.Contact]:
    """The owners of the sites that a payment is for now."""
    sites = disputes.sites_of(session, payment, position(session, payment).site_id)
    return [
        contact
        for site in sites
        for contact in people.site_contacts(session, site, Role.SITE_OWNER)
    ]
