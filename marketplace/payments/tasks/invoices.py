"""Jobs of invoices: printed once, looked at each day."""

from uuid import UUID

from marketplace.core.jobs import JobContext, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.payments.queries import invoices as queries
from marketplace.payments.service import invoicing

TEMPLATE = "invoice"
MOST_BATCHES = 100


def print_invoice(job: JobContext, invoice_id: str) -> None:
    """Set an invoice, store it, mail it to the school."""
    wanted = UUID(invoice_id)
    with job.transaction() as session:
        found = queries.find(session, wanted)
        if found.object_key is not None:
            return
        bank = job.parts.get(Settings).bank_details
        content = {**found.content, **({"bank": bank} if bank else {})}
    key = f"invoices/{wanted}/invoice-{content['number']}.pdf"
    job.parts.get(ObjectStore).put(key, job.parts.get(PdfRenderer).render(TEMPLATE, content))
    with job.transaction() as session:
        invoicing.stored(session, wanted, key, job.clock.now())


def mark_overdue(job: JobContext) -> None:
    """Mark what was not paid by its day."""
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            if invoicing.mark_overdue(session, job.clock.now()) < invoicing.BATCH:
                return


TASKS = (
    Task(invoicing.PRINT, print_invoice),
    Task("payments.mark_overdue", mark_overdue, cron="17 12 * * *"),
)
