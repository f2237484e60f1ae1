"""Jobs of disputes: looked at, evidence gathered, answered by a person or before time runs out."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from uuid import UUID

import structlog

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.payments.errors import DisputeEnded
from marketplace.payments.gateway import (
    MESSAGES,
    ROSTER,
    DisputeGateway,
    EvidencePapers,
    EvidenceSource,
    GatewayMissing,
    GatewayRefused,
    PaymentGateway,
)
from marketplace.payments.queries import disputes as found
from marketplace.payments.service import disputes, steps
from marketplace.payments.service.quarantine import put_aside

BATCH = 100
# What the processor takes of one answer, with room to spare.
MOST_BYTES = 4_000_000
AS_PAPER = {
    ROSTER: ("attendance", "Attendance as it was marked"),
    MESSAGES: ("messages", "Messages between trainee and host"),
}
FACTS = {"customer_name": "Trainee", "product": "Booked", "service_dates": "Dates"}
log = structlog.get_logger(__name__)
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
        payables = disputes.payables_of(session, UUID(dispute_id))
        certificates = job.parts.get(EvidencePapers).certificates(session, payables)
        plan = disputes.plan_answer(session, UUID(dispute_id), certificates)
    if plan is None:
        return
    seen = gateway.retrieve_dispute(plan.processor_dispute)
    conceding = plan.evidence is None
    wanted = seen.status not in disputes.ENDS if conceding else seen.status in disputes.ASKS
    if wanted:
        try:
            if plan.evidence is None:
                seen = gateway.concede(plan.key("concede"), plan.processor_dispute)
            else:
                files = _send_files(job, plan, plan.evidence)
                seen = gateway.submit_evidence(
                    plan.key("evidence"), plan.processor_dispute, plan.evidence, files
                )
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


def _send_files(
    job: JobContext, plan: disputes.AnswerPlan, evidence: Mapping[str, str]
) -> dict[str, str]:
    """Send what can be read as a file, each once; one that is refused is left out."""
    gateway, known, size = job.parts.get(DisputeGateway), dict(plan.files), 0
    for what, content in _files(job, plan, evidence):
        size += len(content)
        if what in known or size > MOST_BYTES:
            continue
        key, name = plan.key("evidence-file", what), f"{what}.pdf"
        try:
            known[what] = gateway.send_file(key, name=name, content=content)
        except GatewayRefused as error:
            log.warning(
                "evidence_file_refused", dispute=str(plan.dispute_id), file=what, why=str(error)
            )
            continue
        with job.transaction() as session:
            disputes.sent(session, plan.dispute_id, what, known[what])
    return known


def _files(
    job: JobContext, plan: disputes.AnswerPlan, evidence: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    """Yield papers that are there, and the texts of the evidence that a bank reads best as one."""
    store, renderer = job.parts.get(ObjectStore), job.parts.get(PdfRenderer)
    for what, key in plan.papers.items():
        if store.exists(key):
            yield what, store.get(key)
    for what, (part, title) in AS_PAPER.items():
        if evidence.get(part):
            facts = [["Dispute", plan.processor_dispute]]
            facts += [[name, evidence[p]] for p, name in FACTS.items() if evidence.get(p)]
            data = {"title": title, "facts": facts, "lines": evidence[part].splitlines()}
            yield what, renderer.render("evidence", data)


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
