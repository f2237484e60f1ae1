"""Jobs of reporting: what needs the numeric libraries, or takes long, runs here."""

from uuid import UUID

from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.reporting.service import exports, reports


def freeze_report(job: JobContext, run_id: str) -> None:
    """Work out a report that was asked for."""
    with job.transaction() as session:
        inputs = reports.inputs_of(session, UUID(run_id))
    try:
        computed = reports.compute(inputs)
    except Exception as error:
        with job.transaction() as session:
            reports.note_failure(session, UUID(run_id), type(error).__name__)
        raise
    with job.transaction() as session:
        reports.fill(session, UUID(run_id), computed, job.clock.now())


def build_export(job: JobContext, export_id: str) -> None:
    """Build an export that was asked for."""
    exports.build(job, UUID(export_id))


TASKS = (
    Task(reports.FREEZE, freeze_report, retry=RetryPolicy(attempts=4), queue="reports"),
    Task(exports.BUILD, build_export, retry=RetryPolicy(attempts=4), queue="reports"),
)
