"""The import of a large sheet by the worker's own job, against `COPY` into the same tables."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import LiteralString

import psycopg

from benchmarks import import_sheet
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import Stage

MIB = 1 << 20
LARGEST_MIB = 300
# The reader of workbooks lays the whole sheet out, every cell of it.
LARGEST_WORKBOOK_MIB = 400
LEAST_SHARE = 0.1
# COPY is given the rows of so many listings: it is faster by the row then, if anything.
COPIED_SHARE = 5
_SOME = "SELECT id, site_id, preceptor_id FROM listing ORDER BY id LIMIT %s"
# In the order in which rows need each other.
TABLES: Mapping[LiteralString, LiteralString] = {
    "import_run": "true",
    "site": "id IN (SELECT site_id FROM picked)",
    "preceptor": "id IN (SELECT preceptor_id FROM picked)",
    "listing": "id IN (SELECT id FROM picked)",
    "listing_version": "listing_id IN (SELECT id FROM picked)",
    "listing_transition": "listing_id IN (SELECT id FROM picked)",
    "seat_pool": "id IN (SELECT p.pool_id FROM listing_pool p JOIN picked s ON s.id = p.listing_id)",
    "listing_pool": "listing_id IN (SELECT id FROM picked)",
    "seat_week": "pool_id IN"
    " (SELECT p.pool_id FROM listing_pool p JOIN picked s ON s.id = p.listing_id)",
}


def run(stage: Stage) -> Iterator[Figure]:
    """One process imports a sheet of new listings; then COPY brings the same rows in again."""
    rows = stage.sizes.sheet_rows
    sheet = stage.folder / "listings.csv"
    stage.say(f"a sheet of {rows} rows")
    import_sheet.write(sheet, rows)
    with stage.database("imports") as conninfo:
        stage.say("import")
        done = run_python(
            "benchmarks.import_child",
            {"sheet": str(sheet), "write": True},
            stage.folder,
            stage.environment(conninfo),
        )
        if done["counts"]["created"] != rows:
            raise RuntimeError(f"of {rows} rows came {done['counts']}")
        stage.say("COPY")
        listings = rows // COPIED_SHARE
        seconds, copied = _copy_again(stage, conninfo, listings)
    detail = {
        "rows": rows,
        "weeks_each": import_sheet.WEEKS,
        "copied": {"listings": listings, "rows_of_all_tables": copied},
        "seconds": round(done["seconds"], 2),
        "copy_seconds": round(seconds, 2),
        "cpu_seconds": round(done["cpu_seconds"], 2),
        "sheet_bytes": sheet.stat().st_size,
    }
    yield Figure(
        "import.rate",
        rows / done["seconds"],
        "rows/s",
        "COPY into the same tables",
        listings / seconds,
        Target("ratio", "at least", LEAST_SHARE),
        detail,
    )
    yield Figure(
        "import.peak_memory",
        done["peak"] / MIB,
        "MiB",
        "the process before it imports",
        done["before"] / MIB,
        Target("value", "below", LARGEST_MIB),
        {"rows": rows},
    )
    yield _of_workbook(stage, sheet, rows)
    sheet.unlink()


def _of_workbook(stage: Stage, sheet: Path, rows: int) -> Figure:
    """The peak memory of another process that reads and plans the same sheet as a workbook.

    Writing is the same whatever the sheet was, and its memory is measured above.
    """
    book = import_sheet.as_workbook(sheet)
    with stage.database("imports_workbook") as conninfo:
        stage.say("reading a workbook")
        done = run_python(
            "benchmarks.import_child",
            {"sheet": str(book), "write": False},
            stage.folder,
            stage.environment(conninfo),
        )
    if done["counts"]["created"] != rows:
        raise RuntimeError(f"of {rows} rows came {done['counts']}")
    detail = {
        "rows": rows,
        "workbook_bytes": book.stat().st_size,
        "reading_and_planning_seconds": round(done["seconds"], 2),
    }
    book.unlink()
    return Figure(
        "import.peak_memory_workbook",
        done["peak"] / MIB,
        "MiB",
        "the process before it imports",
        done["before"] / MIB,
        Target("value", "below", LARGEST_WORKBOOK_MIB),
        detail,
    )


def _copy_again(stage: Stage, conninfo: str, listings: int) -> tuple[float, int]:
    """Seconds that COPY takes to bring the rows of some listings into empty tables; how many rows."""
    seconds, copied = 0.0, 0
    with (
        stage.database("imports_copied") as other,
        psycopg.connect(conninfo) as source,
        psycopg.connect(other) as target,
    ):
        source.execute(f"CREATE TEMPORARY TABLE picked AS {_SOME}", [listings])
        source.execute("ANALYZE picked")
        _copy_accounts(source, target)
        for table, those in TABLES.items():
            file = stage.folder / f"{table}.copy"
            columns = _columns(source, table)
            names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
            name = psycopg.sql.Identifier(table)
            out = psycopg.sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT").format(
                names, name, psycopg.sql.SQL(those)
            )
            cursor = source.cursor()
            with file.open("wb") as kept, cursor.copy(out) as copy:
                for piece in copy:
                    kept.write(piece)
            copied += max(cursor.rowcount, 0)
            back = psycopg.sql.SQL("COPY {} ({}) FROM STDIN").format(name, names)
            seconds += import_sheet.copied_in(target, back, file)
            file.unlink()
        seconds += import_sheet.committed(target)
    return seconds, copied


def _copy_accounts(source: psycopg.Connection, target: psycopg.Connection) -> None:
    columns = _columns(source, "account")
    names = psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    out = psycopg.sql.SQL("COPY account ({}) TO STDOUT").format(names)
    back = psycopg.sql.SQL("COPY account ({}) FROM STDIN").format(names)
    with source.cursor().copy(out) as read, target.cursor().copy(back) as written:
        for piece in read:
            written.write(piece)
    target.commit()


def _columns(connection: psycopg.Connection, table: str) -> list[str]:
    """The columns that are stored as given; what the database works out is left to it."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    return [name for (name,) in found]
