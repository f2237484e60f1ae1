"""Histories of bookings at a terminal: replayed, and their states drawn."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from marketplace.booking.rules import drawing
from marketplace.booking.service import replaying
from marketplace.cli.edge import transaction

PICTURE = "booking-states.svg"
PAGE = "booking-states.md"


@click.command("bookings")
@with_appcontext
def bookings() -> None:
    """Replay the history of every booking, and name those that it does not lead to.

    Prints one line a disagreement as it is found, progress on standard error; the exit status is 1
    if there is any.
    """
    done = wrong = 0
    for progress in replaying.replay_all(transaction):
        done, wrong = progress.replayed, wrong + len(progress.wrong)
        for verdict in progress.wrong:
            for words in verdict.disagreements:
                click.echo(f"{verdict.booking_id}: {words}")
        click.echo(f"{done} replayed", err=True)
    click.echo(f"{done} booking(s) replayed, {wrong} disagree", err=True)
    sys.exit(1 if wrong else 0)


@click.command("states")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Draw it anew.")
def states(folder: Path, write: bool) -> None:  # noqa: FBT001 - as click passes it
    """Compare the drawing of the states in FOLDER with the table that the code obeys.

    Exit status 1 if they differ; with --write the drawing is made anew.
    """
    wanted = {PICTURE: drawing.svg(), PAGE: drawing.page(PICTURE)}
    if write:
        for name, content in wanted.items():
            (folder / name).write_text(content)
        return
    differs = [
        name
        for name, content in wanted.items()
        if not (folder / name).is_file() or (folder / name).read_text() != content
    ]
    for name in differs:
        click.echo(f"{name} is not as the code has it: draw it anew with --write")
    sys.exit(1 if differs else 0)
