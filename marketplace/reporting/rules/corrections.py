"""Corrections to a panel as of a date.

A correction is an event that is appended, never an edit: it counts as of a date if it was
recorded by the end of that day (UTC) and not retracted by then. Events apply in the order in
which they were recorded, those of one moment in the order of the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

from marketplace.reporting.errors import BadCell, TableUnreadable
from marketplace.reporting.rules.panel import (
    COLUMNS,
    PanelRow,
    changed,
    parse_cell,
    written,
)
from marketplace.reporting.rules.tables import (
    NOT_EMPTY,
    TEXT,
    YEAR,
    Column,
    one_of,
    read_values,
)

CORRECTABLE = tuple(name for name in COLUMNS if name != "trainee_id")


@dataclass(frozen=True, slots=True)
class Correction:
    """One event: a field of a trainee's outcome record in one Match year takes a new value."""

    event_id: str
    trainee_id: str
    match_year: int
    field: str
    old_value: str
    new_value: str
    new_outcome_source: str | None
    recorded_at: datetime
    retracted_at: datetime | None

    def counts(self, as_of: date | None) -> bool:
        """Whether it was recorded, and not retracted, by the end of that day."""
        if as_of is None:
            return self.retracted_at is None
        if self.recorded_at.astimezone(UTC).date() > as_of:
            return False
        return self.retracted_at is None or self.retracted_at.astimezone(UTC).date() > as_of


@dataclass(frozen=True, slots=True)
class Corrected:
    """The panel as of a date, and what was done to get there."""

    rows: list[PanelRow]
    applied: list[str]
    left_out: list[str]
    surprises: list[str]


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601; without a zone it is UTC. ValueError otherwise."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


COLUMNS_OF_EVENTS: Mapping[str, Column] = MappingProxyType(
    {
        "event_id": NOT_EMPTY,
        "trainee_id": NOT_EMPTY,
        "match_year": YEAR,
        "field": one_of(*CORRECTABLE, required=True),
        "old_value": TEXT,
        "new_value": TEXT,
        "new_outcome_source": COLUMNS["outcome_source"],
        "recorded_at": Column(moment, "a date or time in ISO 8601", required=True),
        "retracted_at": Column(moment, "a date or time in ISO 8601"),
    }
)


def read_corrections(source: Iterable[str]) -> list[Correction]:
    """Every event of a corrections CSV; refuses the whole file if any cell can't be read."""
    lines = read_values(source, COLUMNS_OF_EVENTS, "corrections", unique="event_id")
    bad = [
        BadCell(number, "new_value", values["new_value"] or "", COLUMNS[values["field"]].belongs)
        for number, values in lines
        if not _readable(values["field"], values["new_value"] or "")
    ]
    if bad:
        raise TableUnreadable("corrections", bad)
    return [
        Correction(
            **{
                **values,
                "match_year": int(values["match_year"]),
                "old_value": values["old_value"] or "",
                "new_value": values["new_value"] or "",
            }
        )
        for _, values in lines
    ]


def apply(
    rows: Sequence[PanelRow], events: Sequence[Correction], year: int, as_of: date | None
) -> Corrected:
    """The panel with the events of Match year `year` that count as of the date.

    An event whose old value is not what the row held is applied all the same, since a later
    retraction may be the cause, and is named among the surprises. An event on a trainee who is
    not in the panel is left out, and named too.
    """
    place = {row.trainee_id: index for index, row in enumerate(rows)}
    result = list(rows)
    done = Corrected(result, [], [], [])
    for event in sorted(events, key=lambda item: item.recorded_at):
        if event.match_year != year or not event.counts(as_of):
            done.left_out.append(event.event_id)
            continue
        index = place.get(event.trainee_id)
        if index is None:
            done.left_out.append(event.event_id)
            done.surprises.append(f"{event.event_id}: {event.trainee_id} is not in the panel")
            continue
        held = written(result[index], event.field)
        if held != event.old_value:
            done.surprises.append(
                f"{event.event_id}: {event.field} of {event.trainee_id} was {held!r}, "
                f"not {event.old_value!r}"
            )
        result[index] = _applied(result[index], event)
        done.applied.append(event.event_id)
    return done


def _applied(row: PanelRow, event: Correction) -> PanelRow:
    row = changed(row, event.field, parse_cell(event.field, event.new_value))
    if event.new_outcome_source:
        row = changed(row, "outcome_source", event.new_outcome_source)
    return row


def _readable(column: str, text: str) -> bool:
    try:
        parse_cell(column, text)
    except ValueError:
        return False
    return True
