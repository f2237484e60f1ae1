"""`make bench`: measure, and print one line of JSON a figure.

Exit status 1 if a figure misses its target, 2 if a benchmark could not be run.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

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
from benchmarks.figures import Figure, failures
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
# What a server, a child process or a query that fails raises; the other benchmarks still run.
COULD_NOT_RUN = (RuntimeError, OSError, psycopg.Error, subprocess.SubprocessError)


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
    measured: list[Figure] = []
    broken: list[str] = []
    with opened(QUICK if given.quick else FULL) as stage:
        for name, run in BENCHMARKS.items():
            if given.only and name not in given.only:
                continue
            since = time.monotonic()
            print(f"{name} …", file=sys.stderr, flush=True)
            try:
                for figure in run(stage):
                    measured.append(figure)
                    print(figure.line(), flush=True)
            except COULD_NOT_RUN as error:
                broken.append(name)
                print(f"  {name}: {error}", file=sys.stderr, flush=True)
            print(f"  {name}: {time.monotonic() - since:.1f} s", file=sys.stderr, flush=True)
    missed = failures(measured)
    print(
        f"{len(measured)} figures in {time.monotonic() - began:.1f} s; "
        + (f"targets missed: {', '.join(missed)}" if missed else "no target missed")
        + (f"; could not be run: {', '.join(broken)}" if broken else ""),
        file=sys.stderr,
    )
    if broken:
        return 2
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
