"""Jobs of outcomes."""

from uuid import UUID

from marketplace.core.jobs import JobContext, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.outcomes.gateway import CredentialSigner, LinkSigner
from marketplace.outcomes.service import campaigns
from marketplace.outcomes.service.papers import files, issuing


def send_wave(job: JobContext, campaign_id: str, wave: int) -> None:
    """Send a wave of a survey, some members a transaction; who has it does not get it twice."""
    signer = job.parts.get(LinkSigner)
    sent = campaigns.BATCH
    while sent == campaigns.BATCH:
        with job.transaction() as session:
            sent = campaigns.invite(
                session, UUID(campaign_id), wave=wave, signer=signer, now=job.clock.now()
            )


def issue_papers(job: JobContext, booking_id: str) -> None:
    """Issue the papers that a booking gets by itself, and anew those that are no longer right."""
    with job.transaction() as session:
        issuing.issue_due(session, UUID(booking_id), job.clock.now())


def render_paper(job: JobContext, paper_id: str) -> None:
    """Set a paper, store it, sign its credential, tell whose it is."""
    with job.transaction() as session:
        printed = files.to_print(session, UUID(paper_id))
    if printed is None:
        return
    pdf = job.parts.get(PdfRenderer).render(printed.template, printed.data)
    job.parts.get(ObjectStore).put(printed.key, pdf)
    signer, settings = job.parts.get(CredentialSigner), job.parts.get(Settings)
    with job.transaction() as session:
        files.stored(session, UUID(paper_id), signer, settings, job.clock.now())


TASKS = (
    Task(campaigns.SEND_WAVE, send_wave),
    Task(issuing.ISSUE_DUE, issue_papers),
    Task(issuing.RENDER, render_paper),
)
