"""A trainee's kept cards, credit and vouchers."""

from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.payments.queries import cards as kept
from marketplace.payments.queries import credit as queries
from marketplace.payments.schemas.credit import HandOnArgs
from marketplace.payments.service import cards
from marketplace.payments.service.credit import granting
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422

blueprint = Pages("wallet_pages")


@blueprint.get("/wallet")
@signed_in
def show() -> Response:
    """Show kept cards, what credit there is, and what became of it."""
    return _shown({}, {})


@blueprint.post("/wallet/cards/<uuid:card_id>/remove")
@signed_in
def remove(card_id: UUID) -> Response:
    """Have a card kept no longer; balances that were to be charged to it are paid by hand."""
    _, errors = forms.tried(
        lambda: cards.remove(
            context.session(), card_id, account_id=current_account().id, now=context.now()
        ),
        "cards",
    )
    return _shown({}, errors) if errors else redirect("/wallet", 303)


@blueprint.post("/wallet/credit/<uuid:grant_id>/hand-on")
@signed_in
def hand_on(grant_id: UUID) -> Response:
    """Give what is left of a transferable voucher to another trainee."""
    typed = forms.typed()
    errors = forms.carried_out(
        HandOnArgs(),
        {"email": typed.get("email", "")},
        lambda values: granting.hand_on(
            context.session(),
            grant_id,
            owner_id=current_account().id,
            to_email=values["email"],
            now=context.now(),
        ),
        "email",
    )
    if errors:
        beside = {f"email-{grant_id}": texts for texts in errors.values()}
        return _shown({f"email-{grant_id}": typed.get("email", "")}, beside)
    return redirect("/wallet", 303)


def _shown(typed: dict[str, str], errors: forms.Errors) -> Response:
    session, own, now = context.session(), current_account().id, context.now()
    cursor = request.args.get("cursor") or None
    return form_page(
        "wallet/wallet.html",
        NOT_PROCESSABLE if errors else 200,
        cards=kept.of_account(session, own),
        available=queries.available(session, own, now),
        grants=queries.grants_of(session, own, limit=A_PAGE, cursor=cursor),
        movements=queries.movements_of(session, own, limit=A_PAGE, cursor=None, grant_id=None),
        now=now,
        typed=typed,
        errors=errors,
    )
