"""What a form sends, read by the very schemas of the API; typed values are kept beside errors."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import request
from marshmallow import Schema, ValidationError
from sqlalchemy.exc import IntegrityError

from marketplace.core.errors import DomainError
from marketplace.core.money import Money
from marketplace.pages import again, once
from marketplace.web import context
from marketplace.web.problems import flatten
from marketplace.web.problems import meant as meant_by

IN_FORMS = once.OURS | {"next", again.KEPT}
# What a form can be refused for and shown again; all else is an error page.
SHOWN_AGAIN = frozenset({409, 412, 413, 422})
Errors = Mapping[str, list[str]]
LONGEST_NUMBER = 9
# As marshmallow says it.
MISSING = "Missing data for required field."
UNTICKED = "Tick at least one."
LENGTH = "Length must be between 1 and "
# What a service or the database says no with.
REFUSALS = (DomainError, IntegrityError)
Done = TypeVar("Done")


def read(schema: Schema, given: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """Values as the schema loads them, and what is wrong by field; one of them is empty."""
    try:
        return schema.load(given), {}
    except ValidationError as refused:
        errors = flatten(refused.messages)
        return {}, {name: _said(given.get(name), texts) for name, texts in errors.items()}


def _said(value: object, texts: list[str]) -> list[str]:
    """What is wrong with a value; of a text that was left empty, that it is, and not its length."""
    empty = value is None or (isinstance(value, str) and not value.strip())
    if not any(text.startswith(LENGTH) for text in texts):
        return texts
    return [MISSING] if empty else [UNTICKED] if value == [] else texts


def typed() -> dict[str, str]:
    """The fields of the form as they were typed; those left empty are not there."""
    return {
        name: value
        for name, value in request.form.items()
        if name not in IN_FORMS and value.strip()
    }


def wrong(error: DomainError, field: str) -> Errors:
    """A refusal as errors by field; one that names none stands beside `field`."""
    if error.fields:
        return {name: list(texts) for name, texts in error.fields.items()}
    return {field: [" ".join(text for text in (error.title, error.detail) if text)]}


def meant(error: DomainError | IntegrityError) -> DomainError:
    """What was refused, with all that was done before it undone: the page shows what is."""
    context.session().rollback()
    return error if isinstance(error, DomainError) else meant_by(error)


def tried(action: Callable[[], Done], field: str) -> tuple[Done | None, Errors]:
    """What a service did, or its refusal by field: then nothing of it is left in the session."""
    try:
        return action(), {}
    except REFUSALS as error:
        refused = meant(error)
    if refused.status not in SHOWN_AGAIN:
        raise refused
    return None, wrong(refused, field)


def carried_out(
    schema: Schema,
    given: Mapping[str, Any],
    action: Callable[[dict[str, Any]], object],
    field: str,
) -> Errors:
    """Read what a form says and do it; what is wrong with either, by field, else nothing."""
    values, errors = read(schema, given)
    if not errors:
        _, errors = tried(lambda: action(values), field)
    return errors


def cursor() -> str | None:
    """Where in a list to go on, as the address of the page says."""
    return request.args.get("cursor") or None


def amount(text: str, currency: str, field: str = "amount") -> tuple[dict[str, Any], Errors]:
    """An amount as people type one (1,250.00, $20) as the API has it, or what is wrong with it."""
    try:
        found = Money.parse(text.strip().replace(",", "").lstrip("$"), currency)
    except ValueError:
        return {}, {field: ["Expected an amount, such as 150.00."]}
    return {"amount": found.minor, "currency": found.currency}, {}


def number(text: str | None) -> int | None:
    """A whole number as people write one, of nine digits at most; None for anything else."""
    plain = (text or "").strip()
    # What else counts as a digit (²) is no number to `int`, nor are thousands of digits.
    good = plain.isascii() and plain.isdigit() and len(plain) <= LONGEST_NUMBER
    return int(plain) if good else None


def whole_number(text: str) -> int | str:
    """A number that was typed as one; anything else as it is, for the schema to refuse."""
    found = number(text)
    return text if found is None else found
