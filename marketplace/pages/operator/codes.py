"""Codes that lower prices: made, who has used them for what, ended."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking import queries as booking
from marketplace.catalog.queries import listings, sites
from marketplace.core.money import EXPONENTS
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.operator import places
from marketplace.pages.view import Pages, form_page, reader
from marketplace.pages.words import noted
from marketplace.payments.queries import vouchers as queries
from marketplace.payments.schemas.credit import VoucherCodeArgs, WithdrawCodeArgs
from marketplace.payments.service import vouchers
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
BASE = "/desk/codes"
ONE = f"{BASE}/<uuid:code_id>"
MOST_NAMES = 100
# Hundredths of a percent in one.
BASIS_POINTS = 100
LISTING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# How the page's fields are called where the API has others.
FIELDS = {"basis_points": "percent", "site_ids": "sites", "listing_ids": "rotations"}
# What a code is at a moment, and how good that is.
STATES = {
    "withdrawn": (noted("Ended"), "bad"),
    "to_come": (noted("To come"), "fair"),
    "over": (noted("Over"), ""),
    "used_up": (noted("Used up"), "fair"),
    "good": (noted("Can be used now"), "good"),
}

blueprint = Pages("desk_codes")


@blueprint.get(BASE)
@require("operator")
def list_codes() -> Response:
    """List the codes, the newest first, and make another."""
    return _codes({}, {})


@blueprint.post(BASE)
@require("operator")
def make() -> Response:
    """Make a code: a percentage or an amount off, from a day to another."""
    typed, session = forms.typed(), context.session()
    given, wrong = _given(typed)

    def do(values: dict[str, Any]) -> None:
        amount, own, now = values.pop("amount"), current_account().id, context.now()
        if amount is not None:
            values["amount_minor"], values["currency"] = amount.minor, amount.currency
        for name in ("listing_ids", "site_ids"):
            values[name] = [str(one) for one in values[name]]
        values["code"] = values["code"].upper()
        vouchers.make(session, made_by=own, now=now, **values)

    errors = wrong or forms.carried_out(VoucherCodeArgs(), given, do, "code")
    beside = {FIELDS.get(name, name): said for name, said in errors.items()}
    return _codes(typed, beside) if errors else redirect(BASE, 303)


@blueprint.get(ONE)
@require("operator")
def show(code_id: UUID) -> Response:
    """Show a code: what it takes off, where, and who has used it for what."""
    return _code(code_id, {}, {})


@blueprint.post(f"{ONE}/withdrawal")
@require("operator")
def withdraw(code_id: UUID) -> Response:
    """Let a code be used no more; payments that were begun with it go on."""
    typed = forms.typed()

    def do(values: dict[str, Any]) -> None:
        own, now = current_account().id, context.now()
        vouchers.withdraw(context.session(), code_id, actor_id=own, now=now, **values)

    errors = forms.carried_out(WithdrawCodeArgs(), {"reason": typed.get("why", "")}, do, "why")
    beside = {"why" if name == "reason" else name: said for name, said in errors.items()}
    return _code(code_id, typed, beside) if errors else redirect(f"{BASE}/{code_id}", 303)


def _given(typed: Mapping[str, str]) -> tuple[dict[str, Any], forms.Errors]:
    """What was typed as the API has it, and what can't be read of it."""
    who, wrong = reader(), dict[str, list[str]]()
    given: dict[str, Any] = {name: typed.get(name, "") for name in ("code", "description")}
    if "percent" in typed:
        given["basis_points"], said = _percent(typed["percent"])
        wrong |= said
    if "amount" in typed:
        given["amount"], refused = forms.amount(typed["amount"], typed.get("currency", "USD"))
        wrong |= refused
    for name, end in (("valid_from", who.moment_typed), ("valid_until", who.day_ended)):
        if name in typed:
            given[name] = end(typed[name])
    for name in ("max_uses", "max_uses_each"):
        given[name] = forms.whole_number(typed[name]) if name in typed else None
    given["site_ids"], unknown = places.sites_named(typed.get("sites", ""), MOST_NAMES)
    if unknown:
        wrong["sites"] = unknown
    lines = [line.strip() for line in typed.get("rotations", "").splitlines() if line.strip()]
    meant = [LISTING.search(line) for line in lines]
    given["listing_ids"] = [one[0] for one in meant if one]
    if not all(meant) or len(listings.listing_facts(context.session(), _ids(given))) < len(lines):
        wrong["rotations"] = ["Expected the address of a rotation."]
    return given, wrong


def _ids(given: Mapping[str, Any]) -> list[UUID]:
    return [UUID(one) for one in given["listing_ids"]]


def _percent(text: str) -> tuple[int | None, dict[str, list[str]]]:
    try:
        points = Decimal(text.strip().rstrip("%").strip()) * BASIS_POINTS
        if points == points.to_integral_value():
            return int(points), {}
    except (InvalidOperation, ValueError, OverflowError):
        pass
    return None, {"percent": ["Expected a percentage, such as 12.5."]}


def _codes(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    return form_page(
        "desk/codes.html",
        NOT_PROCESSABLE if errors else 200,
        found=vouchers.codes(session, limit=A_PAGE, cursor=forms.cursor()),
        state=_state,
        currencies=[(one, one) for one in sorted(EXPONENTS)],
        typed=typed,
        errors=errors,
    )


def _code(code_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = vouchers.find(session, code_id)
    used = queries.uses(session, code_id, limit=A_PAGE, cursor=forms.cursor())
    people = {one.account_id for one in used.items} | {row.made_by}
    return form_page(
        "desk/code.html",
        NOT_PROCESSABLE if errors else 200,
        row=row,
        state=_state,
        used=used,
        people=identity.contacts(session, sorted(people)),
        titles=booking.titles(session, [one.payable_id for one in used.items]),
        places=sites.names(session, [UUID(one) for one in row.site_ids]),
        rotations=listings.listing_facts(session, [UUID(one) for one in row.listing_ids]),
        typed=typed,
        errors=errors,
    )


def _state(row: Any) -> tuple[str, str]:
    """What a code is now, in words, and how good that is."""
    now = context.now()
    if row.withdrawn_at is not None:
        code = "withdrawn"
    elif now < row.valid_from:
        code = "to_come"
    elif now >= row.valid_until:
        code = "over"
    else:
        code = "used_up" if row.max_uses is not None and row.uses >= row.max_uses else "good"
    said, tone = STATES[code]
    return reader().say(said), tone
