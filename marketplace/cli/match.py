"""Outcomes at a terminal: take in a panel of past trainees, freeze a report, export."""

from pathlib import Path
from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.cli.edge import now, readable, transaction
from marketplace.outcomes.service import programs
from marketplace.reporting.service import benchmarks, panel_import, reports


@click.group()
def outcomes() -> None:
    """Match outcomes and their reports."""


@outcomes.command("import-panel")
@click.argument("panel", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=int, required=True, help="The Match year.")
@with_appcontext
@readable
def import_panel(panel: Path, year: int) -> None:
    """Take in PANEL, a CSV with one row a past trainee; all of it or, with an error, nothing."""
    text = panel.read_text(encoding="utf-8-sig")
    with transaction() as session:
        result = panel_import.import_panel(session, text, year, now())
    click.echo(str(result))


@outcomes.command("load-programs")
@click.argument("listed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
@readable
def load_programs(listed: Path) -> None:
    """Take in LISTED, a CSV of residency programs; all of it or, with an error, nothing."""
    lines = listed.read_text(encoding="utf-8-sig").splitlines()
    with transaction() as session:
        click.echo(f"{programs.load(session, lines, now())} programs")


@outcomes.command("load-benchmarks")
@with_appcontext
@readable
def load_benchmarks() -> None:
    """Add the published figures that come with the product and are not there yet."""
    with transaction() as session:
        click.echo(f"{benchmarks.load_shipped(session, now())} new")


@outcomes.command("recompute")
@click.argument("run", type=click.UUID)
@with_appcontext
@readable
def recompute(run: UUID) -> None:
    """Work the frozen report RUN out again from the tables, and compare: inputs and bytes.

    Exit status 1 if anything differs.
    """
    with transaction() as session:
        frozen, again = reports.compare(session, run)
    for name, kept, found in (
        ("inputs", frozen.inputs_sha256, again.inputs_sha256),
        ("report", frozen.result_sha256, again.sha256),
    ):
        if kept != found:
            raise click.ClickException(
                f"the {name} differ: frozen {kept.hex() if kept else 'not'}, now {found.hex()}"
            )
        click.echo(f"{name} {found.hex()}: the same")
