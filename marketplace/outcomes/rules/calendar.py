"""The calendar of a Match season: what ERAS, the NRMP and ECFMG do when, and who says so.

The dates are data (`data/match_calendar.csv`). Each has a source, a status and the day on which it
was recorded here, and none is ever replaced: what is learned later is another row, so that the
calendar can be read as it was known on a day. Where sources differ, all are shown, and the one of
the best status counts; a disputed one never does. What is not known is said to be so; where its
publisher was looked up in vain, by a row that says where and when.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# The clock by which all three set their hours.
ZONE = "America/New_York"
# A better status wins; as in the registry of benchmarks.
STATUSES = ("primary", "secondary", "reprint", "disputed")
# A page was looked at on the day of the record, and named no day.
NOT_ANNOUNCED = "not_announced"
KINDS = {
    "eras_opens": "The ERAS season opens",
    "applications_open": "Applications may be sent to programs",
    "registration_opens": "Registration for the Match opens",
    "programs_review": "Programs may read applications",
    "pathways_deadline": "Applications for an ECFMG pathway end",
    "registration_deadline": "Standard registration for the Match ends",
    "ranking_opens": "Rank order lists may be entered",
    "rank_list_deadline": "Rank order lists must be certified",
    "ecfmg_verified": "ECFMG must have verified an IMG's requirements to the NRMP",
    "match_week": "Match Week",
    "match_day": "Match Day",
    "eras_closes": "The ERAS season closes",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one source says; without a year it is said of every season.

    `first_day` and `last_day` are one day, a week, or the span within which an unnamed day lies.
    `as_kind` names the date that this one is tied to.
    """

    match_year: int | None
    kind: str
    first_day: date | None
    last_day: date | None
    at: datetime | None
    as_kind: str | None
    status: str
    source: str
    recorded_on: date
    note: str


@dataclass(frozen=True, slots=True)
class Dated:
    """A date of a season: the entry that counts, and those that say otherwise."""

    entry: Entry
    first_day: date
    last_day: date
    at: datetime | None
    others: tuple[Entry, ...]

    @property
    def title(self) -> str:
        return KINDS[self.entry.kind]

    @property
    def exact(self) -> bool:
        """Whether the day is named; Match Week is five of them."""
        return self.first_day == self.last_day or self.entry.kind == "match_week"


@dataclass(frozen=True, slots=True)
class Season:
    """What is known of a season; `not_known` are kinds of which nobody said a date.

    `not_announced` says where those were looked for.
    """

    match_year: int
    dates: tuple[Dated, ...]
    disputed: tuple[Entry, ...]
    not_known: tuple[str, ...]
    not_announced: tuple[Entry, ...]

    def of(self, kind: str) -> Dated | None:
        """Return the date of a kind; None if it is not known."""
        return next((one for one in self.dates if one.entry.kind == kind), None)


def read(lines: Iterable[str]) -> tuple[Entry, ...]:
    """Return the rows of the data file; `ValueError` for one that can't be read."""
    return tuple(_entry(row) for row in csv.DictReader(lines))


@cache
def shipped() -> tuple[Entry, ...]:
    """Return the calendar that comes with the product."""
    file = files("marketplace.outcomes").joinpath("data/match_calendar.csv")
    return read(file.read_text("utf-8").splitlines())


def seasons(entries: Sequence[Entry], as_of: date) -> list[int]:
    """Return the Match years of which anything was known on a day, the newest first."""
    known = {one.match_year for one in entries if one.recorded_on <= as_of}
    return sorted((year for year in known if year is not None), reverse=True)


def season(entries: Sequence[Entry], match_year: int, as_of: date) -> Season:
    """Return what was known of a season on a day, in the order of its dates."""
    known = [
        one for one in entries if one.recorded_on <= as_of and one.match_year in {None, match_year}
    ]
    own = {kind: _settle([one for one in known if one.kind == kind]) for kind in KINDS}
    dates = [made for found in own.values() if found and (made := _dated(found, own)) is not None]
    not_known = tuple(kind for kind in KINDS if kind not in {one.entry.kind for one in dates})
    return Season(
        match_year=match_year,
        dates=tuple(sorted(dates, key=lambda one: (one.first_day, one.last_day))),
        disputed=tuple(one for one in known if one.status == "disputed"),
        not_known=not_known,
        not_announced=tuple(
            one for one in known if one.status == NOT_ANNOUNCED and one.kind in not_known
        ),
    )


def _settle(said: Sequence[Entry]) -> list[Entry]:
    """The entries that may count, the best first: by status, then the one learned last."""
    usable = [one for one in said if one.status not in {"disputed", NOT_ANNOUNCED}]
    usable.sort(key=lambda one: one.recorded_on, reverse=True)
    return sorted(usable, key=lambda one: STATUSES.index(one.status))


def _dated(found: list[Entry], own: dict[str, list[Entry]]) -> Dated | None:
    first = found[0]
    tied = own.get(first.as_kind, []) if first.as_kind else []
    days = tied[0] if tied else first
    if days.first_day is None or days.last_day is None:
        return None
    others = tuple(
        one for one in found[1:] if (one.first_day, one.last_day) != (days.first_day, days.last_day)
    )
    return Dated(first, days.first_day, days.last_day, days.at, others)


def _entry(row: dict[str, str]) -> Entry:
    if row["kind"] not in KINDS or row["status"] not in {*STATUSES, NOT_ANNOUNCED}:
        raise ValueError(f"{row['kind']}, {row['status']}: no kind or status of the calendar")
    first = date.fromisoformat(row["first_day"]) if row["first_day"] else None
    last = date.fromisoformat(row["last_day"]) if row["last_day"] else None
    if (first is None) != (last is None) or (first and last and last < first):
        raise ValueError(f"{row['kind']} of {row['match_year']}: the days are out of order")
    if row["status"] == NOT_ANNOUNCED and (first or not row["match_year"]):
        raise ValueError(f"{row['kind']} of {row['match_year']}: not announced, and no days")
    hour = time.fromisoformat(row["time"]) if row["time"] else None
    at = datetime.combine(last, hour, ZoneInfo(ZONE)) if last and hour else None
    return Entry(
        match_year=int(row["match_year"]) if row["match_year"] else None,
        kind=row["kind"],
        first_day=first,
        last_day=last,
        at=at,
        as_kind=row["as_kind"] or None,
        status=row["status"],
        source=row["source"],
        recorded_on=date.fromisoformat(row["recorded_on"]),
        note=row["note"],
    )
