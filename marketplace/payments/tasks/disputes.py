"""Jobs of disputes: looked at, evidence gathered, answered by a person or before time runs out."""

from contextlib import suppress
from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.settings import Settings
from marketplace.payments.errors import DisputeEnded
from marketplace.payments.gateway import (
    DisputeGateway,
    EvidenceSource,
    GatewayMissing,
    GatewayRefused,
    PaymentGateway,
)
from marketplace.payments.queries import disputes as found
from marketplace.payments.service import disputes, steps
from marketplace.payments.service.quarantine import put_aside

BATCH = 100
CALLS = RetryPolicy(attempts=10, first=2, longest=300)


def dispute_stands(job: JobContext, processor_dispute: str) -> str:
    """Ask how a dispute stands, and take it in."""
    try:
        seen = job.parts.get(DisputeGateway).retrieve_dispute(processor_dispute)
    except GatewayMissing:
        return "unknown at the processor"
    with job.transaction() as session:
        return disputes.take(session, seen, now=job.clock.now())


def look_at_dispute(job: JobContext, processor_dispute: str) -> None:
    """Ask how a dispute stands, where no event is waited for."""
    dispute_stands(job, processor_dispute)


def gather_evidence(job: JobContext, dispute_id: str) -> None:
    """Gather what speaks for the payment, for a person to look at."""
    source = job.parts.get(EvidenceSource)
    with job.transaction() as session:
        payables = disputes.payables_of(session, UUID(dispute_id))
        texts = dict(source.evidence(session, payables))
        receipts = disputes.receipts_text(session, UUID(dispute_id))
        if receipts:
            texts["receipts"] = receipts
        disputes.gathered(session, UUID(dispute_id), texts, now=job.clock.now())


def answer_dispute(job: JobContext, dispute_id: str) -> None:
    """Send the evidence, or concede; what the processor has already is not sent again."""
    gateway = job.parts.get(DisputeGateway)
    with job.transaction() as session:
        plan = disputes.plan_answer(session, UUID(dispute_id))
    if plan is None:
        return
    seen = gateway.retrieve_dispute(plan.processor_dispute)
    answered = seen.submitted > 0 if plan.evidence is not None else seen.status in disputes.ENDS
    if not answered:
        try:
            if plan.evidence is None:
                seen = gateway.concede(plan.key, plan.processor_dispute)
            else:
                seen = gateway.submit_evidence(plan.key, plan.processor_dispute, plan.evidence)
        except GatewayRefused as error:
            with job.transaction() as session:
                put_aside(
                    session,
                    processor_object=plan.processor_dispute,
                    reason="evidence_refused",
                    details={"dispute": dispute_id, "why": str(error)},
                    now=job.clock.now(),
                )
            return
    with job.transaction() as session:
        disputes.take(session, seen, now=job.clock.now())


def answer_due(job: JobContext) -> None:
    """Have evidence sent that nobody has looked at, before its time is over."""
    lead = job.parts.get(Settings).evidence_lead
    processor_now = job.parts.get(PaymentGateway).now()
    with job.transaction() as session:
        due = found.to_answer(session, processor_now + lead, BATCH)
    for dispute_id in due:
        with suppress(DisputeEnded), job.transaction() as session:
            disputes.approve(session, dispute_id, approved_by=None, now=job.clock.now())


def poll(job: JobContext) -> None:
    """Have open disputes looked at."""
    with job.transaction() as session:
        disputes.ask_again(session, now=job.clock.now(), limit=BATCH)


TASKS = (
    Task(steps.LOOK_AT_DISPUTE, look_at_dispute, retry=CALLS),
    Task(steps.GATHER_EVIDENCE, gather_evidence, retry=CALLS),
    Task(steps.ANSWER_DISPUTE, answer_dispute, retry=CALLS),
    Task("payments.answer_due_disputes", answer_due, cron="37 * * * *"),
    Task("payments.poll_disputes", poll, cron="*/5 * * * *"),
)
