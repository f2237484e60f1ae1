"""Listings at a terminal: import a host's spreadsheet, ask for publication."""

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.rules.faults import SMALL
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.service import (
    exporting,
    import_runs,
    importing,
    publishing,
    seat_sheets,
    taking_back,
)
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.exporting import Whose
from marketplace.catalog.service.planning import REFUSED, ImportPlan
from marketplace.catalog.states import ImportMode, SheetKind
from marketplace.cli import Later, sheets
from marketplace.cli.edge import now, parts, readable, table, transaction
from marketplace.cli.people import find
from marketplace.core.db import Session


@click.group()
def listings() -> None:
    """Listings of rotations."""


listings.add_command(
    Later("stays", "stays:stays", "Limits of stays in a country, by which itineraries are judged.")
)


@listings.command("import")
@click.argument("sheet", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site-owner", required=True, help="E-mail address of the sites' owner.")
@click.option("--commit", is_flag=True, help="Do it; without this nothing is changed.")
@click.option("--publish", is_flag=True, help="With --commit, ask for publication of all drafts.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in ImportMode]),
    default=ImportMode.ROWS.value,
    show_default=True,
    help="Leave refused rows out, or take the file whole or not at all.",
)
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a workbook of what to mend here, to send back to the host.",
)
@click.option("--job", is_flag=True, help="Have a worker do it; this shows how far it is.")
@click.option("--calendar", is_flag=True, help="SHEET holds seats by week, instead of listings.")
@with_appcontext
@readable
def import_sheet(
    sheet: Path,
    site_owner: str,
    commit: bool,  # noqa: FBT001 - click calls by keyword
    publish: bool,  # noqa: FBT001 - click calls by keyword
    mode: str,
    errors: Path | None,
    job: bool,  # noqa: FBT001 - click calls by keyword
    calendar: bool,  # noqa: FBT001 - click calls by keyword
) -> None:
    """Import the listings, or with --calendar the seats by week, of SHEET (CSV or XLSX).

    Tells what would be created, changed and refused.

    A dry run unless --commit is given. Rows are taken one by one, or all or none with --mode file.
    Up to 4 MiB each cell's remark is printed; a larger sheet, or one with --job, is imported in
    batches with a progress bar. The exit status is 1 if the file can't be read or taken whole,
    else 0; refused rows are counted and shown.
    """
    with transaction() as session:
        owner = find(session, site_owner)
    how = ImportMode(mode)
    what = SheetKind.CALENDAR if calendar else SheetKind.LISTINGS
    if job or sheet.stat().st_size > SMALL.content:
        run = sheets.bring_in(sheet, owner, what, mode=how, commit=commit, elsewhere=job)
        saved = errors is not None and sheets.save_errors_of_run(run, errors)
        _tell_errors(errors, written=saved)
        sheets.show_run(run)
    else:
        _import_small(sheet, owner, what, how, errors, commit=commit)
    if commit and publish:
        with transaction() as session:
            asked = publishing.request_all(session, owner, owner, now())
        for answer in asked:
            why = f" ({answer.why})" if answer.why else ""
            click.echo(f"{answer.external_id}: {answer.state}{why}")


def _import_small(
    sheet: Path,
    owner: UUID,
    what: SheetKind,
    mode: ImportMode,
    errors: Path | None,
    *,
    commit: bool,
) -> None:
    content = sheet.read_bytes()
    with transaction() as session:
        plan = _small_plan(session, sheet, content, owner, what, commit=False)
        if plan.fault is not None:
            click.echo(f"{sheet}: expected {plan.fault.expected}", err=True)
            sys.exit(1)
        whole = mode is ImportMode.ROWS or not plan.counts[REFUSED]
        if commit and whole:
            plan = _small_plan(session, sheet, content, owner, what, commit=True)
    show(plan)
    written = errors is not None and sheets.save_errors(sheet, what, plan, errors)
    _tell_errors(errors, written=written)
    if commit and not whole:
        raise click.ClickException("rows are refused, so nothing of the file was taken")


def _small_plan(
    session: Session, sheet: Path, content: bytes, owner: UUID, what: SheetKind, *, commit: bool
) -> ImportPlan:
    given: dict[str, Any] = {"holders": parts().get(SeatHolders), "name": sheet.name}
    if what is SheetKind.LISTINGS:
        return importing.import_listings(session, content, owner, commit, now(), **given)
    whose, author = Whose(owner_account_id=owner), Author(owner, now())
    return seat_sheets.import_seats(session, content, whose, commit=commit, author=author, **given)


def _tell_errors(errors: Path | None, *, written: bool) -> None:
    if errors is not None:
        said = f"what to mend is in {errors}" if written else "nothing to mend"
        click.echo(said, err=True)


@listings.command("export")
@click.argument("to", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--site-owner", required=True, help="E-mail address of the sites' owner.")
@click.option("--calendar", is_flag=True, help="The seats by week, instead of the listings.")
@with_appcontext
@readable
def export(to: Path, site_owner: str, calendar: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Write an owner's listings to TO, a file that ends in .csv or .xlsx.

    Imported again as it is, it changes nothing. Retired listings are left out.
    """
    if to.suffix.lower() not in (".csv", ".xlsx"):
        raise click.ClickException("name a file that ends in .csv or .xlsx")
    form = Format(to.suffix.lower().removeprefix("."))
    with transaction() as session, to.open("w+b") as file:
        whose = Whose(owner_account_id=find(session, site_owner))
        if calendar:
            since = monday_of(now().date())
            count = exporting.write_calendars(session, file, whose, form, since)
        else:
            count = exporting.write_listings(session, file, whose, form)
    click.echo(f"{count} rows in {to}")


@listings.command("cancel-import")
@click.argument("import_id", type=click.UUID)
@with_appcontext
@readable
def cancel_import(import_id: UUID) -> None:
    """Stop the import IMPORT_ID; rows that are written by then stay."""
    with transaction() as session:
        run = import_runs.cancel(session, import_id, now())
        click.echo(f"{run.state} after {run.position} rows")


@listings.command("take-back-import")
@click.argument("import_id", type=click.UUID)
@click.option("--by", required=True, help="E-mail address of whoever takes it back.")
@click.option("--commit", is_flag=True, help="Do it; without this nothing is changed.")
@with_appcontext
@readable
def take_back_import(import_id: UUID, by: str, commit: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Take away the drafts that the import IMPORT_ID made and that nobody has touched since.

    They are retired, and their ids are free for another sheet. What somebody has published or
    changed stays, and is named. A dry run unless --commit is given.
    """
    with transaction() as session:
        who = find(session, by)
        found = taking_back.take_back(session, import_id, who, now(), commit=commit)
    table(
        ["listing", "state", "changed since"],
        [[one.external_id, one.state, one.why] for one in found.kept],
    )
    verb = "taken back" if commit else "would be taken back"
    click.echo(f"{found.listings} {verb}, {found.kept_in_all} kept")


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
