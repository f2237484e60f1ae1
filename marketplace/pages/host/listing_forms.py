"""A listing as its form has it: what was typed as JSON for the API's schema, and a row as typed."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from marketplace.catalog.rules import vocabulary
from marketplace.catalog.rules.deposits import DepositKind
from marketplace.core.money import Money
from marketplace.pages import forms

# Boxes of which several may be ticked, and the closed lists that they are of.
SEVERAL = {"duties": "duty", "visa_types": "visa", "documents": "document"}
CHOICES = {
    "setting": "setting",
    "audience": "audience",
    "letter_policy": "letter_policy",
    "approval": "approval",
    "claimed_tier": "tier",
}
NUMBERS = ("weeks_min", "weeks_max", "seats_per_week", "lead_days", "step2_min")
ENGLISH = ("english_native", "english_toefl_ibt", "english_ielts", "english_oet")
PLAIN = (
    *("external_id", "preceptor_id", "title", "specialty", "setting", "audience"),
    *("first_start", "last_start", "letter_policy", "cancellation_policy", "approval"),
)
# Left empty they are emptied, where others that are left empty are missing.
EMPTIED = {"residency_affiliation": "", "notes": "", "claimed_tier": None, "step2_min": None}


def typed() -> dict[str, Any]:
    """The form as it was typed; boxes as lists."""
    given: dict[str, Any] = dict(forms.typed())
    return {**given, **{name: request.form.getlist(name) for name in SEVERAL}}


def as_json(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the form says, as the API would be told, and what can't be said so."""
    errors: dict[str, list[str]] = {}
    data: dict[str, Any] = {name: given[name] for name in PLAIN if given.get(name)}
    data |= {name: given.get(name) or empty for name, empty in EMPTIED.items()}
    data |= {name: given[name] for name in SEVERAL}
    data |= {name: _number(given[name]) for name in NUMBERS if given.get(name)}
    data["step1_required"] = given.get("step1_required") == "yes"
    data["english"] = {
        "native": given.get("english_native") == "yes",
        **{
            name.removeprefix("english_"): _number(given[name])
            for name in ENGLISH[1:]
            if given.get(name)
        },
    }
    if given.get("price"):
        price = _money(given["price"], given, "price_per_week", errors)
        if price:
            data["price_per_week"] = price
    data["deposit"] = _deposit(given, errors)
    return data, errors


def of_listing(found: Any) -> dict[str, Any]:
    """A stored listing as the form has it."""
    names = (*PLAIN, *EMPTIED, *NUMBERS, *SEVERAL)
    facts = {name: getattr(found, name) for name in names}
    english = {
        "english_native": "yes" if found.english_native else "",
        "english_toefl_ibt": found.toefl_ibt_min,
        "english_ielts": found.ielts_min,
        "english_oet": found.oet_min,
    }
    share, amount = found.deposit_basis_points, found.deposit.amount
    return {
        **{name: "" if value is None else value for name, value in {**facts, **english}.items()},
        "step1_required": "yes" if found.step1_required else "",
        "price": f"{found.price.as_decimal():f}",
        "currency": found.price.currency,
        "deposit_kind": found.deposit_kind,
        "deposit_percent": "" if share is None else f"{share / 100:g}",
        "deposit_amount": "" if amount is None else f"{amount.as_decimal():f}",
        "version": found.version,
    }


def fields_of(column: str) -> tuple[str, ...]:
    """The fields of the form that a column of the sheet is asked by."""
    return {
        "price_per_week": ("price",),
        "deposit": ("deposit_kind", "deposit_percent", "deposit_amount"),
        "english": ENGLISH,
        "npi": ("preceptor_id",),
    }.get(column, (column,))


def by_field(errors: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Errors by the fields of the form: those of a part stand beside the whole."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        first, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        field = {
            "price_per_week": "price",
            "deposit": f"deposit_{ {'basis_points': 'percent'}.get(part, part or 'kind') }",
            "english": f"english_{part or 'native'}",
            "body": "title",
        }.get(first, first)
        found.setdefault(field, []).extend(texts)
    return found


def options(vocabulary_name: str) -> tuple[str, ...]:
    return vocabulary.allowed(vocabulary_name)


def _deposit(given: Mapping[str, Any], errors: dict[str, list[str]]) -> dict[str, Any]:
    kind = given.get("deposit_kind") or DepositKind.STANDARD.value
    if kind == DepositKind.SHARE:
        try:
            share = round(float(given.get("deposit_percent", "")) * 100)
        except (ValueError, OverflowError):
            errors["deposit_percent"] = ["Expected a percentage, such as 25."]
            return {"kind": kind, "basis_points": 1}
        return {"kind": kind, "basis_points": share}
    if kind == DepositKind.AMOUNT:
        amount = _money(given.get("deposit_amount", ""), given, "deposit_amount", errors)
        return {"kind": kind, "amount": amount or {"amount": 1, "currency": "USD"}}
    return {"kind": kind}


def _money(
    text: str, given: Mapping[str, Any], field: str, errors: dict[str, list[str]]
) -> dict[str, Any] | None:
    currency = str(given.get("currency") or "USD").upper()
    try:
        amount = Money.parse(text.replace(",", "").lstrip("$"), currency)
    except ValueError:
        errors[field] = ["Expected an amount such as 500.00, and a currency such as USD."]
        return None
    return {"amount": amount.minor, "currency": amount.currency}


def _number(text: str) -> int | float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
