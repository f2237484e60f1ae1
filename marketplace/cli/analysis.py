"""Statistics and reports at a terminal, without database or settings.

Both commands use the very functions that the product's own reports are made with.
"""

import json
import os
import sys
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

import click

from marketplace.cli.edge import readable
from marketplace.reporting.rules.stats_cases import UnreadableDocument, answer_document
from marketplace.reporting.rules.stats_input import named_once
from marketplace.reporting.service.panel_report import (
    panel_report,
    published_benchmarks,
    render_text,
)

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2


def keep_output_for_the_answer() -> None:
    """Send what libraries in C print to standard error, for the rest of the process.

    The solver of integer programs now and then prints a line of its own; an answer is JSON alone.
    Only where standard output is the process's own.
    """
    own = sys.__stdout__
    if own is None or sys.stdout is not own:
        return
    own.flush()
    answer = os.dup(STANDARD_OUTPUT)
    os.dup2(STANDARD_ERROR, STANDARD_OUTPUT)
    sys.stdout = os.fdopen(answer, "w", encoding=own.encoding)


@click.command("stats")
def stats() -> None:
    """Answer statistical cases: JSON on standard input, JSON on standard output.

    Reads {"cases": [{"id": …, "topic": …, "input": {…}}]} and writes {"<id>": {…}}. A case that
    can't be answered gets {"error": {"code", "message"}}; the others are answered all the same.
    """
    keep_output_for_the_answer()
    try:
        # as a spreadsheet program or PowerShell may have saved it: with a byte order mark
        document = sys.stdin.buffer.read().decode("utf-8-sig")
        answers = answer_document(json.loads(document, object_pairs_hook=named_once))
    except RecursionError as error:
        raise click.ClickException("the document can't be read: it is nested too deep") from error
    except (json.JSONDecodeError, UnicodeDecodeError, UnreadableDocument) as error:
        raise click.ClickException(f"the document can't be read: {error}") from error
    click.echo(json.dumps(answers, indent=2, allow_nan=False))


@click.command("report")
@click.argument("panel", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--year", type=click.IntRange(1952, 2100), required=True, help="The Match year, such as 2024."
)
@click.option(
    "--corrections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV of corrections to the panel.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Count corrections recorded by then, and not retracted by then. Default: all.",
)
@click.option("--public", is_flag=True, help="Hide small cells, as a published report does.")
@click.option(
    "--format", "form", type=click.Choice(["json", "text"]), default="text", show_default=True
)
@readable
def report(
    panel: Path,
    year: int,
    corrections: Path | None,
    as_of: datetime | None,
    public: bool,  # noqa: FBT001 - click calls by keyword
    form: str,
) -> None:
    """Report the Match outcomes of PANEL, a CSV with one row a trainee."""
    keep_output_for_the_answer()
    with ExitStack() as files:
        try:
            document = panel_report(
                _open(files, panel),
                _open(files, corrections) if corrections else None,
                year=year,
                as_of=_day(as_of),
                public=public,
                benchmarks=published_benchmarks(),
            )
        except UnicodeDecodeError as error:
            raise click.ClickException(f"not UTF-8: {error}") from error
    click.echo(
        json.dumps(document, indent=2, allow_nan=False) if form == "json" else render_text(document)
    )


def _open(files: ExitStack, path: Path) -> TextIO:
    # A spreadsheet program's byte order mark is no part of the first column's name.
    return files.enter_context(path.open(encoding="utf-8-sig", newline=""))


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
