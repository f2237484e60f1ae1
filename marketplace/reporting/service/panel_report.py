"""The report of a panel that comes from elsewhere, as data and as text."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any, TextIO

from marketplace.reporting.rules.benchmarks import Benchmark, conflicts, read_benchmarks
from marketplace.reporting.rules.cohort import report
from marketplace.reporting.rules.corrections import Correction, apply, read_corrections
from marketplace.reporting.rules.panel import contradictions, read_panel
from marketplace.reporting.rules.publication import SMALL

DATA = files("marketplace.reporting") / "data"


def published_benchmarks() -> list[Benchmark]:
    """The registry of published figures that the product comes with."""
    with (DATA / "match_benchmarks.csv").open(encoding="utf-8") as source:
        return read_benchmarks(source)


def panel_report(
    panel: TextIO,
    corrections: TextIO | None,
    *,
    year: int,
    as_of: date | None,
    public: bool,
    benchmarks: Sequence[Benchmark],
    k: int = SMALL,
) -> dict[str, Any]:
    """The report of a panel CSV for a Match year, with its corrections as of a date.

    Raises TableUnreadable, naming every bad cell, and then nothing is worked out. Without a
    date every correction that is not retracted counts. The published form leaves out what names
    single trainees: corrections and contradictions.
    """
    rows = read_panel(panel, year)
    events: list[Correction] = read_corrections(corrections) if corrections else []
    corrected = apply(rows, events, year, as_of)
    document = report(
        corrected.rows, year=year, as_of=as_of, benchmarks=benchmarks, public=public, k=k
    )
    document["benchmark_conflicts"] = [
        {
            "population": group[0].population,
            "metric": group[0].metric,
            "specialty": group[0].specialty,
            "values": [
                {"value": str(item.value), "status": item.status, "source": item.source}
                for item in group
            ],
        }
        for group in conflicts(benchmarks)
        if group[0].match_year == year
    ]
    if not public:
        document["corrections"] = {
            "applied": corrected.applied,
            "left_out": corrected.left_out,
            "surprises": corrected.surprises,
        }
        document["contradictions"] = contradictions(corrected.rows)
    return document


def render_text(document: Mapping[str, Any]) -> str:
    """The report for reading: figures by group, then the sentences that may be published."""
    dated = f", as of {document['as_of']}" if document["as_of"] else ""
    lines = [f"Outcomes in the {document['match_year']} Match{dated}"]
    if document["public"]:
        lines.append(f"Published form: {document['hidden']} stands for a figure that is hidden.")
    for group, figures in document["groups"].items():
        lines += ["", group, *_figures(figures, indent=2)]
        lines += ["  weighting", *_weighting(document["weighting"][group])]
    lines += ["", "Sentences that may be published, whole:"]
    lines += [f"- {claim['text']}" for claim in document["claims"]] or ["- none"]
    for name in ("contradictions",):
        if document.get(name):
            lines += ["", f"{name.capitalize()}:", *(f"- {item}" for item in document[name])]
    surprises = document.get("corrections", {}).get("surprises", [])
    if surprises:
        lines += ["", "Corrections that did not find what they expected:"]
        lines += [f"- {item}" for item in surprises]
    return "\n".join(lines) + "\n"


def _weighting(figures: Mapping[str, Any] | str) -> list[str]:
    return [f"    {figures}"] if isinstance(figures, str) else _figures(figures, indent=4)


def _figures(figures: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines += [f"{' ' * indent}{name}", *_figures(value, indent + 2)]
        else:
            lines.append(f"{' ' * indent}{name:<{44 - indent}}{_written(value)}")
    return lines


def _written(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return " to ".join(_written(item) for item in value)
    return str(value)
