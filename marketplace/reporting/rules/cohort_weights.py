"""The weighting of a report's groups: which variables, which frame, what may be published."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from marketplace.reporting.errors import FigureRefused
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.showing import HIDDEN
from marketplace.reporting.rules.weighting import Kind, weigh

VARIABLES = ("specialty", "modality", "grad_band")


def variables_of(group: str) -> tuple[str, ...]:
    """The margins that a group is raked to: the frame's fixed facts about a trainee."""
    return ("img_type", *VARIABLES) if group == "all" else VARIABLES


def kinds_of(rows: Sequence[PanelRow], group: str) -> dict[Kind, int]:
    """The eligible of a group, counted by what weighting looks at; not known is a category."""
    variables = variables_of(group)
    facts = attrgetter("match_items_answered", "certified_rol", "main_result", *variables)
    found = Counter(
        facts(row) for row in rows if row.disposition != "NE" and group in ("all", row.img_type)
    )
    kinds = Counter[Kind]()
    for (answered, certified, result, *categories), n in found.items():
        kinds[
            Kind(
                categories=tuple(category or "not_known" for category in categories),
                respondent=answered is True,
                applicant=certified is True,
                matched=result == "matched_pgy1",
            )
        ] += n
    return kinds


def weighting_document(
    rows: Sequence[PanelRow], group: str, k: int | None = None
) -> dict[str, Any] | str:
    """The group's weighting, or why there is none; hidden where a cell below it is small.

    A weighted rate is a function of every cell of the raked table, so it is published only if
    none of those holds 1 to k - 1 of the frame, of the respondents, applicants or matched.
    """
    kinds = kinds_of(rows, group)
    if k is not None and has_small_cell(kinds, k):
        return HIDDEN
    variables = variables_of(group)
    try:
        found = weigh(kinds, variables)
    except FigureRefused as error:
        return {
            "variables": list(variables),
            "error": {"code": error.code, "message": str(error)},
        }
    return {
        "variables": list(variables),
        **asdict(found),
        "wilson_on_effective_n": found.wilson_on_effective_n.limits(),
    }


def has_small_cell(kinds: Mapping[Kind, int], k: int) -> bool:
    """Whether any count that the weights are a function of is from 1 to k - 1."""
    tables: dict[str, Counter[tuple[str, ...]]] = {}
    for kind, n in kinds.items():
        tests = {
            "frame": True,
            "silent": not kind.respondent,
            "respondents": kind.respondent,
            "applicants": kind.respondent and kind.applicant,
            "not applicants": kind.respondent and not kind.applicant,
            "matched": all(kind[1:]),
            "unmatched": kind.respondent and kind.applicant and not kind.matched,
        }
        for name, holds in tests.items():
            if holds:
                tables.setdefault(name, Counter())[kind.categories] += n
    return any(0 < n < k for table in tables.values() for n in table.values())
