"""Jobs of reporting: what needs the numeric libraries, or takes long, runs here."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.settings import Settings
from marketplace.reporting.service import (
    deliveries,
    export_build,
    exports,
    letter_rates,
    looks,
    reports,
)
from marketplace.reporting.service.reports import Computed, Inputs


class Asked(Protocol):
    """Where what was asked for is kept: its inputs, and what came of it."""

    def inputs_of(self, session: Session, row_id: UUID, /) -> Inputs: ...
    def note_failure(self, session: Session, row_id: UUID, failure: str, /) -> None: ...
    def fill(
        self, session: Session, row_id: UUID, computed: Computed, now: datetime, /
    ) -> object: ...


def freeze_report(job: JobContext, run_id: str) -> None:
    """Work out a report that was asked for."""
    _work_out(job, reports, UUID(run_id))


def look_at_report(job: JobContext, look_id: str) -> None:
    """Work out what a public report would hide."""
    _work_out(job, looks, UUID(look_id))


def _work_out(job: JobContext, of: Asked, row_id: UUID) -> None:
    """Compute what was asked for while no transaction is open; a failure is told, and tried again."""
    with job.transaction() as session:
        inputs = of.inputs_of(session, row_id)
    try:
        computed = reports.compute(inputs)
    except Exception as error:
        with job.transaction() as session:
            of.note_failure(session, row_id, type(error).__name__)
        raise
    with job.transaction() as session:
        of.fill(session, row_id, computed, job.clock.now())


def build_export(job: JobContext, export_id: str) -> None:
    """Build an export that was asked for."""
    export_build.build(job, UUID(export_id))


def start_deliveries(job: JobContext) -> None:
    """Ask for the exports whose time has come."""
    deliveries.start_due(job)


def deliver_export(job: JobContext, delivery_id: str) -> None:
    """Copy an export to where its schedule sends it."""
    deliveries.send(job, UUID(delivery_id))


def publish_letter_rates(job: JobContext) -> None:
    """Publish the letter rates of listings, those that give no small count away."""
    k = job.parts.get(Settings).smallest_published_cell
    with job.transaction() as session:
        letter_rates.publish(session, k, job.clock.now())


def forget_looks(job: JobContext) -> None:
    """Delete old looks at what a report would hide: each has a whole report, and nobody reads it."""
    with job.transaction() as session:
        looks.forget(session, job.clock.now())


# What an outage of the other side's store may take: tried for about seven hours.
SENDING = RetryPolicy(attempts=10, first=60, longest=7200)
TASKS = (
    Task(reports.FREEZE, freeze_report, retry=RetryPolicy(attempts=4), queue="reports"),
    Task(looks.LOOK, look_at_report, retry=RetryPolicy(attempts=4), queue="reports"),
    Task(exports.BUILD, build_export, retry=RetryPolicy(attempts=4), queue="reports"),
    Task(deliveries.START, start_deliveries, cron="* * * * *"),
    Task("reporting.publish_letter_rates", publish_letter_rates, cron="41 5 * * 1"),
    Task("reporting.forget_looks", forget_looks, cron="29 4 * * *"),
    Task(deliveries.SEND, deliver_export, retry=SENDING, queue="reports"),
)
