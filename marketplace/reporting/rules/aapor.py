"""Response, cooperation, refusal and contact rates as AAPOR defines them.

Source: The American Association for Public Opinion Research, Standard Definitions: Final
Dispositions of Case Codes and Outcome Rates for Surveys.
"""

from dataclasses import dataclass, fields

from marketplace.reporting.errors import Negative
from marketplace.reporting.rules.exact_tests import check_proportion
from marketplace.reporting.rules.intervals import ratio


@dataclass(frozen=True, slots=True)
class Dispositions:
    """How many cases ended in each way.

    I complete, P partial, R refused, NC not contacted, O other eligible (deceased), UH unknown
    whether the case exists, UO unknown whether eligible for another reason, NE not eligible.
    """

    I: int = 0  # noqa: E741 - the field's own letter
    P: int = 0
    R: int = 0
    NC: int = 0
    O: int = 0  # noqa: E741 - the field's own letter
    UH: int = 0
    UO: int = 0
    NE: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise Negative(f"{field.name} can't be negative")

    @property
    def interviewed(self) -> int:
        return self.I + self.P

    @property
    def eligible(self) -> int:
        """All that are known to be eligible."""
        return self.I + self.P + self.R + self.NC + self.O

    @property
    def unknown(self) -> int:
        return self.UH + self.UO

    def share_eligible(self) -> float | None:
        """e: the share of those of known eligibility who are eligible; None where 0/0."""
        return ratio(self.eligible, self.eligible + self.NE)


def rates(cases: Dispositions) -> dict[str, float | None]:
    """The rates with e, the share of the unknown cases taken as eligible, as among the known."""
    return rates_at(cases, cases.share_eligible())


def rates_at(cases: Dispositions, e: float | None) -> dict[str, float | None]:
    """e, RR1 to RR6, COOP1 to COOP4, REF1 to REF3, CON1 to CON3; None is an e not known."""
    if e is not None:
        check_proportion(e, "e")
    known = cases.eligible
    every = known + cases.unknown
    # without unknown cases e plays no part, even where it can't be estimated
    estimated = known if cases.unknown == 0 else None if e is None else known + e * cases.unknown
    contacted = cases.interviewed + cases.R + cases.O
    complete, interviewed, refused = cases.I, cases.interviewed, cases.R
    return {
        "e": e,
        "RR1": ratio(complete, every),
        "RR2": ratio(interviewed, every),
        "RR3": _ratio(complete, estimated),
        "RR4": _ratio(interviewed, estimated),
        "RR5": ratio(complete, known),
        "RR6": ratio(interviewed, known),
        "COOP1": ratio(complete, contacted),
        "COOP2": ratio(interviewed, contacted),
        "COOP3": ratio(complete, interviewed + refused),
        "COOP4": ratio(interviewed, interviewed + refused),
        "REF1": ratio(refused, every),
        "REF2": _ratio(refused, estimated),
        "REF3": ratio(refused, known),
        "CON1": ratio(contacted, every),
        "CON2": _ratio(contacted, estimated),
        "CON3": ratio(contacted, known),
    }


def _ratio(numerator: float, denominator: float | None) -> float | None:
    return None if denominator is None else ratio(numerator, denominator)
