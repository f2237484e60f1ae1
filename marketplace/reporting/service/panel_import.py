"""A panel from elsewhere, from its CSV into the frame and the outcomes of a Match year."""

from collections.abc import Mapping
from datetime import datetime
from io import StringIO

from marketplace.core.db import Session
from marketplace.outcomes.rules.match import contradiction
from marketplace.outcomes.service import panel as outcomes
from marketplace.reporting.errors import BadCell, TableUnreadable
from marketplace.reporting.rules.panel import PanelRow, numbered


def import_panel(
    session: Session, text: str, match_year: int, now: datetime
) -> outcomes.PanelResult:
    """Take in a panel CSV, as recorded at `now`; importing it again changes nothing.

    All or nothing: `TableUnreadable` names every cell that can't be read, by row and column, and
    every row whose outcome contradicts itself.
    """
    rows = numbered(StringIO(text, newline=""), match_year)
    wrong = [
        BadCell(number, "main_result", row.main_result or "", fault)
        for number, row in rows
        if (fault := contradiction(_outcome(row))) is not None
    ]
    if wrong:
        raise TableUnreadable("panel", wrong)
    return outcomes.store(session, (row for _, row in rows), match_year, now)


def _outcome(row: PanelRow) -> Mapping[str, bool | str | None]:
    return {
        "registered": row.registered,
        "certified_rol": row.certified_rol,
        "main_result": row.main_result,
        "soap_result": row.soap_result,
    }
