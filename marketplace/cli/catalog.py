"""Listings at a terminal: import a host's spreadsheet, ask for publication."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.service import importing, publishing
from marketplace.catalog.service.planning import ImportPlan
from marketplace.cli.accounts import find
from marketplace.cli.edge import now, parts, readable, table, transaction

LARGEST_SHEET = 64 * 1024 * 1024


@click.group()
def listings() -> None:
    """Listings of rotations."""


@listings.command("import")
@click.argument("sheet", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site-owner", required=True, help="E-mail address of the sites' owner.")
@click.option("--commit", is_flag=True, help="Do it; without this nothing is changed.")
@click.option("--publish", is_flag=True, help="With --commit, ask for publication of all drafts.")
@with_appcontext
@readable
def import_sheet(sheet: Path, site_owner: str, commit: bool, publish: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Import the listings of SHEET (CSV): what would be created, changed and refused, cell by cell.

    A dry run unless --commit is given. Rows are taken one by one: a refused row stops no other.
    The exit status is 1 if the file can't be read, else 0; refused rows are counted and shown.
    """
    if sheet.stat().st_size > LARGEST_SHEET:
        raise click.ClickException(f"{sheet} is larger than {LARGEST_SHEET >> 20} MiB")
    with transaction() as session:
        owner = find(session, site_owner)
        holders = parts().get(SeatHolders)
        plan = importing.import_listings(
            session, sheet.read_bytes(), owner, commit, now(), holders=holders
        )
        asked = publishing.request_all(session, owner, owner, now()) if commit and publish else []
    if plan.fault is not None:
        click.echo(f"{sheet}: expected {plan.fault.expected}", err=True)
        sys.exit(1)
    show(plan)
    for answer in asked:
        click.echo(
            f"{answer.external_id}: {answer.state}" + (f" ({answer.why})" if answer.why else "")
        )


@listings.command("publish")
@click.option("--site-owner", required=True, help="E-mail address of the sites' owner.")
@with_appcontext
@readable
def publish_all(site_owner: str) -> None:
    """Ask for publication of all drafts of an owner; those with conflicts wait for an operator."""
    with transaction() as session:
        owner = find(session, site_owner)
        answers = publishing.request_all(session, owner, owner, now())
    table(["listing", "state", "why"], [[a.external_id, a.state, a.why] for a in answers])


def show(plan: ImportPlan) -> None:
    """Print the plan as a table and its counts as one line."""
    lines = plan.as_table()
    table(
        ["row", "listing", "action", "column", "value", "remark"],
        [
            [line[key] for key in ("row", "external_id", "action", "column", "value", "message")]
            for line in lines
        ],
    )
    click.echo(", ".join(f"{count} {action}" for action, count in plan.counts.items() if count))
    if not plan.committed:
        click.echo("A dry run: nothing was changed. Add --commit to do it.")
