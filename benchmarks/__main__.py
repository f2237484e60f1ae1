"""`make bench`: measure, and print one line of JSON a figure.

Exit status 1 if a figure misses its target, 2 if a benchmark could not be run.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from benchmarks import (
    booking,
    breakdown,
    expiry,
    export,
    imports,
    ledger,
    pages,
    reconciliation,
    report,
    roster,
    search,
    start,
    webhooks,
)
from benchmarks.figures import Figure, failures, of_small_sizes
from benchmarks.processes import load_ahead
from benchmarks.stage import FULL, QUICK, Stage, opened

BENCHMARKS: Mapping[str, Callable[[Stage], Iterator[Figure]]] = {
    "start": start.run,
    "export": export.run,
    "report": report.run,
    "imports": imports.run,
    "requests": breakdown.run,
    "booking": booking.run,
    "expiry": expiry.run,
    "webhooks": webhooks.run,
    "roster": roster.run,
    "pages": pages.run,
    "ledger": ledger.run,
    "reconciliation": reconciliation.run,
    "search": search.run,
}
# These share no server with the others. Where no ratio is judged, two rows at once do no harm.
ALONE = ("start", "export", "report", "imports", "ledger", "reconciliation")
# What a server, a child process or a query that fails raises; the other benchmarks still run.
COULD_NOT_RUN = (RuntimeError, OSError, psycopg.Error, subprocess.SubprocessError)


@dataclass(slots=True)
class Told:
    """What was measured, and which benchmarks could not be run."""

    quick: bool
    measured: list[Figure] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def tell(self, figure: Figure) -> None:
        shown = of_small_sizes(figure) if self.quick else figure
        self.measured.append(shown)
        print(shown.line(), flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="make bench, or python -m benchmarks",
        description="Measure the product against the thinnest application over the same tables and"
        " against the bare SQL, on servers of its own. One JSON line a figure on standard output,"
        " progress on standard error.",
    )
    made.add_argument(
        "--only", choices=sorted(BENCHMARKS), action="append", help="run this one (repeatable)"
    )
    made.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    given = parser().parse_args(arguments)
    began = time.monotonic()
    told = Told(quick=given.quick)
    wanted = [name for name in BENCHMARKS if not given.only or name in given.only]
    load_ahead()
    with opened(QUICK if given.quick else FULL) as stage:
        if given.quick:
            rows = [
                [name for name in wanted if (name in ALONE) is alone] for alone in (True, False)
            ]
            with ThreadPoolExecutor(len(rows)) as pool:
                list(pool.map(lambda row: _measure(stage, row, told), rows))
        else:
            _measure(stage, wanted, told)
    missed = failures(told.measured)
    print(
        f"{len(told.measured)} figures in {time.monotonic() - began:.1f} s; "
        + (f"targets missed: {', '.join(missed)}" if missed else "no target missed")
        + (f"; could not be run: {', '.join(told.broken)}" if told.broken else ""),
        file=sys.stderr,
    )
    if told.broken:
        return 2
    return 1 if missed else 0


def _measure(stage: Stage, names: Sequence[str], told: Told) -> None:
    """Run some benchmarks, one after the other; one that cannot be run stops no other."""
    for name in names:
        since = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            for figure in BENCHMARKS[name](stage):
                told.tell(figure)
        except COULD_NOT_RUN as error:
            told.broken.append(name)
            print(f"  {name}: {error}", file=sys.stderr, flush=True)
        print(f"  {name}: {time.monotonic() - since:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
