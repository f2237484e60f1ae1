"""Outcomes at a terminal: take in a panel of past trainees, freeze a report, export."""

import mailbox
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.cli.edge import now, readable, transaction
from marketplace.cli.people import find
from marketplace.identity.service import bounces
from marketplace.outcomes.service import programs
from marketplace.outcomes.service.corrections import Action
from marketplace.reporting.service import benchmarks, outcome_corrections, panel_import, reports


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
    text = _text(panel)
    with transaction() as session:
        result = panel_import.import_panel(session, text, year, now())
    click.echo(str(result))


@outcomes.command("load-programs")
@click.argument("listed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
@readable
def load_programs(listed: Path) -> None:
    """Take in LISTED, a CSV of residency programs; all of it or, with an error, nothing."""
    lines = _text(listed).splitlines()
    with transaction() as session:
        count = programs.load(session, lines, now())
        click.echo("1 program" if count == 1 else f"{count} programs")


@outcomes.command("correct")
@click.argument("listed", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", "email", required=True, help="E-mail address of who answers for it.")
@click.option("--commit", is_flag=True, help="Record them; without this nothing is changed.")
@with_appcontext
@readable
def correct(listed: Path, email: str, commit: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Correct Match outcomes by LISTED, a CSV of corrections; with one refused none is recorded.

    A dry run unless --commit is given. Exit status 1 if a row is refused.
    """
    text = _text(listed)
    with transaction() as session:
        by = find(session, email)
        done = outcome_corrections.take_in(session, text, actor_id=by, commit=commit, now=now())
    for line in done.lines:
        click.echo(f"row {line.row}: {line.event_id} {line.action.value} {line.problem}".rstrip())
    click.echo("recorded" if done.committed else "nothing was recorded")
    if any(line.action is Action.REFUSED for line in done.lines):
        sys.exit(1)


@outcomes.command("take-bounces")
@click.argument("mails", type=click.Path(exists=True, path_type=Path))
@with_appcontext
@readable
def take_bounces(mails: Path) -> None:
    """Take in MAILS, a Maildir, an mbox file or one mail: invitations that came back.

    Delivery status notifications (RFC 3464) end the waves of a survey for who can't be reached.
    Nothing is removed; what was taken in before changes nothing.
    """
    counts: Counter[str] = Counter()
    for content in _mails(mails):
        with transaction() as session:
            counts[bounces.take_in(session, content, now()).value] += 1
    for outcome in bounces.Outcome:
        click.echo(f"{outcome.value} {counts[outcome.value]}")


def _text(path: Path) -> str:
    """What a CSV says; a spreadsheet program's byte order mark is no part of it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"not UTF-8: {error}") from error


def _mails(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        kept: mailbox.Mailbox[Any] = mailbox.Maildir(path, create=False)
    else:
        with path.open("rb") as file:
            if file.read(5) != b"From ":
                file.seek(0)
                yield file.read()
                return
        kept = mailbox.mbox(path, create=False)
    try:
        for key in sorted(kept.keys()):
            yield kept.get_bytes(key)
    finally:
        kept.close()


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
