"""What answers to the questionnaire amount to, and what is wrong with them.

What makes a partial interview is fixed here, before fielding: the items on the Match answered,
others not. Dispositions: AAPOR, Standard Definitions (10th edition).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from marketplace.outcomes.rules import match
from marketplace.outcomes.rules.questions import LATEST, VERSIONS, Question

__all__ = ["LATEST", "VERSIONS", "Question"]
REFUSED = "refused"
# Asked first where it is asked: who says no is counted as one who refused, and says nothing else.
CONSENT = "consent_reporting"


class Disposition(StrEnum):
    INTERVIEW = "I"
    PARTIAL = "P"
    REFUSAL = "R"
    NO_REPLY = "NC_no_reply"
    BOUNCED = "NC_bounced"
    NOT_INVITED = "NC_not_invited"
    DECEASED = "O_deceased"
    NOT_ELIGIBLE = "NE"


SAID = frozenset({Disposition.INTERVIEW, Disposition.PARTIAL, Disposition.REFUSAL})


@dataclass(frozen=True)
class Meaning:
    """What a saved state of answers amounts to: fields of the outcome, letter, disposition."""

    fields: Mapping[str, match.Value]
    lor_earned: bool | None
    disposition: Disposition | None
    match_items_answered: bool
    refused_items: tuple[str, ...]
    consents: Mapping[str, bool]


OPTIONAL = frozenset({"program", "specialty", "interviews", "consent_research", "consent_named"})
CONSENTS = {
    CONSENT: "reporting",
    "consent_research": "research",
    "consent_named": "named_testimonial",
}


def asked(questions: tuple[Question, ...], answers: Mapping[str, Any]) -> list[Question]:
    """The questions that these answers lead to, in order; none by way of one that is not asked."""
    found: dict[str, Question] = {}
    for question in questions:
        if question.asked_if is None:
            found[question.name] = question
            continue
        leads, to = question.asked_if
        if leads in found and answers.get(leads) in to:
            found[question.name] = question
    return list(found.values())


def pages(questions: tuple[Question, ...], answers: Mapping[str, Any]) -> list[int]:
    """The pages that have something to ask of who gives these answers, in order."""
    return sorted({question.page for question in asked(questions, answers)})


def faults(version: str, answers: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the answers, by question; empty if nothing is."""
    known = {question.name: question for question in VERSIONS[version]}
    found: dict[str, list[str]] = {}
    for name, answer in answers.items():
        fault = _fault(known[name], answer) if name in known else "There is no such question."
        if fault:
            found[name] = [fault]
    return found


def meaning(version: str, answers: Mapping[str, Any], *, complete: bool) -> Meaning:
    """What the answers amount to. Answers to questions that are not asked any more don't count."""
    asked_now = asked(VERSIONS[version], answers)
    consents = {
        purpose: answers[name]
        for name, purpose in CONSENTS.items()
        if isinstance(answers.get(name), bool)
    }
    given = {
        question.name: answers[question.name]
        for question in asked_now
        if answers.get(question.name) not in (None, REFUSED)
    }
    fields = {name: value for name, value in given.items() if name in match.FIELDS}
    if given.get("registered") is False:
        fields["certified_rol"] = False
    if fields.get("certified_rol") is False:
        fields["main_result"] = match.MainResult.NOT_IN_ALGORITHM.value
        fields.setdefault("soap_result", match.SoapResult.NOT_APPLICABLE.value)
    answered = {"registered", "certified_rol", "main_result"} <= fields.keys()
    open_items = [q.name for q in asked_now if q.name not in answers and q.name not in OPTIONAL]
    disposition = None
    if answered:
        whole = complete and not open_items
        disposition = Disposition.INTERVIEW if whole else Disposition.PARTIAL
    elif complete or consents.get("reporting") is False:
        disposition = Disposition.REFUSAL
    refused = tuple(q.name for q in asked_now if answers.get(q.name) == REFUSED)
    return Meaning(fields, given.get("lor_earned"), disposition, answered, refused, consents)


def counted_as(frame_flag: str | None, disposition: Disposition) -> Disposition:
    """What a member counts as who would count as `disposition`, but is marked in the frame.

    A duplicate is not eligible. Who has died stays eligible, and what they said before stands.
    """
    if frame_flag == "duplicate":
        return Disposition.NOT_ELIGIBLE
    if frame_flag == "deceased" and disposition not in SAID:
        return Disposition.DECEASED
    return disposition


def _fault(question: Question, answer: Any) -> str | None:
    if answer == REFUSED:
        return None
    if question.kind == "flag":
        return None if isinstance(answer, bool) else "Answer true or false."
    if question.kind == "choice":
        return None if answer in question.options else f"One of: {', '.join(question.options)}."
    if question.kind == "count":
        whole = isinstance(answer, int) and not isinstance(answer, bool)
        fits = whole and 0 <= answer <= match.MOST_INTERVIEWS
        return None if fits else f"A whole number from 0 to {match.MOST_INTERVIEWS}."
    if not isinstance(answer, str) or len(answer) > match.LONGEST_NAME or "\x00" in answer:
        return f"Text of at most {match.LONGEST_NAME} characters."
    return None
