"""Letters: their codes, links and files."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum

# Crockford's base 32: no letter that is taken for a digit when read out on the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10
LINK_LIFE = timedelta(days=60)
# ERAS takes four letters a program (AAMC, "ERAS for Letter Writers FAQ", 2027 season).
MOST_A_PROGRAM = 4
# The ACGME's ten digits name a program, whatever it is called.
PROGRAM_CODE = r"[0-9]{10}"
LARGEST_LETTER = 10 * 1024 * 1024
MAGIC = b"%PDF-"
END_MARK = b"%%EOF"
# Readers look for the end mark in the last kilobyte (ISO 32000-1, annex H, note 18).
TAIL = 1024


class Reminder(StrEnum):
    """Why an author is written to again: before the due date, after it, or without one."""

    EARLY = "early"
    SOON = "soon"
    LATE = "late"
    OPEN = "open"


# Days left until the letter is due; nobody is reminded on the days in between.
DAYS_LEFT = {
    Reminder.EARLY: range(4, 15),
    Reminder.SOON: range(4),
    Reminder.LATE: range(-30, -3),
}
OPEN_AFTER = timedelta(days=21)
LEAST_BETWEEN = timedelta(days=5)


def reminder_due(
    due_on: date | None, today: date, told_on: date, sent: Collection[str]
) -> Reminder | None:
    """Return which reminder an author gets today, if any: three at most, five days apart.

    `told_on` is the day on which the author was last written to; each kind is sent once.
    """
    since = today - told_on
    if since < LEAST_BETWEEN:
        return None
    if due_on is None:
        kind = Reminder.OPEN if since >= OPEN_AFTER else None
    else:
        left = (due_on - today).days
        kind = next((one for one, days in DAYS_LEFT.items() if left in days), None)
    return None if kind is None or kind in sent else kind


def new_code() -> str:
    """Return a Letter ID such as `L-7K2M9-QX4TD`: 50 random bits, the same for everybody."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"L-{code[:5]}-{code[5:]}"


def fingerprint(token: str) -> bytes:
    """What is kept of a link's token: its SHA-256 (the token itself has 256 random-looking bits)."""
    return hashlib.sha256(token.encode()).digest()


def fault_of_pdf(content: bytes) -> str | None:
    """Say why `content` is no PDF, or None. The mark must stand first: no file of two kinds."""
    if not content:
        return "The file is empty."
    if not content.startswith(MAGIC):
        return "The file does not begin as a PDF does (%PDF-)."
    if END_MARK not in content[-TAIL:]:
        return "The file does not end as a PDF does (%%EOF): it may have been cut off."
    return None
