"""The weighting of a report's groups: which variables, which frame, what may be published."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from operator import attrgetter
from typing import Any

from marketplace.reporting.errors import FigureRefused
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.weighting import Kind, weigh

# The counts whose sums the raked tables have.
SUMS = frozenset(
    {"eligible", "silent", "match_items_answered", "active_applicants", "matched_pgy1"}
)
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


def weighting_document(rows: Sequence[PanelRow], group: str) -> dict[str, Any]:
    """The group's weighting, or why there is none."""
    kinds = kinds_of(rows, group)
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


def may_be_shown(
    rows: Sequence[PanelRow],
    k: int,
    groups: Mapping[str, Collection[str]],
    categories: Mapping[str, Mapping[str, Collection[str]] | None],
    earlier: Sequence[Sequence[PanelRow]] = (),
) -> bool:
    """Whether a report that hides these counts may show its weighting: of all groups, or of none.

    A weighted rate is a function of every cell of the raked table. So none of those may hold 1 to
    k - 1 of the frame, of the respondents, applicants or matched, by applicant type too: else one
    group's table less another's is small. No sum of them may be hidden elsewhere, for whatever
    reason; and none may have changed by 1 to k - 1 since an earlier version.
    """
    hidden = [
        *groups.values(),
        *(one for found in categories.values() for one in (found or {}).values()),
    ]
    if any(not SUMS.isdisjoint(names) for names in hidden):
        return False
    tables = tables_of(kinds_of(rows, "all"))
    before = [tables_of(kinds_of(version, "all")) for version in earlier]
    return not _small(tables, {}, k) and not any(_small(tables, one, k) for one in before)


def has_small_cell(kinds: Mapping[Kind, int], k: int) -> bool:
    """Whether any count that the weights are a function of is from 1 to k - 1.

    By itself this was once enough to show them, and for the methods of then it is.
    """
    return _small(tables_of(kinds), {}, k)


def tables_of(kinds: Mapping[Kind, int]) -> Counter[tuple[str, ...]]:
    """The counts that the weights are a function of, by what is counted and the categories."""
    tables = Counter[tuple[str, ...]]()
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
                tables[name, *kind.categories] += n
    return tables


def _small(
    tables: Mapping[tuple[str, ...], int], before: Mapping[tuple[str, ...], int], k: int
) -> bool:
    return any(
        0 < abs(tables.get(cell, 0) - before.get(cell, 0)) < k for cell in {*tables, *before}
    )
