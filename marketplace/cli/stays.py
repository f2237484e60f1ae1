"""Stay limits at a terminal: read, checked, put in place as a new version, and looked back on."""

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from marketplace.booking.errors import StayLimitsUnfit
from marketplace.booking.queries import staying
from marketplace.booking.rules import stay_rules
from marketplace.booking.service import stay_limits
from marketplace.cli.edge import now, readable, table, transaction
from marketplace.cli.people import find
from marketplace.core.db import Session
from marketplace.core.errors import Forbidden
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def stays() -> None:
    """Limits of stays in a country, by which itineraries are judged."""


@stays.command("show")
@click.option("--version", type=click.IntRange(min=0), help="An earlier one; 0 is the package's.")
@with_appcontext
@readable
def show(version: int | None) -> None:
    """Print the document that counts as JSON, to be edited; its number on standard error."""
    with transaction() as session:
        number, document = _version(session, version)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    click.echo(f"version {number}", err=True)


@stays.command("change")
@click.argument("file", type=FILE)
@click.option("--read", "number", type=int, required=True, help="The version that was edited.")
@click.option("--by", required=True, help="Your address, as an operator.")
@click.option("--note", required=True, help="What was looked at, and why it changes.")
@click.option("--commit", is_flag=True, help="Do it; without this nothing is changed.")
@with_appcontext
@readable
def change(file: Path, number: int, by: str, note: str, commit: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Check FILE and print what it changes; with --commit it counts from now on."""
    document = _parsed(file)
    with transaction() as session:
        actor = find(session, by)
        if not identity.has_role(session, actor, Role.OPERATOR):
            raise Forbidden("Only operators change stay limits.")
        differs = stay_limits.change(
            session, document, read=number, note=note, actor_id=actor, now=now()
        )
        if not commit:
            session.rollback()
    for line in differs:
        click.echo(line)
    click.echo("committed" if commit else "nothing changed yet: add --commit", err=True)


@stays.command("history")
@with_appcontext
@readable
def history() -> None:
    """List every version: when, by whom, why, and what it changed."""
    with transaction() as session:
        found = staying.versions(session)
        people = identity.contacts(session, sorted({row.made_by for row in found}))
        before = stay_rules.standard()
        rows = []
        for row in found:
            changes = stay_rules.difference(before, row.document)
            rows += [[row.number, row.made_at.date(), people[row.made_by].name, row.note]]
            rows += [["", "", "", line] for line in changes]
            before = row.document
    table(["version", "day", "by", "note and changes"], rows)


def _version(session: Session, version: int | None) -> tuple[int, dict[str, Any]]:
    if version is None:
        return stay_limits.document(session)
    if version == 0:
        return 0, stay_rules.standard()
    found = next((row for row in staying.versions(session) if row.number == version), None)
    if found is None:
        raise StayLimitsUnfit(f"There is no version {version}.")
    return version, found.document


def _parsed(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StayLimitsUnfit(f"{file} is no JSON: {error}.") from None
