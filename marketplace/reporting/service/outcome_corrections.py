"""A list of corrections to Match outcomes, from its CSV to the records."""

import csv
from datetime import datetime
from io import StringIO
from types import MappingProxyType
from uuid import UUID

from marketplace.core.db import Session
from marketplace.outcomes.rules.match import Provenance
from marketplace.outcomes.service import corrections
from marketplace.reporting.rules.corrections import COLUMNS_OF_EVENTS
from marketplace.reporting.rules.tables import TEXT, matching, one_of, read_values

LARGEST = 4 << 20
EVIDENCE = "evidence"
# As for a panel from elsewhere; but how a value is known is never left out here.
COLUMNS = MappingProxyType(
    {
        **COLUMNS_OF_EVENTS,
        "event_id": matching(r"[^\x00]{1,100}", "1 to 100 characters", required=True),
        "trainee_id": matching(r"[^\x00]{1,120}", "1 to 120 characters", required=True),
        "field": one_of(*corrections.FIELDS, required=True),
        "new_outcome_source": one_of(*(word.value for word in Provenance), required=True),
        EVIDENCE: matching(r"[^\x00]{1,1000}", "at most 1000 characters"),
        "old_value": TEXT,
        "new_value": matching(r"[^\x00]+", "any text"),
    }
)


def take_in(
    session: Session, text: str, *, actor_id: UUID, commit: bool, now: datetime
) -> corrections.Outcome:
    """Try the corrections of a CSV, or record them; the column `evidence` may be left out.

    `TableUnreadable` names every cell that can't be read, by row and column.
    """
    header = [name.strip() for name in next(csv.reader(text.splitlines()[:1]), [])]
    wanted = {n: column for n, column in COLUMNS.items() if n != EVIDENCE or n in header}
    rows = read_values(StringIO(text, newline=""), wanted, "corrections", unique="event_id")
    lines = [
        corrections.Line(
            row=number,
            event_id=values["event_id"],
            trainee_id=values["trainee_id"],
            match_year=int(values["match_year"]),
            field=values["field"],
            old_value=values["old_value"] or "",
            new_value=values["new_value"] or "",
            source=values["new_outcome_source"],
            evidence=values.get(EVIDENCE) or "",
            recorded_at=values["recorded_at"],
            retracted_at=values["retracted_at"],
        )
        for number, values in rows
    ]
    return corrections.take_in(session, lines, actor_id=actor_id, commit=commit, now=now)
