"""The job of a credit note: numbered once, set, stored, mailed."""

from uuid import UUID

from marketplace.core.jobs import JobContext, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.payments.service import credit_notes, steps


def issue(job: JobContext, refund_id: str | None = None, invoice_id: str | None = None) -> None:
    """Issue the note of a refund, or of an invoice that is void."""
    now = job.clock.now()
    with job.transaction() as session:
        if refund_id is not None:
            entity = job.parts.get(Settings).legal_entity
            note = credit_notes.for_refund(session, UUID(refund_id), legal_entity=entity, now=now)
        elif invoice_id is not None:
            note = credit_notes.for_void(session, UUID(invoice_id), now=now)
        else:
            raise ValueError("a credit note is of a refund or of an invoice")
        if note.stored_at is not None:
            return
        note_id, key, content = note.id, note.object_key, note.content
    pdf = job.parts.get(PdfRenderer).render(credit_notes.TEMPLATE, content)
    job.parts.get(ObjectStore).put(key, pdf)
    with job.transaction() as session:
        credit_notes.stored(session, note_id, now=job.clock.now())


TASKS = (Task(steps.ISSUE_CREDIT_NOTE, issue),)
