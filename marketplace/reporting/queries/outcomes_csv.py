"""The outcome export as CSV, made by PostgreSQL itself and handed on line by line.

The database reads person by person, as its indexes have them: to sort all rows would cost it as much
as to make them, and none would come before the last was read. Each line comes with its year before
it, and goes into that year's file on the local disk; one after the other they are the export, which
is read so: to put a million rows together in another file would take a seventh of the whole time.
"""

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import IO, Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import text

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.core.db import Session
from marketplace.core.joined import joined
from marketplace.reporting.queries.frame import KNOWN_BY_PERSON, OTHER
from marketplace.reporting.rules.codebook import (
    NAMES,
    NOT_ASKED,
    REFUSED,
    UNANSWERED,
    WITHHELD,
)

# What a spreadsheet would run, or a tool would cut the line at, is text again with an apostrophe;
# what begins so after apostrophes has one more, so that who reads the CSV can take one off. All of
# them come before the letters, and none is a digit, which is seen sooner than whether a pattern fits.
_GUARD = r"CASE WHEN ascii({0}) > 64 OR ascii({0}) BETWEEN 48 AND 57 THEN {0} WHEN {0} ~ '^''*[=+\-@\t\r\n]' THEN '''' || {0} ELSE {0} END"
_UNANSWERED = f"'{UNANSWERED}'"
_WITHHELD = f"'{WITHHELD}'"
_NOT_REGISTERED = f"WHEN registered IS FALSE THEN '{NOT_ASKED}'"
_NOT_CERTIFIED = f"WHEN certified_rol IS FALSE THEN '{NOT_ASKED}'"
_NO_POSITION = (
    "WHEN match_items_answered AND main_result IS DISTINCT FROM 'matched_pgy1'"
    " AND main_result IS DISTINCT FROM 'matched_pgy2_only'"
    " AND soap_result IS DISTINCT FROM 'placed_pgy1' AND outside_match IS NOT TRUE"
    f" THEN '{NOT_ASKED}'"
)


# Of a panel that comes from elsewhere no tier is known, and no consent was asked for. Nor is there a
# tier in frames that were taken before tiers were kept: the codebook says so. (That the person has no
# account would tell the two apart, and cost a join with a million persons.)
_ELSEWHERE = "tier IS NULL"
# What else answers may be used for is asked of who agrees to be counted.
_NOT_AGREED = f"{_ELSEWHERE} OR consent_reporting IS FALSE"
# So many lines from one writing to the disk to the next.
BATCH = 2_000


def _guarded(name: str) -> str:
    return _GUARD.format(name)


def _flag(name: str) -> str:
    return f"CASE WHEN {name} THEN '1' WHEN NOT {name} THEN '0' ELSE {_UNANSWERED} END"


def _word(name: str) -> str:
    return f"coalesce({name}, {_UNANSWERED})"


def _asked_flag(name: str, *routed: str) -> str:
    return _asked(name, f"CASE WHEN {name} THEN '1' ELSE '0' END", *routed)


def _asked(name: str, value: str, *routed: str, item: str | None = None) -> str:
    """An item of the questionnaire: its value, or which of the missing codes."""
    refused = f"WHEN disposition = 'R' OR '{item or name}' = ANY(refused_items) THEN '{REFUSED}'"
    missing = " ".join((f"WHEN {name} IS NOT NULL THEN {value}", *routed, refused))
    return f"CASE {missing} ELSE {_UNANSWERED} END"


def _consent(name: str, not_asked: str) -> str:
    """A consent: yes, no, or which of the missing codes; where nothing was asked, nothing is refused."""
    return (
        f"CASE WHEN {name} THEN '1' WHEN NOT {name} THEN '0' WHEN {not_asked} THEN '{NOT_ASKED}'"
        f" WHEN '{name}' = ANY(refused_items) THEN '{REFUSED}' ELSE {_UNANSWERED} END"
    )


def _only_identified(value: str) -> str:
    return f"CASE WHEN :identified THEN {value} ELSE {_WITHHELD} END"


def _listed(name: str) -> str:
    """Text; where nobody may be known, a code of the list only: what was typed might say who it is."""
    codes = ",".join(f"'{code}'" for code in BY_CODE)
    return (
        f"CASE WHEN {name} IN ({codes}) THEN {name} WHEN :identified THEN {_guarded(name)}"
        f" ELSE '{OTHER}' END"
    )


_COLUMNS = {
    "person_id": "person_id",
    "account_id": _only_identified(f"coalesce(account_id::text, '{NOT_ASKED}')"),
    "external_id": _only_identified(f"coalesce({_guarded('external_id')}, '{NOT_ASKED}')"),
    "match_year": "match_year",
    "img_type": "img_type",
    "specialty": f"coalesce({_guarded('specialty')}, {_UNANSWERED})",
    "modality": _word("modality"),
    "grad_band": f"coalesce({_guarded('grad_band')}, {_UNANSWERED})",
    "rotation_status": _word("rotation_status"),
    "frame_flag": _word("frame_flag"),
    "consent_to_contact": _flag("consent_to_contact"),
    "invited": _flag("invited"),
    "delivery": _word("delivery"),
    "disposition": "disposition",
    "wave": f"coalesce(wave::text, '{NOT_ASKED}')",
    "match_items_answered": _flag("match_items_answered"),
    "registered": _asked_flag("registered"),
    "certified_rol": _asked_flag("certified_rol", _NOT_REGISTERED),
    "main_result": _asked("main_result", "main_result", _NOT_CERTIFIED),
    "soap_result": _asked("soap_result", "soap_result", _NOT_REGISTERED),
    "outside_match": _asked_flag("outside_match"),
    "interviews": _asked("interviews", "interviews::text", _NOT_REGISTERED),
    "program": _only_identified(_asked("program", _guarded("program"), _NO_POSITION)),
    "residency_specialty": _asked(
        "residency_specialty", _listed("residency_specialty"), _NO_POSITION, item="specialty"
    ),
    "lor_earned": _asked_flag("lor_earned"),
    "outcome_source": _word("outcome_source"),
    "recorded_at": "coalesce(to_char(recorded_at AT TIME ZONE 'UTC',"
    f' \'YYYY-MM-DD"T"HH24:MI:SS"Z"\'), {_UNANSWERED})',
    "program_source": f"CASE WHEN program IS NOT NULL THEN {_word('program_source')}"
    f" {_NO_POSITION} ELSE {_UNANSWERED} END",
    "tier": _word("tier"),
    "learner_status": _word("learner_status"),
    "site_group": _word("site_group"),
    "consent_reporting": _consent("consent_reporting", _ELSEWHERE),
    "consent_research": _consent("consent_research", _NOT_AGREED),
    "consent_named": _consent("consent_named", _NOT_AGREED),
}
# Who had their account erased is in no export any more that says who somebody is.
_MAY_BE_KNOWN = (
    "NOT :identified OR NOT EXISTS (SELECT FROM account_erasure gone"
    " WHERE gone.account_id = known.account_id AND gone.closed_at IS NOT NULL)"
)
QUERY = " ".join(
    (
        "WITH",
        KNOWN_BY_PERSON,
        "SELECT match_year AS of_year,",
        ", ".join(f"{_COLUMNS[name]} AS {name}" for name in NAMES),
        "FROM (SELECT * FROM known WHERE",
        _MAY_BE_KNOWN,
        "ORDER BY person_id) ordered",
    )
)


def write(
    session: Session,
    *,
    match_year: int | None,
    as_of: datetime,
    identified: bool,
    told: Callable[[int], object] = int,
) -> tuple[int, IO[bytes]]:
    """Write the header and each row as a line of CSV (UTF-8), by Match year and person.

    Return how many rows, and a file on the local disk that is gone once it is closed. `told` is
    called with as many as there are so far, now and then.
    """
    count = 0
    with ExitStack() as stack:
        years: dict[bytes, tuple[IO[bytes], list[bytes]]] = {}
        for line in rows(session, match_year=match_year, as_of=as_of, identified=identified):
            year, _, rest = line.partition(b",")
            if year not in years:
                years[year] = (stack.enter_context(tempfile.TemporaryFile()), [])
            years[year][1].append(rest)
            count += 1
            if count % BATCH == 0:
                _keep(years)
                told(count)
        _keep(years)
        stack.pop_all()
    header = io.BytesIO(",".join(NAMES).encode() + b"\n")
    return count, joined([header, *(years[year][0] for year in sorted(years, key=int))])


def _keep(years: dict[bytes, tuple[IO[bytes], list[bytes]]]) -> None:
    for file, lines in years.values():
        file.write(b"".join(lines))
        lines.clear()


def rows(
    session: Session, *, match_year: int | None, as_of: datetime, identified: bool
) -> Iterator[bytes]:
    """Yield each row as a line of CSV with its year before it, person by person.

    One statement, so one snapshot, however long the reader takes; memory does not grow with it.
    """
    session.execute(text("SET LOCAL statement_timeout = 0"))
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    query = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(
        _bound(
            {
                "match_year": match_year,
                "as_of": as_of.astimezone(UTC),
                "identified": identified,
            }
        )
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for piece in copy:
            yield bytes(piece)


def _bound(values: dict[str, Any]) -> sql.Composed:
    """QUERY with literals in place: COPY takes no parameters."""
    rest = QUERY
    for name in values:
        rest = rest.replace(f":{name}", f"{{{name}}}")
    return sql.SQL(rest).format(**{name: sql.Literal(value) for name, value in values.items()})
