"""Tiers at a terminal: what a classifier would change in the whole catalogue, and the change."""

import sys
from contextlib import ExitStack
from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace.catalog.queries import tiers as queries
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import reclassifying, tier_files
from marketplace.cli.edge import now, parts, readable, transaction

SHOW_EVERY = 20


@click.group()
def tiers() -> None:
    """Tiers of clinical experience."""


@tiers.command("reclassify")
@click.option("--classifier", help="Its version; by default the published one.")
@click.option("--commit", is_flag=True, help="Do it; without this no listing is changed.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the changes to this file (CSV) instead of standard output.",
)
@with_appcontext
@readable
def reclassify(classifier: str | None, commit: bool, output: Path | None) -> None:  # noqa: FBT001 - click calls by keyword
    """Run a classifier over all listings: the changes as CSV, the counts on standard error.

    A dry run unless --commit is given. Stopped in between, a run with --commit leaves each listing
    whole, and its run under way: `flask tiers reclassify --commit` then goes on with it.
    """
    known = parts().get(Classifiers)
    with transaction() as session:
        run = queries.unfinished(session) if commit else None
        run = run or reclassifying.ask(
            session,
            known,
            classifier=classifier,
            commit=commit,
            asked_by=None,
            now=now(),
            in_job=False,
        )
        run_id = run.id
    steps = 0

    def tell(seen: int, total: int) -> None:
        nonlocal steps
        steps += 1
        if steps % SHOW_EVERY == 0:
            click.echo(f"{seen} of {total} listings", err=True)

    reclassifying.go_through(transaction, run_id, known, now(), tell)
    with transaction() as session:
        tier_files.finish(session, run_id, now())
        done = queries.run(session, run_id)
    with ExitStack() as stack:
        out = stack.enter_context(output.open("wb")) if output else sys.stdout.buffer
        for piece in tier_files.lines(transaction, run_id):
            out.write(piece)
    click.echo(
        f"{done.classifier}: {done.seen} listings, {done.changed} with another answer,"
        f" {done.conflicting} to review, {done.refused} left alone",
        err=True,
    )
    if not commit:
        click.echo("A dry run: no listing was changed. Add --commit to do it.", err=True)
