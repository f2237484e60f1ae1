"""Outcomes at a terminal: take in a panel of past trainees, freeze a report, export."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace.cli.edge import now, readable, transaction
from marketplace.reporting.service import benchmarks, panel_import


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


@outcomes.command("load-benchmarks")
@with_appcontext
@readable
def load_benchmarks() -> None:
    """Add the published figures that come with the product and are not there yet."""
    with transaction() as session:
        click.echo(f"{benchmarks.load_shipped(session, now())} new")
