"""What a host asks its applicants: questions as values and as JSON, and what fits as an answer."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["text", "choice", "number"]
KINDS: tuple[Kind, ...] = ("text", "choice", "number")
LONGEST_TEXT = 4000
FEWEST_OPTIONS = 2


@dataclass(frozen=True)
class Question:
    """`key` names it within its set; `options`, `several` are of choices, bounds of numbers."""

    key: str
    text: str
    kind: Kind
    required: bool = True
    help: str = ""
    options: tuple[str, ...] = ()
    several: bool = False
    least: float | None = None
    most: float | None = None
    whole: bool = False
    longest: int = LONGEST_TEXT


def to_json(question: Question) -> dict[str, Any]:
    return {**asdict(question), "options": list(question.options)}


def from_json(stored: Mapping[str, Any]) -> Question:
    return Question(**{**stored, "options": tuple(stored["options"])})


def faults(questions: Sequence[Question]) -> dict[str, list[str]]:
    """What is wrong with a set, by field; empty if it can be asked."""
    found: dict[str, list[str]] = {}
    keys = Counter(question.key for question in questions)
    for number, question in enumerate(questions):
        here = f"questions.{number}"
        if keys[question.key] > 1:
            found[f"{here}.key"] = [f"{question.key} is used by another question."]
        if question.kind == "choice" and len(set(question.options)) < FEWEST_OPTIONS:
            found[f"{here}.options"] = ["A choice has two different options at least."]
        elif len(set(question.options)) < len(question.options):
            found[f"{here}.options"] = ["An option is named twice."]
        elif question.kind != "choice" and (question.options or question.several):
            found[f"{here}.options"] = [f"A {question.kind} has no options."]
        if question.kind != "number" and not (question.least is question.most is None):
            found[f"{here}.least"] = [f"A {question.kind} has no bounds."]
        if None not in (question.least, question.most) and question.least > question.most:  # type: ignore[operator] # neither is None
            found[f"{here}.most"] = [f"It is less than the least, {question.least:g}."]
    return found


def check(
    questions: Sequence[Question], answers: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the answers that count, and what is wrong by field (`answers.<key>`).

    Nothing, an empty text and an empty choice are no answer.
    """
    known = {question.key for question in questions}
    wrong = {f"answers.{key}": ["This is not asked."] for key in answers if key not in known}
    given = {}
    for question in questions:
        answer = answers.get(question.key)
        if isinstance(answer, str):
            answer = answer.strip()
        if answer in (None, "", []):
            if question.required:
                wrong[f"answers.{question.key}"] = [f"An answer is needed: {_wanted(question)}."]
            continue
        fault = _fault(question, answer)
        if fault:
            wrong[f"answers.{question.key}"] = [fault]
        else:
            given[question.key] = answer
    return given, wrong


def _fault(question: Question, answer: Any) -> str | None:
    fits = {"text": _is_text, "choice": _is_choice, "number": _is_number}[question.kind]
    return None if fits(question, answer) else f"Expected {_wanted(question)}."


def _is_text(question: Question, answer: Any) -> bool:
    return isinstance(answer, str) and len(answer) <= question.longest


def _is_choice(question: Question, answer: Any) -> bool:
    if not question.several:
        return isinstance(answer, str) and answer in question.options
    return (
        isinstance(answer, list)
        and all(isinstance(one, str) and one in question.options for one in answer)
        and len(set(answer)) == len(answer)
    )


def _is_number(question: Question, answer: Any) -> bool:
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return False
    try:
        value = float(answer)
    except OverflowError:
        return False
    if not math.isfinite(value) or (question.whole and not value.is_integer()):
        return False
    low = -math.inf if question.least is None else question.least
    high = math.inf if question.most is None else question.most
    return low <= value <= high


def _wanted(question: Question) -> str:
    """What would fit, in words."""
    if question.kind == "text":
        return f"a text of {question.longest} characters at most"
    if question.kind == "choice":
        some = "a list of one or more of" if question.several else "one of"
        return f"{some}: {', '.join(question.options)}"
    words = "a whole number" if question.whole else "a number"
    if question.least is not None:
        words += f" from {question.least:g}"
    if question.most is not None:
        words += f"{' up' if question.least is None else ''} to {question.most:g}"
    return words
