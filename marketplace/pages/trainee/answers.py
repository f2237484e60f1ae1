"""Answers to a host's questions, as a form has them."""

from collections.abc import Sequence
from typing import Any

from flask import request

from marketplace.booking.rules.questions import Question


def answers_of(asked: Sequence[Question], prefix: str = "answer-") -> dict[str, Any]:
    """The answers of the form, as the kinds of the questions have them."""
    found: dict[str, Any] = {}
    for question in asked:
        name = f"{prefix}{question.key}"
        values = [value for value in request.form.getlist(name) if value.strip()]
        if not values:
            continue
        if question.kind == "choice" and question.several:
            found[question.key] = values
        elif question.kind == "number":
            found[question.key] = _number(values[0])
        else:
            found[question.key] = values[0]
    return found


def _number(text: str) -> float | int | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
