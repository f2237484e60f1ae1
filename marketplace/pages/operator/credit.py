"""Credit of trainees at the desk: who has what, given with a reason, what became of it, taken back."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries as booking
from marketplace.core.errors import NotFound
from marketplace.core.money import EXPONENTS
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.payments.queries import credit as queries
from marketplace.payments.rules.credit import GrantReason
from marketplace.payments.schemas.credit import GIVEN_BY_HAND, GiveCreditArgs, RevokeCreditArgs
from marketplace.payments.service.credit import granting
from marketplace.web import context
from marketplace.web.pagination import Page

A_PAGE = 50
NOT_PROCESSABLE = 422
BASE = "/desk/credit"
OF_ACCOUNT = f"{BASE}/accounts/<uuid:account_id>"
ONE = f"{BASE}/<uuid:grant_id>"
CURRENCY = "USD"

blueprint = Pages("desk_credit")


@blueprint.get(BASE)
@require("operator")
def list_credit() -> Response:
    """List everybody's credit, the newest first, and find somebody to look at or give some to."""
    session = context.session()
    text, spent = request.args.get("text", "").strip(), request.args.get("spent") == "yes"
    cursor = forms.cursor()
    found = queries.every(session, left_only=not spent, limit=A_PAGE, cursor=cursor)
    return page(
        "desk/credit.html",
        text=text,
        spent=spent,
        people=identity.accounts(session, text=text, limit=A_PAGE, cursor=None).items
        if text
        else None,
        owed=queries.owed(session),
        found=found,
        owners=identity.contacts(session, sorted({one.account_id for one in found.items})),
        now=context.now(),
    )


@blueprint.get(OF_ACCOUNT)
@require("operator")
def of_account(account_id: UUID) -> Response:
    """Show an account's credit, and what became of it; ask for more to be given."""
    return _account(account_id, {}, {})


@blueprint.post(OF_ACCOUNT)
@require("operator")
def give(account_id: UUID) -> Response:
    """Give credit, which is less revenue for us; its owner is written to."""
    typed, session = forms.typed(), context.session()
    currency = typed.get("currency", CURRENCY)
    amount, wrong = forms.amount(typed.get("amount", ""), currency)
    given: dict[str, Any] = {"account_id": str(account_id), "note": typed.get("note", "")}
    given |= {"reason": typed.get("reason", ""), "transferable": "transferable" in typed}
    if amount:
        given["amount"] = amount
    if "expires_at" in typed:
        given["expires_at"] = reader().day_ended(typed["expires_at"])

    def do(values: dict[str, Any]) -> None:
        own, now = current_account().id, context.now()
        reason = GrantReason(values.pop("reason"))
        granting.give(session, **values, reason=reason, granted_by=own, now=now)

    errors = {**forms.carried_out(GiveCreditArgs(), given, do, "amount"), **wrong}
    return _account(account_id, typed, errors) if errors else redirect(_of(account_id), 303)


@blueprint.get(ONE)
@require("operator")
def show(grant_id: UUID) -> Response:
    """Show one credit: for what, what became of it; take back what is left."""
    return _grant(grant_id, {}, {})


@blueprint.post(f"{ONE}/revocation")
@require("operator")
def take_back(grant_id: UUID) -> Response:
    """Take back what is left of a credit, or a part of it; its owner is told why."""
    typed, session = forms.typed(), context.session()
    row = queries.grant(session, grant_id)
    given: dict[str, Any] = {"reason": typed.get("why", "")}
    wrong: forms.Errors = {}
    if "amount" in typed:
        given["amount"], wrong = forms.amount(typed["amount"], row.amount.currency)

    def do(values: dict[str, Any]) -> None:
        own, now = current_account().id, context.now()
        granting.revoke(session, grant_id, actor_id=own, now=now, **values)

    errors = wrong or forms.carried_out(RevokeCreditArgs(), given, do, "why")
    beside = {"why" if name == "reason" else name: said for name, said in errors.items()}
    return _grant(grant_id, typed, beside) if errors else redirect(f"{BASE}/{grant_id}", 303)


def _account(account_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who, now = context.session(), reader(), context.now()
    person = identity.account(session, account_id)
    if person is None:
        raise NotFound
    moved = queries.movements_of(session, account_id, limit=A_PAGE, cursor=None)
    return form_page(
        "desk/credit_of.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        person=person,
        available=queries.available(session, account_id, now),
        grants=queries.grants_of(session, account_id, limit=A_PAGE, cursor=forms.cursor()),
        **_became(moved),
        reasons=[(one, who.label(f"credit_{one}")) for one in GIVEN_BY_HAND],
        currencies=[(one, one) for one in sorted(EXPONENTS)],
        currency=CURRENCY,
        now=now,
        typed=typed,
        errors=errors,
    )


def _grant(grant_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    row = queries.grant(session, grant_id)
    moved = queries.movements_of(
        session, row.account_id, limit=A_PAGE, cursor=None, grant_id=grant_id
    )
    return form_page(
        "desk/grant.html",
        NOT_PROCESSABLE if errors else 200,
        row=row,
        person=identity.account(session, row.account_id),
        giver=identity.contact(session, row.granted_by) if row.granted_by else None,
        **_became(moved),
        before=_titles([row.payable_id]),
        now=context.now(),
        typed=typed,
        errors=errors,
    )


def _became(moved: Page[Any]) -> dict[str, Any]:
    """What became of credit: each movement, who did it, and what it paid for."""
    session = context.session()
    uses = queries.paid_for(session, {one.use_id for one in moved.items if one.use_id})
    actors = sorted({one.actor_id for one in moved.items if one.actor_id})
    return {
        "movements": moved,
        "uses": uses,
        "actors": identity.contacts(session, actors),
        "titles": _titles(one.id for one in uses.values()),
    }


def _titles(ids: Iterable[UUID | None]) -> Mapping[UUID, str]:
    return booking.titles(context.session(), [one for one in ids if one is not None])


def _of(account_id: UUID) -> str:
    return f"{BASE}/accounts/{account_id}"
