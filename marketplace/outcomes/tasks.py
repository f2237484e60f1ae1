"""Jobs of outcomes."""

from uuid import UUID

from marketplace.core.jobs import JobContext, Task
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.service import campaigns


def send_wave(job: JobContext, campaign_id: str, wave: int) -> None:
    """Send a wave of a survey, some members a transaction; who has it does not get it twice."""
    signer = job.parts.get(LinkSigner)
    sent = campaigns.BATCH
    while sent == campaigns.BATCH:
        with job.transaction() as session:
            sent = campaigns.invite(
                session, UUID(campaign_id), wave=wave, signer=signer, now=job.clock.now()
            )


TASKS = (Task(campaigns.SEND_WAVE, send_wave),)
