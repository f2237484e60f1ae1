"""What papers say. Pure: the same facts give the same words, which are frozen when it is issued."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

# Crockford's base 32: a code can be read out, and typed from paper.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 26  # 130 random bits
GROUP = 5
READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
ENGLISH = "January,February,March,April,May,June,July,August,September,October,November,December"
MONTHS = tuple(ENGLISH.split(","))


class PaperKind(StrEnum):
    ACCEPTANCE = "acceptance_letter"
    VISA = "visa_letter"
    COMPLETION = "completion_certificate"
    TEACHING = "teaching_certificate"


class Standing(StrEnum):
    """Whether a paper counts: `unknown` is the answer for a code that no paper carries."""

    STANDS = "stands"
    REPLACED = "replaced"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


TITLES: Mapping[PaperKind, str] = {
    PaperKind.ACCEPTANCE: "Letter of acceptance",
    PaperKind.VISA: "Letter for a visa application",
    PaperKind.COMPLETION: "Certificate of completion",
    PaperKind.TEACHING: "Certificate of teaching",
}
TEMPLATES: Mapping[PaperKind, str] = {
    PaperKind.ACCEPTANCE: "letter",
    PaperKind.VISA: "letter",
    PaperKind.COMPLETION: "certificate",
    PaperKind.TEACHING: "certificate",
}
# As the field calls them, with what sets them apart.
TIERS: Mapping[str, str] = {
    "elective": "Hands-on elective (direct patient contact, as a student)",
    "externship": "Externship (direct patient contact)",
    "observership": "Observership (no direct patient contact)",
}
VISAS: Mapping[str, str] = {
    "b1": "B-1",
    "b1_b2": "B-1/B-2",
    "f1": "F-1",
    "j1": "J-1",
    "h1b": "H-1B",
    "esta": "Visa Waiver Program (ESTA)",
    "other": "another",
}
# What the check page shows of a paper: no more than it states, and of a letter only what it is for.
PUBLIC_ROWS = ("Trainee", "Preceptor", "Site", "Rotation", "Tier", "Dates", "Weeks", "Period",
               "Trainees taught", "Hours signed")  # fmt: skip


@dataclass(frozen=True)
class RotationFacts:
    """What papers state of a booking; `fee` is formatted, empty where there is none."""

    trainee: str
    site: str
    address: str
    rotation: str
    preceptor: str
    tier: str
    first_day: date
    last_day: date
    weeks: int
    payer: str
    fee: str
    learner_status: str
    school: str | None = None
    visa_type: str | None = None


@dataclass(frozen=True)
class TeachingFacts:
    """What a preceptor taught at a site between two days; `minutes` are signed ones."""

    preceptor: str
    site: str
    start: date
    end: date
    trainees: int
    minutes: int


@dataclass(frozen=True)
class Wording:
    """A paper's words: `rows` are labels with values, `paragraphs` stand before, `notes` after."""

    rows: Sequence[tuple[str, str]]
    paragraphs: Sequence[str]
    notes: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": [list(row) for row in self.rows],
            "paragraphs": list(self.paragraphs),
            "notes": list(self.notes),
        }


def new_code() -> str:
    """Return a code that can't be guessed, in groups: `7K2M9-QX4TD-…`."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(code[at : at + GROUP] for at in range(0, CODE_LENGTH, GROUP))


def digest_of(code: str) -> bytes:
    """SHA-256 of a code however it is typed: groups, case, O for 0 and I or L for 1 don't matter."""
    return hashlib.sha256(code.upper().translate(READ_AS).encode()).digest()


def number_of(kind: PaperKind, number: int) -> str:
    """Return `A-000123`, `V-…`, `C-…` or `T-…`."""
    return f"{kind.value[0].upper()}-{number:06d}"


def standing(*, newer: bool, revoked: bool) -> Standing:
    """A paper that was revoked stays so, whatever came after it."""
    if revoked:
        return Standing.REVOKED
    return Standing.REPLACED if newer else Standing.STANDS


def wording(kind: PaperKind, facts: RotationFacts) -> Wording:
    """Return what a paper about a booking says."""
    if kind is PaperKind.COMPLETION:
        return _certificate(facts)
    return _visa(facts) if kind is PaperKind.VISA else _acceptance(facts)


def teaching(facts: TeachingFacts) -> Wording:
    """Return what a teaching certificate says: numbers, and nobody's name but the preceptor's."""
    return Wording(
        [
            ("Preceptor", facts.preceptor),
            ("Site", facts.site),
            ("Period", f"{day(facts.start)} to {day(facts.end)}"),
            ("Trainees taught", str(facts.trainees)),
            ("Hours signed", hours(facts.minutes)),
        ],
        ["This certifies that the preceptor named here taught trainees in clinical rotations."],
        ["Counted are the hours that trainees logged and this preceptor signed."],
    )


def public_rows(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what the check page shows of a paper's rows."""
    return [
        {"label": label, "value": value} for label, value in content["rows"] if label in PUBLIC_ROWS
    ]


def day(on: date) -> str:
    """Write a date with its month in words: no order to mistake."""
    return f"{on.day} {MONTHS[on.month - 1]} {on.year}"


def hours(minutes: int) -> str:
    """Write minutes as hours, to the quarter: `37.25`."""
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def _acceptance(facts: RotationFacts) -> Wording:
    return Wording(
        [*_rotation(facts), ("Paid by", _paid_by(facts))],
        [
            (
                f"{facts.site} has accepted {facts.trainee} for the clinical rotation described here."
                " Its seat is confirmed."
            )
        ],
        ["This letter is a statement of a confirmed booking. It is no offer of employment."],
    )


def _visa(facts: RotationFacts) -> Wording:
    contact = (
        "It consists of observation, without direct patient contact."
        if facts.tier == "observership"
        else "It includes direct patient contact under the preceptor's supervision."
    )
    status = "a student" if facts.learner_status == "student" else "a graduate"
    of_school = f" of {facts.school}" if facts.school else ""
    rows = [*_rotation(facts), ("Paid by", _paid_by(facts)), ("Learner", f"{status}{of_school}")]
    if facts.visa_type:
        rows.append(("Visa named by the trainee", VISAS.get(facts.visa_type, facts.visa_type)))
    return Wording(
        rows,
        [
            (
                f"To the consular officer: {facts.site} has confirmed a clinical rotation of"
                f" {facts.trainee} for the purpose of medical education, from {day(facts.first_day)}"
                f" to {day(facts.last_day)}. {contact} On its first day the trainee is {status}."
            ),
            (
                "The rotation is unpaid: the trainee receives no salary, stipend or other remuneration"
                " for it from the site. It is temporary and ends on the last day named here."
            ),
        ],
        [
            (
                "This letter states facts. It is no promise that a visa is issued, of which class, or"
                " that its holder is admitted: consular officers and officers at the port of entry"
                " decide on that."
            ),
            (
                "At its issue no document was missing that the site needs before the first day and"
                " that could be had by then."
            ),
        ],
    )


def _certificate(facts: RotationFacts) -> Wording:
    return Wording(
        _rotation(facts),
        [f"This certifies that {facts.trainee} completed the clinical rotation described here."],
        ["It certifies completion. It says nothing of how the trainee was judged."],
    )


def _rotation(facts: RotationFacts) -> list[tuple[str, str]]:
    return [
        ("Trainee", facts.trainee),
        ("Site", f"{facts.site}, {facts.address}"),
        ("Rotation", facts.rotation),
        ("Preceptor", facts.preceptor),
        ("Tier", TIERS.get(facts.tier, facts.tier)),
        ("Dates", f"{day(facts.first_day)} to {day(facts.last_day)}"),
        ("Weeks", str(facts.weeks)),
    ]


def _paid_by(facts: RotationFacts) -> str:
    return f"{facts.payer}: {facts.fee}" if facts.fee else "There is no fee"
