"""The codebook of the outcome export: one model, from which every format is written.

A column's name, place and meaning depend on nothing that is in the data. What is missing says
why: withheld, not asked, refused, unanswered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

VERSION = "outcomes-1"
WITHHELD, NOT_ASKED, REFUSED, UNANSWERED = "-6", "-7", "-8", "-9"
MISSING: Mapping[str, str] = MappingProxyType(
    {
        WITHHELD: "withheld: not in this profile of the export",
        NOT_ASKED: "not asked: earlier answers led past the question",
        REFUSED: "refused: asked, and not wished to answer",
        UNANSWERED: "unanswered: asked or to be asked, and nothing is known",
    }
)
PROFILES: Mapping[str, str] = MappingProxyType(
    {
        "identified": "With account and panel ids, and programs. For those who may know who it is.",
        "pii_free": "Without them: they read -6.",
    }
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A column: `kind` is id, text, category, flag, count or time; `values` code -> label."""

    name: str
    label: str
    kind: str
    values: Mapping[str, str]
    missing: tuple[str, ...]
    note: str = ""

    def as_document(self) -> dict[str, Any]:
        """The variable as JSON; missing codes with their labels."""
        return {
            "name": self.name,
            "label": self.label,
            "kind": self.kind,
            "values": dict(self.values),
            "missing": {code: MISSING[code] for code in self.missing},
            "note": self.note,
        }


FLAG: Mapping[str, str] = MappingProxyType({"0": "no", "1": "yes"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


def _category(name: str, label: str, note: str = "", /, **values: str) -> Variable:
    return Variable(name, label, "category", MappingProxyType(values), (UNANSWERED,), note)


def _asked(variable: Variable, *missing: str) -> Variable:
    codes = tuple(sorted({*variable.missing, *missing}, reverse=True))
    return Variable(
        variable.name, variable.label, variable.kind, variable.values, codes, variable.note
    )


def _flag(name: str, label: str, note: str = "") -> Variable:
    return Variable(name, label, "flag", FLAG, (UNANSWERED,), note)


VARIABLES: Sequence[Variable] = (
    Variable("person_id", "The person, the same in all years", "id", _NOTHING, ()),
    Variable(
        "account_id",
        "The person's account",
        "id",
        _NOTHING,
        (WITHHELD, NOT_ASKED),
        "-7 for a person of an outside panel.",
    ),
    Variable(
        "external_id",
        "The person's id in an outside panel",
        "text",
        _NOTHING,
        (WITHHELD, NOT_ASKED),
        "-7 for a person with an account.",
    ),
    Variable("match_year", "The year of the Main Residency Match", "count", _NOTHING, ()),
    _category(
        "img_type",
        "Type of international medical graduate",
        "A permanent resident is non_us_img, as the NRMP counts.",
        us_img="school outside the United States and Canada, citizen of the United States",
        non_us_img="school outside the United States and Canada, any other citizenship",
    ),
    Variable("specialty", "Specialty of the rotation", "text", _NOTHING, (UNANSWERED,)),
    _category("modality", "How the rotation was done", in_person="in person", virtual="remotely"),
    Variable("grad_band", "Years from graduation to the Match", "text", _NOTHING, (UNANSWERED,)),
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
    ),
    Variable(
        "residency_specialty",
        "Specialty of the residency, as reported",
        "text",
        _NOTHING,
        (NOT_ASKED, REFUSED, UNANSWERED),
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
    ),
)
NAMES = tuple(variable.name for variable in VARIABLES)


def as_document() -> dict[str, Any]:
    """The codebook as JSON."""
    return {
        "version": VERSION,
        "encoding": "UTF-8, comma-separated, CRLF-free, header in the first line",
        "formula_guard": "text that a spreadsheet would take for a formula begins with '",
        "missing": dict(MISSING),
        "profiles": dict(PROFILES),
        "variables": [variable.as_document() for variable in VARIABLES],
    }


def as_markdown() -> str:
    """The codebook for people."""
    lines = [
        "# Codebook of the outcome export",
        "",
        f"Version `{VERSION}`. CSV in UTF-8 with a header; one row a person and Match year, in the",
        "order of Match year and person. Text that a spreadsheet would take for a formula begins",
        "with an apostrophe. The layout never depends on the content.",
        "",
        "## Missing values",
        "",
        "| code | meaning |",
        "| --- | --- |",
        *(f"| {code} | {label} |" for code, label in MISSING.items()),
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
        lines.append("")
        if variable.values:
            lines += [
                "| value | meaning |",
                "| --- | --- |",
                *(f"| {value} | {label} |" for value, label in variable.values.items()),
                "",
            ]
        if variable.missing:
            lines += [f"Missing: {', '.join(variable.missing)}.", ""]
    return "\n".join(lines)
