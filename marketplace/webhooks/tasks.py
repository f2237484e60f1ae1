"""Jobs of webhooks: what is due goes out, what is old goes away."""

from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.webhooks.service import replaying, sending

SEND_DUE = "webhooks.send_due"
PRUNE = "webhooks.prune"


def send(job: JobContext, endpoint_id: str) -> None:
    """Send what is due to an endpoint."""
    sending.send_due(job, UUID(endpoint_id))


def send_due(job: JobContext) -> None:
    """Ask for every endpoint that has something due: retries, and what a killed process left."""
    with job.transaction() as session:
        sending.ask_all(session, job.clock.now())


def prune(job: JobContext) -> None:
    """Delete what is older than 30 days, some thousands at a time."""
    pruned = 1
    while pruned:
        with job.transaction() as session:
            pruned = replaying.prune(session, job.clock.now())


TASKS = (
    # What fails here is not lost: the next minute asks again.
    Task(sending.SEND, send, retry=RetryPolicy(attempts=1)),
    Task(SEND_DUE, send_due, cron="* * * * *", retry=RetryPolicy(attempts=1)),
    Task(PRUNE, prune, cron="17 4 * * *"),
)
