"""What a host accepts as proof of English: any one of the ways that a listing names is enough.

A cell reads `none`, or ways by semicolons: `native;OET 350;TOEFL 80;IELTS 6.5`. A TOEFL iBT total
is from 0 to 120, an IELTS overall band from 0 to 9 in halves, an OET part from 0 to 500 in tens;
of OET the least score in each of the four parts is meant.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from marketplace.catalog.rules.cells import CellFault, Read, split

ACCEPTED = "none, or by semicolons any of: native, TOEFL 1 to 120, IELTS 1 to 9, OET 10 to 500"
HIGHEST = {"toefl_ibt": Decimal(120), "ielts": Decimal(9), "oet": Decimal(500)}
STEP = {"toefl_ibt": Decimal(1), "ielts": Decimal("0.5"), "oet": Decimal(10)}
_NAMES = {"toefl_ibt": "TOEFL", "ielts": "IELTS", "oet": "OET"}
_WAY = re.compile(
    r"(?P<test>toefl|ielts|oet)(?:[ -]?ibt)?\s*(?:>=|at least|min\.?|:|=)?\s*"
    r"(?P<score>\d{1,3}(?:\.\d)?)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class EnglishTerms:
    """Each way that is accepted; with none of them English is not asked for.

    `native` is whoever was brought up or taught in English; the scores are least ones.
    """

    native: bool = False
    toefl_ibt: int | None = None
    ielts: Decimal | None = None
    oet: int | None = None

    @property
    def asked(self) -> bool:
        """Whether any proof is asked for."""
        return self.native or any(least is not None for least in self.least.values())

    @property
    def least(self) -> dict[str, Decimal | int | None]:
        """The least score by test, named as in a trainee's profile; none if not accepted."""
        return {"toefl_ibt": self.toefl_ibt, "ielts": self.ielts, "oet": self.oet}


NOT_ASKED = EnglishTerms()


def text_of(terms: EnglishTerms) -> str:
    """The terms as a cell, empty where English is not asked for."""
    scores = [f"{_NAMES[test]} {least}" for test, least in terms.least.items() if least is not None]
    return ";".join((["native"] if terms.native else []) + scores)


def read(text: str) -> Read[EnglishTerms]:
    """Read a cell; a test that is named twice, or a score that no test gives, is refused."""
    if text.casefold() in {"none", "no", "not required"}:
        return Read(NOT_ASKED, "nothing asked")
    native, least = False, dict[str, Decimal]()
    for part in split(text):
        if part.casefold() in {"native", "native speaker"}:
            native = True
            continue
        match = _WAY.fullmatch(part)
        if match is None:
            raise CellFault("not_an_english_proof", ACCEPTED)
        test = match["test"].casefold().replace("toefl", "toefl_ibt")
        if test in least:
            raise CellFault("contradiction", f"one score for {_NAMES[test]}")
        least[test] = _score(test, Decimal(match["score"]))
    terms = EnglishTerms(native, _whole(least, "toefl_ibt"), _band(least), _whole(least, "oet"))
    written = text_of(terms)
    return Read(terms, None if written == text else written)


def _score(test: str, score: Decimal) -> Decimal:
    step, most = STEP[test], HIGHEST[test]
    if not step <= score <= most or score % step:
        name = _NAMES[test]
        raise CellFault("score_out_of_range", f"{name} from {step} to {most} in steps of {step}")
    return score


def _whole(least: dict[str, Decimal], test: str) -> int | None:
    return int(least[test]) if test in least else None


def _band(least: dict[str, Decimal]) -> Decimal | None:
    return least["ielts"].quantize(Decimal("0.1")) if "ielts" in least else None
