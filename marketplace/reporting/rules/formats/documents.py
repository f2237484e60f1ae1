"""What goes with the rows: REDCap's data dictionary, DDI-Codebook 2.5, and a file to read first."""

import csv
import io
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from marketplace.reporting.rules import codebook
from marketplace.reporting.rules.codebook import MISSING, VARIABLES, Variable
from marketplace.reporting.rules.formats.table import Table

DDI = "ddi:codebook:2_5"
# As REDCap's own template names them; it takes no other first line.
REDCAP_COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
    "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name",
    "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
_FORM = "outcomes"
_PERSONAL = frozenset({"account_id", "external_id"})


def redcap() -> str:
    """The data dictionary: with it, REDCap imports the CSV of one Match year as it is."""
    out = io.StringIO()
    writer = csv.DictWriter(out, REDCAP_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for variable in VARIABLES:
        writer.writerow(_field(variable))
    return out.getvalue()


def _field(variable: Variable) -> dict[str, str]:
    missing = {code: MISSING[code] for code in variable.missing}
    row = {
        "Variable / Field Name": variable.name,
        "Form Name": _FORM,
        "Field Type": "radio" if variable.values else "text",
        "Field Label": variable.label,
        "Field Note": variable.note,
        "Identifier?": "y" if variable.name in _PERSONAL else "",
    }
    if variable.values:
        # A bar ends a choice, so no label has one.
        choices = {**variable.values, **missing}
        row["Choices, Calculations, OR Slider Labels"] = " | ".join(
            f"{value}, {label}" for value, label in choices.items()
        )
    elif missing:
        row["Field Annotation"] = "; ".join(f"{code} = {label}" for code, label in missing.items())
    if variable.kind == "count":
        row["Text Validation Type OR Show Slider Number"] = "integer"
    return row


def ddi(table: Table, files: Sequence[str]) -> str:
    """The codebook as DDI-Codebook 2.5; `files` names the files that hold the rows.

    Order of elements: the schema, <https://ddialliance.org/Specification/DDI-Codebook/2.5/>.
    """
    root = Element("codeBook", {"xmlns": DDI, "version": "2.5"})
    citation = SubElement(SubElement(root, "stdyDscr"), "citation")
    SubElement(SubElement(citation, "titlStmt"), "titl").text = table.title
    version = SubElement(SubElement(citation, "verStmt"), "version")
    version.set("date", f"{table.as_of:%Y-%m-%d}")
    version.text = f"{codebook.VERSION}, as known at {table.as_of.isoformat()}"
    for number, name in enumerate(files, start=1):
        described = SubElement(root, "fileDscr", {"ID": f"F{number}"})
        text = SubElement(described, "fileTxt")
        SubElement(text, "fileName").text = name
        size = SubElement(text, "dimensns")
        SubElement(size, "caseQnty").text = str(table.rows)
        SubElement(size, "varQnty").text = str(len(VARIABLES))
    data = SubElement(root, "dataDscr")
    where = " ".join(f"F{number}" for number in range(1, len(files) + 1))
    for number, variable in enumerate(VARIABLES, start=1):
        _described(SubElement(data, "var", {"ID": f"V{number}", "name": variable.name}), variable)
        data[-1].set("files", where)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n"


def _described(var: Element, variable: Variable) -> None:
    var.set("intrvl", "contin" if variable.kind == "count" else "discrete")
    SubElement(var, "labl").text = variable.label
    if variable.missing:
        invalid = SubElement(var, "invalrng")
        for code in variable.missing:
            SubElement(invalid, "item", {"VALUE": code})
    if variable.note:
        SubElement(var, "txt").text = variable.note
    for value, label in variable.values.items():
        _category(var, value, label, "N")
    for code in variable.missing:
        _category(var, code, MISSING[code], "Y")
    SubElement(var, "varFormat", {"type": "numeric" if variable.numeric else "character"})


def _category(var: Element, value: str, label: str, missing: str) -> None:
    category = SubElement(var, "catgry", {"missing": missing})
    SubElement(category, "catValu").text = value
    SubElement(category, "labl").text = label


_USES = {
    ".csv": "comma-separated, UTF-8, the names in the first line",
    ".xlsx": "a workbook; its second sheet is the codebook",
    ".parquet": "Parquet; the codebook stands in its metadata, key `codebook`",
    ".sav": "SPSS; -9 to -6 are declared as missing, words are numbers with labels",
    ".dta": "Stata 14 and later; missing codes are .w .n .r .u, words are numbers with labels",
    ".jsonl": "JSON Lines, an object a row",
}
_BESIDE = {
    "codebook.json": "what each variable means, for programs",
    "codebook.md": "the same for people",
    "redcap.csv": "data dictionary for REDCap (Project Setup, Data Dictionary)",
    "ddi.xml": "the codebook as DDI-Codebook 2.5, for archives",
    "changes.csv": "the difference from an earlier export: a line a changed value",
    "changes.json": "the difference in counts",
    "manifest.json": "size and SHA-256 of every other file",
}


def readme(table: Table, files: Sequence[str]) -> str:
    """What is in the export and how to read it; `files` are all of its names."""
    told = []
    for name in files:
        ending = name[name.rindex(".") :]
        told.append(f"| {name} | {_BESIDE[name] if name in _BESIDE else _USES[ending]} |")
    lines = [
        f"# {table.title}",
        "",
        f"{table.rows} rows, one a person and Match year, as they were known at",
        f"{table.as_of.isoformat()}. Codebook {codebook.VERSION}. Profile {table.profile}:",
        f"{codebook.PROFILES[table.profile]}",
        "",
        "| file | what it is |",
        "| --- | --- |",
        *told,
        "",
        "## Missing values",
        "",
        *(f"- {code}: {label}" for code, label in MISSING.items()),
        "",
        "None of them is a value: leave them out of every mean and every denominator, or say",
        "which of them are in it.",
        "",
        "## Is it whole?",
        "",
        "`sha256sum` of each file is in manifest.json.",
        "",
    ]
    return "\n".join(lines)
