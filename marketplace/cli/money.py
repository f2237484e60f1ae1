"""Money at a terminal: reconcile with the processor, read the books."""

import sys
from datetime import datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from marketplace.app import job_context
from marketplace.cli.edge import readable, table, transaction
from marketplace.payments import queries, tasks


@click.group()
def payments() -> None:
    """Payments and the ledger."""


@payments.command("reconcile")
@click.option("--since", type=click.DateTime(), help="UTC; default: the last run's beginning.")
@with_appcontext
@readable
def reconcile(since: datetime | None) -> None:
    """Compare the books with the processor; exit status 1 if anything does not match."""
    context = job_context(current_app._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001 - flask's own way to the application behind the proxy
    tasks.run_reconciliation(context, since.isoformat() if since else None)
    with transaction() as session:
        run = queries.last_reconciliation(session)
        if run is None:
            raise click.ClickException("the run left no record")
        click.echo(
            f"since {run.since:%Y-%m-%d %H:%M} UTC: {run.events} events ({run.missed_events} had"
            f" never arrived), {run.balance_transactions} balance transactions, {run.posted} posted"
        )
        mismatches = list(run.mismatches)
    if mismatches:
        table(
            ["kind", "subject", "detail"],
            [[found["kind"], found["subject"], found["detail"]] for found in mismatches],
        )
    click.echo(f"{len(mismatches)} mismatch(es)")
    sys.exit(1 if mismatches else 0)


@payments.command("trial-balance")
@with_appcontext
def trial_balance() -> None:
    """Print every account's debits, credits and balance; each currency sums to zero."""
    with transaction() as session:
        rows = queries.trial_balance(session)
    table(
        ["account", "owner", "debits", "credits", "balance"],
        [[row.kind, row.owner_id, row.debits, row.credits, row.balance] for row in rows],
    )
