"""From the frame to the match: who was eligible, asked, answered, applied, matched.

Every count of a report is defined here, once, by what a row must say to be counted. Rows are
first gathered into cells of equal rows, so that a large panel is walked through once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from marketplace.reporting.rules.aapor import Dispositions
from marketplace.reporting.rules.panel import DISPOSITIONS, IMG_TYPES, SOURCES, PanelRow

GROUPS = ("all", *IMG_TYPES)


class Cell(NamedTuple):
    """What counts about a trainee; rows that agree in it are counted together."""

    img_type: str
    disposition: str
    invited: bool | None
    delivery: str | None
    match_items_answered: bool | None
    registered: bool | None
    certified_rol: bool | None
    main_result: str | None
    soap_result: str | None
    outside_match: bool | None
    lor_earned: bool | None
    outcome_source: str | None


Counted = Cell | PanelRow
_key: Callable[[PanelRow], tuple[object, ...]] = attrgetter(*Cell._fields)


def cells(rows: Iterable[PanelRow]) -> Counter[Cell]:
    """How many rows there are of each kind."""
    return Counter({Cell._make(key): n for key, n in Counter(map(_key, rows)).items()})


def eligible(cell: Counted) -> bool:
    """All but NE; the deceased, the bounced and the never invited stay eligible."""
    return cell.disposition != "NE"


def responded(cell: Cell) -> bool:
    return cell.disposition in {"I", "P"}


def answered(cell: Counted) -> bool:
    return eligible(cell) and cell.match_items_answered is True


def silent(cell: Cell) -> bool:
    """Eligible, and nothing is known of their Match."""
    return eligible(cell) and not answered(cell)


def registered(cell: Cell) -> bool:
    return answered(cell) and cell.registered is True


def active(cell: Counted) -> bool:
    """An active applicant: certified a rank order list."""
    return answered(cell) and cell.certified_rol is True


def matched(cell: Counted) -> bool:
    """An active applicant whom the algorithm matched to a PGY-1 position; SOAP is not in it."""
    return active(cell) and cell.main_result == "matched_pgy1"


def placed(cell: Cell) -> bool:
    """Answered, and in a PGY-1 position by the algorithm or by SOAP."""
    return answered(cell) and (
        cell.main_result == "matched_pgy1" or cell.soap_result == "placed_pgy1"
    )


def verified(cell: Cell) -> bool:
    """The result was seen in a document or a roster."""
    return cell.outcome_source in {"document_verified", "roster_verified"}


def lor_known(cell: Cell) -> bool:
    return eligible(cell) and cell.lor_earned is not None


def _disposition(code: str) -> Callable[[Cell], bool]:
    return lambda cell: cell.disposition == code


def _matched_by(source: str) -> Callable[[Cell], bool]:
    return lambda cell: matched(cell) and cell.outcome_source == source


# the counts that a report shows
COUNTS: Mapping[str, Callable[[Cell], bool]] = MappingProxyType(
    {
        "rows": lambda _: True,
        "eligible": eligible,
        "invited": lambda cell: eligible(cell) and cell.invited is True,
        "delivered": lambda cell: eligible(cell) and cell.delivery == "delivered",
        "contacted": lambda cell: cell.disposition in {"I", "P", "R", "O_deceased"},
        "responded_I_or_P": responded,
        "match_items_answered": answered,
        "silent": silent,
        "registered": registered,
        "active_applicants": active,
        "matched_pgy1": matched,
        "matched_pgy2_only": lambda cell: active(cell) and cell.main_result == "matched_pgy2_only",
        "placed_pgy1_active": lambda cell: active(cell) and placed(cell),
        "placed_pgy1_all_registered": lambda cell: registered(cell) and placed(cell),
        "outside_match": lambda cell: answered(cell) and cell.outside_match is True,
        "matched_verified": lambda cell: matched(cell) and verified(cell),
        "lor_known": lor_known,
        "lor_earned": lambda cell: lor_known(cell) and cell.lor_earned is True,
        **{f"matched_{source}": _matched_by(source) for source in SOURCES},
        **{f"disposition_{code}": _disposition(code) for code in DISPOSITIONS},
    }
)

# outcomes that no report counts but that shown counts would give away by subtraction
IMPLIED: Mapping[str, Callable[[Cell], bool]] = MappingProxyType(
    {
        "registered_not_active": lambda cell: registered(cell) and not active(cell),
        "active_not_matched": lambda cell: active(cell) and not matched(cell),
        "active_not_placed": lambda cell: active(cell) and not placed(cell),
        "registered_not_placed": lambda cell: registered(cell) and not placed(cell),
        "placed_by_soap": lambda cell: active(cell) and placed(cell) and not matched(cell),
        "matched_source_not_known": lambda cell: matched(cell) and cell.outcome_source is None,
        "lor_not_earned": lambda cell: lor_known(cell) and cell.lor_earned is False,
    }
)

# what a flow diagram shows as lost from one step to the next
LOSSES: Mapping[str, Callable[[Cell], bool]] = MappingProxyType(
    {
        "eligible_not_invited": lambda cell: eligible(cell) and cell.invited is not True,
        "answered_not_registered": lambda cell: answered(cell) and not registered(cell),
    }
)


def in_group(cell: Cell, group: str) -> bool:
    return group in {"all", cell.img_type}


def count(table: Mapping[Cell, int], group: str) -> dict[str, int]:
    """Every shown count of a group."""
    own = [(cell, n) for cell, n in table.items() if in_group(cell, group)]
    return {name: sum(n for cell, n in own if test(cell)) for name, test in COUNTS.items()}


def dispositions(counts: Mapping[str, int]) -> Dispositions:
    """A group's counts as AAPOR's; a panel of known trainees has no unknown cases."""
    return Dispositions(
        I=counts["disposition_I"],
        P=counts["disposition_P"],
        R=counts["disposition_R"],
        NC=sum(counts[f"disposition_{code}"] for code in DISPOSITIONS if code.startswith("NC")),
        O=counts["disposition_O_deceased"],
        NE=counts["disposition_NE"],
    )
