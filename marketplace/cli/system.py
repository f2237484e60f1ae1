"""Commands that keep the service running: worker, jobs, clock, checks."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text

from marketplace.adapters.worker import build_worker_app, run_worker
from marketplace.app import worker_context
from marketplace.booking.service import checks
from marketplace.cli import histories
from marketplace.cli.edge import now, parts, readable, table, transaction
from marketplace.core.clock import Clock, OffsetClock
from marketplace.core.settings import Settings
from marketplace.payments import queries as ledger

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command("worker")
@click.option("--concurrency", default=4, show_default=True, help="Jobs at the same time.")
@with_appcontext
def worker(concurrency: int) -> None:
    """Run background jobs until told to stop; what runs then is finished first."""
    job, tasks = worker_context(current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001 - flask's own way to the application behind the proxy
    url = parts().get(Settings).database_url.replace("+psycopg", "", 1)
    run_worker(build_worker_app(tasks, job, url), concurrency=concurrency)


@click.group()
def jobs() -> None:
    """Background jobs."""


@jobs.command("list")
@click.option("--state", default="failed", show_default=True, help="todo, doing or failed.")
@with_appcontext
def list_jobs(state: str) -> None:
    """List jobs in a state, newest first, 50 at most."""
    with transaction() as session:
        rows = session.execute(
            text(
                "SELECT id, task_name, attempts, args::text AS args, scheduled_at"
                " FROM procrastinate_jobs WHERE status::text = :state ORDER BY id DESC LIMIT 50"
            ),
            {"state": state},
        ).all()
    table(["id", "task", "tries", "arguments", "not before"], [list(row) for row in rows])


@jobs.command("run")
@click.argument("name")
@click.argument("arguments", default="{}")
@with_appcontext
@readable
def run_job(name: str, arguments: str) -> None:
    """Run the task NAME now, in this process, with ARGUMENTS as JSON."""
    job, tasks = worker_context(current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001 - as above
    known = {task.name: task for task in tasks}
    if name not in known:
        raise click.BadParameter(f"no such task; there are: {', '.join(sorted(known))}")
    known[name].run(job, **json.loads(arguments))


@jobs.command("retry")
@click.argument("job_id", type=int)
@with_appcontext
def retry_job(job_id: int) -> None:
    """Put a failed job back into the queue."""
    with transaction() as session:
        session.execute(
            text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": job_id}
        )


@click.group()
def clock() -> None:
    """Domain time; it can be moved only where CLOCK_FILE is set, never in production."""


@clock.command("show")
@with_appcontext
def show_clock() -> None:
    """Print the domain time in UTC."""
    click.echo(now().isoformat())


@clock.command("advance")
@click.argument("by")
@with_appcontext
def advance_clock(by: str) -> None:
    """Move the clock BY an amount such as 90m, 36h, 10d or 4w (a minus sign moves it back)."""
    match = re.fullmatch(r"(-?\d+)([smhdw])", by)
    if match is None:
        raise click.BadParameter("expected a whole number and one of s, m, h, d, w, such as 36h")
    _move(timedelta(**{UNITS[match[2]]: int(match[1])}))


@clock.command("set")
@click.argument("at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]))
@with_appcontext
def set_clock(at: datetime) -> None:
    """Move the clock to AT, a date or a time in UTC such as 2027-03-01T15:00."""
    _move(at.replace(tzinfo=UTC) - now())


def _move(by: timedelta) -> None:
    part = parts().get(Clock)
    if not isinstance(part, OffsetClock):
        raise click.ClickException("the clock can't be moved here: CLOCK_FILE is not set")
    part.advance(by)
    click.echo(part.now().isoformat())


@click.group("check", invoke_without_command=True)
@click.pass_context
def check(ctx: click.Context) -> None:
    """Look for what must never be: seats, holds or balances that do not add up.

    Prints one line a finding; the exit status is 1 if there is any.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(_look)


@with_appcontext
def _look() -> None:
    with transaction() as session:
        findings = [f"{found.code}: {found.text}" for found in checks.check(session, now())]
        findings += [f"ledger: {fault}" for fault in ledger.wrong_totals(session)]
        findings += [f"credit: {fault}" for fault in ledger.wrong_credit(session)]
    for line in findings:
        click.echo(line)
    click.echo("nothing is wrong" if not findings else f"{len(findings)} finding(s)", err=True)
    sys.exit(1 if findings else 0)


check.add_command(histories.bookings)
check.add_command(histories.states)
