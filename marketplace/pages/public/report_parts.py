"""The parts of a report as a page: sections, tables, and figures as they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.pages.view import Reader
from marketplace.pages.words import noted
from marketplace.reporting.rules.charts import Drawing, Estimate
from marketplace.reporting.rules.showing import HIDDEN

Document = Mapping[str, Any]
UNKNOWN = "–"
ASKED = (
    ("eligible", noted("Eligible")),
    ("invited", noted("Invited")),
    ("delivered", noted("Delivered")),
)


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first cell of a row names it."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading with texts, perhaps a chart, and tables; `sentences` are in English always."""

    title: str
    texts: Sequence[str] = ()
    sentences: Sequence[str] = ()
    chart: Drawing | None = None
    table: Table | None = None
    code: str = ""


def percent(value: Any) -> str:
    """A proportion in per cent; what is hidden is hidden, what is not known is a dash."""
    if value == HIDDEN:
        return HIDDEN
    return UNKNOWN if value is None else f"{100 * value:.1f}%"


def span(value: Any) -> str:
    """Two limits in per cent."""
    if value == HIDDEN:
        return HIDDEN
    known = value is not None and None not in value
    return f"{percent(value[0])} – {percent(value[1])}" if known else UNKNOWN


def estimate(who: Reader, label: str, figures: Document) -> Estimate:
    rate = figures["match_rate"]
    interval, bounds = figures["wilson95"], figures["manski_unknown_applicants"]
    shown = rate != HIDDEN and rate is not None
    said_there = percent(rate) if rate is not None else who.say("no applicants")
    return Estimate(
        label=label,
        rate=rate if shown else None,
        interval=limits(interval),
        bounds=limits(bounds),
        benchmark=figures.get("benchmark"),
        said=said_there,
    )


def limits(value: Any) -> tuple[float, float] | None:
    known = value != HIDDEN and value is not None and None not in value
    return (value[0], value[1]) if known else None


def rate_cells(figures: Document) -> list[str]:
    return [
        *(
            str(figures[name])
            for name in ("eligible", "match_items_answered", "active_applicants", "matched_pgy1")
        ),
        percent(figures["match_rate"]),
        span(figures["wilson95"]),
        span(figures["manski_unknown_applicants"]),
    ]


def disposition(who: Reader, code: str) -> str:
    """AAPOR's letters and what they mean."""
    return f"{code.partition('_')[0]} · {who.label(f'aapor_{code}')}"


def of(value: Any, name: str) -> str:
    return percent(value[name]) if isinstance(value, Mapping) else percent(value)


def p_value(value: Any) -> str:
    if value == HIDDEN:
        return HIDDEN
    return UNKNOWN if value is None else f"{value:.4f}"


def number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
