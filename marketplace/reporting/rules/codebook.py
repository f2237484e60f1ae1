"""The codebook of the outcome export: one model, from which every format is written.

A column's name, place, type, width and meaning depend on nothing that is in the data. What is
missing says why: withheld, not asked, refused, unanswered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

VERSION = "outcomes-2"
WITHHELD, NOT_ASKED, REFUSED, UNANSWERED = "-6", "-7", "-8", "-9"
MISSING: Mapping[str, str] = MappingProxyType(
    {
        WITHHELD: "withheld: not in this profile of the export",
        NOT_ASKED: "not asked: earlier answers led past the question",
        REFUSED: "refused: asked, and not wished to answer",
        UNANSWERED: "unanswered: asked or to be asked, and nothing is known",
    }
)
# A letter for each where Stata wants one (`.w`): withheld, not asked, refused, unanswered.
STATA_MISSING: Mapping[str, str] = MappingProxyType(
    {WITHHELD: "w", NOT_ASKED: "n", REFUSED: "r", UNANSWERED: "u"}
)
NUMBERS = frozenset({"flag", "count"})
PROFILES: Mapping[str, str] = MappingProxyType(
    {
        "identified": "With account and panel ids, and programs. For those who may know who it is.",
        "pii_free": "Without them: they read -6.",
    }
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A column: `kind` is id, text, category, flag, count or time; `values` code -> label.

    `width` is how many bytes of UTF-8 a text has room for where a format wants fixed widths.
    """

    name: str
    label: str
    kind: str
    values: Mapping[str, str]
    missing: tuple[str, ...]
    note: str = ""
    width: int = 0

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers in every format."""
        return self.kind in NUMBERS

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number of each value where a format has numbers only: flags 0 and 1, words from 1."""
        if self.kind == "flag":
            return {value: int(value) for value in self.values}
        return {value: number for number, value in enumerate(self.values, start=1)}

    def described(self, value: str) -> str:
        """What a value means, with its word where it is one: `us_img: school outside of …`."""
        label = self.values[value]
        return label if self.kind == "flag" else f"{value}: {label}"

    def missing_in(self, profile: str) -> tuple[str, ...]:
        """The missing codes that can stand in the column in an export of `profile`."""
        if WITHHELD not in self.missing:
            return self.missing
        if profile == "identified":
            return tuple(code for code in self.missing if code != WITHHELD)
        return (WITHHELD,)

    def as_document(self) -> dict[str, Any]:
        """The variable as JSON; missing codes with their labels."""
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "values": dict(self.values),
            "numbers": dict(self.numbers),
            "missing": {code: MISSING[code] for code in self.missing},
            "note": self.note,
            "width": self.width or None,
        }


FLAG: Mapping[str, str] = MappingProxyType({"0": "no", "1": "yes"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _category(name: str, label: str, note: str = "", /, **values: str) -> Variable:
    return Variable(name, label, "category", MappingProxyType(values), (UNANSWERED,), note)


def _asked(variable: Variable, *missing: str) -> Variable:
    codes = tuple(sorted({*variable.missing, *missing}, reverse=True))
    return replace(variable, missing=codes)


def _flag(name: str, label: str, note: str = "") -> Variable:
    return Variable(name, label, "flag", FLAG, (UNANSWERED,), note)


def _consent(name: str, label: str) -> Variable:
    note = (
        "As decided last, in the survey or with the account. -7 where nothing was decided and tier is"
        " not known: for a person of an outside panel, or of a frame taken before tiers were kept."
    )
    return _asked(_flag(name, label, note), NOT_ASKED, REFUSED)


VARIABLES: Sequence[Variable] = (
    Variable("person_id", "The person, the same in all years", "id", _NOTHING, (), "", 36),
    Variable(
        "account_id",
        "The person's account",
        "id",
        _NOTHING,
        (WITHHELD, NOT_ASKED),
        "-7 for a person of an outside panel.",
        36,
    ),
    Variable(
        "external_id",
        "The person's id in an outside panel",
        "text",
        _NOTHING,
        (WITHHELD, NOT_ASKED),
        "-7 for a person with an account.",
        120,
    ),
    Variable("match_year", "The year of the Main Residency Match", "count", _NOTHING, ()),
    _category(
        "img_type",
        "Type of international medical graduate",
        "A permanent resident is non_us_img, as the NRMP counts.",
        us_img="school outside the United States and Canada, citizen of the United States",
        non_us_img="school outside the United States and Canada, any other citizenship",
    ),
    Variable("specialty", "Specialty of the rotation", "text", _NOTHING, (UNANSWERED,), "", 80),
    _category("modality", "How the rotation was done", in_person="in person", virtual="remotely"),
    Variable(
        "grad_band", "Years from graduation to the Match", "text", _NOTHING, (UNANSWERED,), "", 20
    ),
    _category("rotation_status", "The rotation", completed="completed", cancelled="cancelled"),
    _category(
        "frame_flag",
        "The row in the frame",
        ok="counts",
        duplicate="the same person as another row",
        deceased="the person has died; stays eligible",
    ),
    _flag("consent_to_contact", "Agreed to be written to"),
    _flag("invited", "Was invited to the survey"),
    _category(
        "delivery",
        "The last invitation",
        delivered="was accepted by the mail server",
        bounced="came back",
        not_sent="was not sent",
    ),
    _category(
        "disposition",
        "Outcome of contact (AAPOR)",
        I="complete interview",
        P="partial interview: the Match items answered, others not",
        R="refusal",
        NC_no_reply="non-contact: no reply",
        NC_bounced="non-contact: the invitation came back",
        NC_not_invited="non-contact: not invited",
        O_deceased="other: deceased",
        NE="not eligible: no completed rotation, or a duplicate",
    ),
    Variable("wave", "Wave that was answered", "count", _NOTHING, (NOT_ASKED,), "-7: no answer."),
    _flag("match_items_answered", "The items on the Match are answered"),
    _asked(_flag("registered", "Registered for the Match"), REFUSED),
    _asked(_flag("certified_rol", "Certified a rank order list"), REFUSED, NOT_ASKED),
    _asked(
        _category(
            "main_result",
            "Result of the algorithm (SOAP is not in it)",
            matched_pgy1="matched to a PGY-1 position",
            matched_pgy2_only="matched to a PGY-2 position only",
            unmatched="ranked, and not matched",
            not_in_algorithm="no certified rank order list",
        ),
        REFUSED,
        NOT_ASKED,
    ),
    _asked(
        _category(
            "soap_result",
            "Result of SOAP",
            placed_pgy1="placed in a PGY-1 position",
            not_placed="not placed",
            not_applicable="did not take part",
        ),
        REFUSED,
        NOT_ASKED,
    ),
    _asked(_flag("outside_match", "Took a residency position outside of the Match"), REFUSED),
    Variable(
        "interviews",
        "Programs interviewed at",
        "count",
        _NOTHING,
        (NOT_ASKED, REFUSED, UNANSWERED),
    ),
    Variable(
        "program",
        "Residency program, as reported",
        "text",
        _NOTHING,
        (WITHHELD, NOT_ASKED, REFUSED, UNANSWERED),
        "",
        255,
    ),
    Variable(
        "residency_specialty",
        "Specialty of the residency, as reported",
        "text",
        _NOTHING,
        (NOT_ASKED, REFUSED, UNANSWERED),
        "In pii_free a code of the list of specialties; `other` for anything else that was written.",
        255,
    ),
    _asked(_flag("lor_earned", "The rotation earned a letter of recommendation"), REFUSED),
    _category(
        "outcome_source",
        "How the result of the algorithm is known",
        self_reported="the person says so",
        document_verified="seen in a document",
        roster_verified="seen in a program's roster",
        disputed="two sources say different things",
    ),
    Variable(
        "recorded_at",
        "When the outcome was last recorded, UTC",
        "time",
        _NOTHING,
        (UNANSWERED,),
        "ISO 8601 with zone, such as 2024-04-02T09:30:00Z.",
        20,
    ),
    _asked(
        _category(
            "program_source",
            "How the residency program is known",
            "The published report names a program only where it was seen.",
            self_reported="the person says so",
            document_verified="seen in a document",
            roster_verified="seen in a program's roster",
            disputed="two sources say different things",
        ),
        NOT_ASKED,
    ),
    _category(
        "tier",
        "Tier of the last completed rotation",
        "As it was when the rotation was booked.",
        elective="elective: direct patient contact of a student, with history, examination, notes",
        externship="externship: direct patient contact otherwise",
        observership="observership: no direct patient contact",
    ),
    _category(
        "learner_status",
        "Learner status on the first day of that rotation",
        student="before graduation",
        graduate="from graduation on",
    ),
    _category(
        "site_group",
        "Region of that rotation's site",
        "The regions of the U.S. Census Bureau.",
        northeast="Northeast",
        midwest="Midwest",
        south="South",
        west="West",
        territory="a territory, or outside of the regions",
    ),
    _consent("consent_reporting", "Agreed to be counted in the published report"),
    _consent("consent_research", "Agreed that researchers have the answers, without the name"),
    _consent("consent_named", "Agreed to be named, with the program"),
)
NAMES = tuple(variable.name for variable in VARIABLES)


GUARD = (
    "In CSV, text that a spreadsheet would take for a formula, or that begins so after apostrophes,"
    " has one apostrophe more in front."
)


def as_document() -> dict[str, Any]:
    """The codebook as JSON."""
    return {
        "version": VERSION,
        "encoding": "UTF-8, comma-separated, CRLF-free, header in the first line",
        "formula_guard": GUARD,
        "missing": dict(MISSING),
        "profiles": dict(PROFILES),
        "variables": [variable.as_document() for variable in VARIABLES],
    }


def as_markdown() -> str:
    """The codebook for people."""
    lines = [
        "# Codebook of the outcome export",
        "",
        f"Version `{VERSION}`. One row a person and Match year, in the order of Match year and",
        "person. Columns, types and widths never depend on the content. UTF-8 throughout.",
        "",
        GUARD,
        "In the other formats it stands as it is, but for text that reads like a missing code.",
        "",
        "## Missing values",
        "",
        "| code | Stata | meaning |",
        "| --- | --- | --- |",
        *(f"| {code} | .{STATA_MISSING[code]} | {label} |" for code, label in MISSING.items()),
        "",
        "## Profiles",
        "",
        *(f"- `{name}`: {text}" for name, text in PROFILES.items()),
        "",
        "## Variables",
        "",
    ]
    for variable in VARIABLES:
        lines += [f"### {variable.name}", "", f"{variable.label}. Kind: {variable.kind}."]
        if variable.note:
            lines[-1] += f" {variable.note}"
        if variable.kind == "text":
            lines[-1] += f" Room for {variable.width} bytes in SPSS and Stata."
        lines.append("")
        if variable.values:
            lines += [
                "| value | in SPSS and Stata | meaning |",
                "| --- | --- | --- |",
                *(
                    f"| {value} | {variable.numbers[value]} | {label} |"
                    for value, label in variable.values.items()
                ),
                "",
            ]
        if variable.missing:
            lines += [f"Missing: {', '.join(variable.missing)}.", ""]
    return "\n".join(lines)
