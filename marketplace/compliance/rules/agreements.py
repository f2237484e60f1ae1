"""Affiliation agreements: how a template becomes a text, and what of it is signed."""

import calendar
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
# Filled in by us, whatever a template's own fields are.
GIVEN = ("school_name", "site_name", "starts_on", "ends_on")
LINK_LIFE = timedelta(days=30)
# Whose turn it is, is reminded each week; both sides before the end, by so many days.
TURN_EVERY_DAYS = 7
BEFORE_END = (60, 30)
MOST_SIGNERS = 8
CONSENT_WORDING = "2026-11"
CONSENT = (
    "I have read this agreement. I sign it electronically, with the same effect as by hand, and I"
    " am entitled to sign for the side that I am named for."
)


class Side(StrEnum):
    SCHOOL = "school"
    SITE = "site"


@dataclass(frozen=True)
class Signer:
    """Who signs, in the order of the list, and for which side."""

    side: str
    name: str
    email: str
    role: str


def written(day: date) -> str:
    """A day as a text has it, its month in words: no order to mistake."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def placeholders(body: str) -> set[str]:
    """The names that a text leaves open."""
    return set(PLACEHOLDER.findall(body))


def faults_of_template(body: str, keys: Sequence[str]) -> list[str]:
    """Say what does not fit between a text and its fields; empty if all does."""
    open_names = placeholders(body)
    found = [f"The text names {{{{{one}}}}}, and no field has this key."
             for one in sorted(open_names - set(keys) - set(GIVEN))]  # fmt: skip
    found += [f"The text does not name the field {one}." for one in keys if one not in open_names]
    found += [f"The key {one} is filled in by us." for one in keys if one in GIVEN]
    if len(set(keys)) < len(keys):
        found.append("A key is named twice.")
    return found


def faults_of_values(keys: Collection[str], values: Mapping[str, str]) -> dict[str, list[str]]:
    """Say which fields lack a value, and which values no field takes."""
    found = {key: ["Needed."] for key in keys if not values.get(key, "").strip()}
    return found | {key: ["No field of the template."] for key in values if key not in keys}


def fill(body: str, values: Mapping[str, str]) -> str:
    """Return the text with every name replaced; what a value holds is never a name again."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], body)


def fault_of_signers(signers: Sequence[Signer]) -> str | None:
    """Say what is wrong with the signers, or None: each side signs, and nobody twice."""
    if {one.side for one in signers} != {Side.SCHOOL, Side.SITE}:
        return "Each side has somebody who signs."
    if len(signers) > MOST_SIGNERS:
        return f"At most {MOST_SIGNERS} sign."
    if len({one.email for one in signers}) < len(signers):
        return "Each signer has an address of their own."
    return None


def digest(title: str, body: str, parties: Sequence[str]) -> str:
    """The SHA-256, in hex, of what is signed: title, parties and text, as UTF-8 with line feeds."""
    whole = "\n".join([title, *parties, "", body]).replace("\r\n", "\n")
    return hashlib.sha256(whole.encode()).hexdigest()


def turn_due(sent_on: date, today: date) -> int | None:
    """The number of the weekly reminder that is due, from 1 on; None in the first week."""
    weeks = (today - sent_on).days // TURN_EVERY_DAYS
    return weeks or None


def end_stage(ends_on: date, today: date) -> int | None:
    """The stage before the end that has come, the nearest alone; None before the first."""
    left = (ends_on - today).days
    return next((stage for stage in reversed(BEFORE_END) if 0 <= left <= stage), None)
