"""The questionnaire as data, by version: words in each language, pages, and who is asked what.

A version that a campaign has is never changed: what is asked otherwise is a new version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

LATEST = "match-2"


@dataclass(frozen=True)
class Question:
    """`asked_if` names a question and the answers to it that lead here; None: always asked.

    A question stands on a later page than the one that it is asked by, so that no script is
    needed to follow the routing.
    """

    name: str
    text: str
    kind: str
    options: tuple[str, ...] = ()
    asked_if: tuple[str, tuple[Any, ...]] | None = None
    spanish: str = ""
    page: int = 1

    @property
    def texts(self) -> dict[str, str]:
        """The question in each language."""
        return {"en": self.text, "es": self.spanish or self.text}


_YES = ("registered", (True,))
_RANKED = ("certified_rol", (True,))
_FIRST = (
    Question(
        "registered",
        "Did you register for this year's Main Residency Match?",
        "flag",
        spanish="¿Se inscribió en el Main Residency Match de este año?",
    ),
    Question(
        "certified_rol",
        "Did you certify a rank order list?",
        "flag",
        asked_if=_YES,
        spanish="¿Certificó una lista de preferencias (rank order list)?",
        page=2,
    ),
    Question(
        "main_result",
        "What was the result of the Match (not of SOAP)?",
        "choice",
        ("matched_pgy1", "matched_pgy2_only", "unmatched"),
        asked_if=_RANKED,
        spanish="¿Cuál fue el resultado del Match (sin contar SOAP)?",
        page=3,
    ),
    Question(
        "soap_result",
        "Were you placed in a PGY-1 position by SOAP?",
        "choice",
        ("placed_pgy1", "not_placed", "not_applicable"),
        asked_if=_YES,
        spanish="¿Obtuvo una plaza PGY-1 por SOAP?",
        page=3,
    ),
    Question(
        "outside_match",
        "Did you take a residency position outside of the Match?",
        "flag",
        spanish="¿Aceptó una plaza de residencia fuera del Match?",
        page=4,
    ),
    Question(
        "interviews",
        "At how many programs did you interview?",
        "count",
        asked_if=_YES,
        spanish="¿En cuántos programas tuvo entrevista?",
        page=4,
    ),
    Question("program", "Which program?", "text", spanish="¿En qué programa?", page=4),
    Question("specialty", "In which specialty?", "text", spanish="¿En qué especialidad?", page=4),
    Question(
        "lor_earned",
        "Did the rotation earn you a letter of recommendation?",
        "flag",
        spanish="¿Obtuvo por la rotación una carta de recomendación?",
        page=5,
    ),
)
_AGREED = ("consent_reporting", (True,))
_CONSENT = Question(
    "consent_reporting",
    "May we count your answers, without your name, in our published report?",
    "flag",
    spanish="¿Podemos contar sus respuestas, sin su nombre, en el informe que publicamos?",
)
_PURPOSES = (
    Question(
        "consent_research",
        "May researchers have your answers, without your name?",
        "flag",
        asked_if=_AGREED,
        spanish="¿Pueden usar sus respuestas, sin su nombre, quienes investigan?",
        page=6,
    ),
    Question(
        "consent_named",
        "May we tell others your name and program as an example?",
        "flag",
        asked_if=_AGREED,
        spanish="¿Podemos contar a otros su nombre y su programa como ejemplo?",
        page=6,
    ),
)


def _after_consent() -> tuple[Question, ...]:
    """As first asked, but only of who agrees to be counted, and with the other purposes."""
    rest = (
        replace(question, asked_if=question.asked_if or _AGREED, page=question.page + 1)
        for question in _FIRST
    )
    purposes = (replace(question, page=question.page + 1) for question in _PURPOSES)
    return (_CONSENT, *rest, *purposes)


VERSIONS: Mapping[str, tuple[Question, ...]] = {"match-1": _FIRST, LATEST: _after_consent()}
