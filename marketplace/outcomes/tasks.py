"""Jobs of outcomes."""

from datetime import timedelta
from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.scanning import VirusScanner
from marketplace.core.settings import Settings
from marketplace.outcomes.gateway import CredentialSigner, LinkSigner
from marketplace.outcomes.queries import letters
from marketplace.outcomes.service import campaigns, letter_authors, letter_files
from marketplace.outcomes.service.papers import files, issuing

SCANNING = RetryPolicy(attempts=10, first=5, longest=900)
TIME_TO_SCAN = timedelta(minutes=10)
MOST_SCANS = 200
MOST_BATCHES = 1000


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


def scan_letter(job: JobContext, content_id: str) -> None:
    """Have a letter looked at for viruses that was taken in while the scanner was away."""
    letter_files.scan(job, UUID(content_id))


def forget_letter_files(job: JobContext, letter_id: str) -> None:
    """Delete what an author has uploaded before the letter that was confirmed."""
    letter_files.forget(job, UUID(letter_id))


def scan_letters(job: JobContext) -> None:
    """Look at letters that the scanner has missed: it was away, or was set after the upload."""
    if not job.parts.get(VirusScanner).present:
        return
    with job.transaction() as session:
        found = letters.contents_to_scan(session, job.clock.now() - TIME_TO_SCAN, MOST_SCANS)
    for content_id in found:
        letter_files.scan(job, content_id)


def remind_authors(job: JobContext) -> None:
    """Remind authors of letters that are awaited; hourly, for it is day in one zone or another."""
    signer, after = job.parts.get(LinkSigner), None
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            _, after = letter_authors.remind_due(session, signer, job.clock.now(), after)
        if after is None:
            return


TASKS = (
    Task(campaigns.SEND_WAVE, send_wave),
    Task(issuing.ISSUE_DUE, issue_papers),
    Task(issuing.RENDER, render_paper),
    Task(letter_files.SCAN, scan_letter, retry=SCANNING),
    Task(letter_files.FORGET, forget_letter_files),
    Task("outcomes.scan_letters", scan_letters, cron="*/10 * * * *"),
    Task("outcomes.remind_authors", remind_authors, cron="37 * * * *"),
)
