"""The fields of a Match outcome: their values, how they are known, what contradicts what.

Definitions: NRMP, "Main Residency Match: Match Participation Agreement" and "Results and Data".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MOST_INTERVIEWS = 200
LONGEST_NAME = 200
Value = bool | int | str | None


class MainResult(StrEnum):
    MATCHED_PGY1 = "matched_pgy1"
    MATCHED_PGY2_ONLY = "matched_pgy2_only"
    UNMATCHED = "unmatched"
    NOT_IN_ALGORITHM = "not_in_algorithm"


class SoapResult(StrEnum):
    PLACED_PGY1 = "placed_pgy1"
    NOT_PLACED = "not_placed"
    NOT_APPLICABLE = "not_applicable"


class Provenance(StrEnum):
    """How a value is known; `disputed`: two sources say different things."""

    SELF_REPORTED = "self_reported"
    DOCUMENT_VERIFIED = "document_verified"
    ROSTER_VERIFIED = "roster_verified"
    DISPUTED = "disputed"


VERIFIED = frozenset({Provenance.DOCUMENT_VERIFIED, Provenance.ROSTER_VERIFIED})
# What is said of an entry that the evidence does not bear out: it is taken back.
REJECTED = "rejected"
FLAGS = ("registered", "certified_rol", "outside_match")
WORDS: Mapping[str, type[StrEnum]] = {"main_result": MainResult, "soap_result": SoapResult}
NAMES = ("program", "specialty")
FIELDS = (
    "registered",
    "certified_rol",
    "main_result",
    "soap_result",
    "outside_match",
    "program",
    "specialty",
    "interviews",
)


class Result(StrEnum):
    """The result in one word, for people; rates are made from the fields, never from this."""

    MATCHED_PGY1 = "matched_pgy1"
    MATCHED_PGY2_ONLY = "matched_pgy2_only"
    SOAP = "soap"
    OUTSIDE_MATCH = "outside_match"
    UNMATCHED = "unmatched"
    WITHDREW = "withdrew"
    NOT_REGISTERED = "not_registered"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Entry:
    """An event as it counts for a reading: which field, which value, known how, since when."""

    id: UUID
    number: int
    field: str
    new_value: str | None
    provenance: str
    retracts_id: UUID | None
    recorded_at: datetime


def encode(value: Value) -> str | None:
    """Return the text in which a value stands in an event: flags as `1` and `0`."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return None if value is None else str(value)


def decode(field: str, text: str | None) -> Value:
    """Return the value that `text` stands for; `ValueError` says what was expected."""
    if text is None or text == "":
        return None
    if field in FLAGS:
        return _flag(text)
    if field == "interviews":
        return _count(text)
    if field in WORDS:
        return _word(field, text)
    if len(text) > LONGEST_NAME:
        raise ValueError(f"at most {LONGEST_NAME} characters")
    return text


def standing(entries: Iterable[Entry], as_of: datetime) -> dict[str, Entry]:
    """Return field -> the entry that counts at `as_of`.

    An entry counts if it was recorded by then and was not retracted by then; the last one counts,
    in the order of recording. A field without a counting entry is absent.
    """
    recorded = (entry for entry in entries if entry.recorded_at <= as_of)
    known = sorted(recorded, key=lambda entry: (entry.recorded_at, entry.number))
    retracted = {entry.retracts_id for entry in known if entry.retracts_id is not None}
    return {
        entry.field: entry
        for entry in known
        if entry.retracts_id is None and entry.id not in retracted
    }


def fold(entries: Iterable[Entry], as_of: datetime) -> dict[str, tuple[Value, str]]:
    """Return field -> (value, provenance) as known at `as_of`."""
    return {
        field: (decode(field, entry.new_value), entry.provenance)
        for field, entry in standing(entries, as_of).items()
    }


def contradiction(values: Mapping[str, Value]) -> str | None:
    """Say which fields contradict each other, or None.

    A certified list needs a registration, a match by the algorithm a certified list; who is placed
    by SOAP was not matched to a PGY-1 position before.
    """
    main = values.get("main_result")
    if values.get("certified_rol") and values.get("registered") is False:
        return "A rank order list is certified only by those who registered."
    if main in {MainResult.MATCHED_PGY1, MainResult.MATCHED_PGY2_ONLY} and (
        values.get("certified_rol") is False
    ):
        return "The algorithm matches only those with a certified rank order list."
    if main == MainResult.MATCHED_PGY1 and values.get("soap_result") == SoapResult.PLACED_PGY1:
        return "Who was matched to a PGY-1 position is not placed by SOAP."
    return None


def settle(
    current: tuple[Value, str] | None, claimed: Value, source: Provenance
) -> tuple[Value, Provenance] | None:
    """Return the value and provenance to record for `claimed`, or None if nothing changes.

    What was verified is not overturned by a self report: it stands, as disputed, until somebody
    looks at the evidence.
    """
    if current is None:
        return None if claimed is None else (claimed, source)
    value, known_by = current
    if source is not Provenance.SELF_REPORTED:
        return None if (value, known_by) == (claimed, source) else (claimed, source)
    if value == claimed:
        return None
    if known_by in VERIFIED or known_by == Provenance.DISPUTED:
        return None if known_by == Provenance.DISPUTED else (value, Provenance.DISPUTED)
    return (claimed, source)


def settle_all(
    current: Mapping[str, tuple[Value, str]], claims: Mapping[str, Value], source: Provenance
) -> dict[str, tuple[Value, Provenance]]:
    """Return field -> (value, provenance) for what `claims` change; `ValueError` says what clashes.

    Claims that contradict each other are refused. A self report that contradicts what is known
    otherwise changes no value: what it denies is disputed.
    """
    wrong = contradiction(claims)
    if wrong is not None:
        raise ValueError(wrong)
    changes = {
        name: settled
        for name, claimed in claims.items()
        if (settled := settle(current.get(name), claimed, source)) is not None
    }
    after = {name: pair[0] for name, pair in {**current, **changes}.items()}
    wrong = contradiction(after)
    if wrong is None:
        return changes
    if source is not Provenance.SELF_REPORTED:
        raise ValueError(wrong)
    return {
        name: (current[name][0], Provenance.DISPUTED)
        for name in changes
        if name in current and current[name][1] != Provenance.DISPUTED
    }


def result(values: Mapping[str, Value]) -> Result:
    """Return the outcome in one word; the first that applies, the algorithm's before SOAP's."""
    main = values.get("main_result")
    if main in {MainResult.MATCHED_PGY1, MainResult.MATCHED_PGY2_ONLY}:
        return Result(str(main))
    if values.get("soap_result") == SoapResult.PLACED_PGY1:
        return Result.SOAP
    if values.get("outside_match"):
        return Result.OUTSIDE_MATCH
    if values.get("registered") is False:
        return Result.NOT_REGISTERED
    if main == MainResult.UNMATCHED:
        return Result.UNMATCHED
    return Result.WITHDREW if main == MainResult.NOT_IN_ALGORITHM else Result.UNKNOWN


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("0 or 1")
    return text == "1"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:9]) > MOST_INTERVIEWS:
        raise ValueError(f"a whole number from 0 to {MOST_INTERVIEWS}")
    return int(text)


def _word(field: str, text: str) -> str:
    words = WORDS[field]
    if text not in set(words):
        raise ValueError(f"one of {', '.join(words)}")
    return text
