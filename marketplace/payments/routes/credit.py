"""Credit over HTTP: a trainee's own, and what operators give, take back and make codes for."""

from typing import Any
from uuid import UUID

from marketplace.identity.access import caller, current_account, require, signed_in
from marketplace.payments.errors import CreditNotFound
from marketplace.payments.models import CreditGrant, CreditMovement, VoucherCode
from marketplace.payments.queries import credit as queries
from marketplace.payments.rules.credit import GrantReason
from marketplace.payments.schemas.credit import (
    AccountCreditArgs,
    CreditGrantSchema,
    CreditMovementsArgs,
    CreditMovementSchema,
    CreditSchema,
    GiveCreditArgs,
    HandOnArgs,
    RevokeCreditArgs,
    VoucherCodeArgs,
    VoucherCodeSchema,
)
from marketplace.payments.service import vouchers
from marketplace.payments.service.credit import granting
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

OPERATOR = "operator"

blueprint = Blueprint(
    "credit",
    __name__,
    url_prefix="/credit",
    description="Credit that pays for rotations, and what became of it.",
)
operators = Blueprint(
    "credit-operations",
    __name__,
    url_prefix="/operator",
    description="Giving credit and taking it back; codes that lower prices.",
)


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, CreditSchema)
def balance() -> dict[str, Any]:
    """Read what you can spend now."""
    session, account = context.session(), current_account()
    return {"available": queries.available(session, account.id, context.now())}


@blueprint.route("/grants", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(CreditGrantSchema))
def list_grants(args: dict[str, Any]) -> Page[CreditGrant]:
    """List your credit, newest first: what you can redeem, and what is spent or has expired."""
    return queries.grants_of(context.session(), current_account().id, **args)


@blueprint.route("/grants/<uuid:grant_id>", methods=["GET"])
@signed_in
@blueprint.response(200, CreditGrantSchema)
def read_grant(grant_id: UUID) -> CreditGrant:
    """Read one grant of yours; an operator reads any."""
    found = queries.grant(context.session(), grant_id)
    who = caller()
    if found.account_id != who.account.id and OPERATOR not in who.roles:
        raise CreditNotFound
    return found


@blueprint.route("/movements", methods=["GET"])
@signed_in
@blueprint.arguments(CreditMovementsArgs, location="query")
@blueprint.response(200, page_of(CreditMovementSchema))
def list_movements(args: dict[str, Any]) -> Page[CreditMovement]:
    """List what happened to your credit, or to one grant of it, newest first."""
    return queries.movements_of(context.session(), current_account().id, **args)


@blueprint.route("/grants/<uuid:grant_id>/hand-on", methods=["POST"])
@signed_in
@blueprint.arguments(HandOnArgs)
@blueprint.response(200, CreditGrantSchema)
def hand_on(data: dict[str, str], grant_id: UUID) -> CreditGrant:
    """Give what is left of a transferable grant to another trainee; yours is empty then."""
    session = context.session()
    granting.hand_on(
        session,
        grant_id,
        owner_id=current_account().id,
        to_email=data["email"],
        now=context.now(),
    )
    return queries.grant(session, grant_id)


@operators.route("/credit", methods=["POST"])
@require(OPERATOR)
@operators.arguments(GiveCreditArgs)
@operators.response(201, CreditGrantSchema)
def give(data: dict[str, Any]) -> tuple[CreditGrant, dict[str, str]]:
    """Give a trainee credit, as goodwill or promotion; it is posted as less revenue."""
    made = granting.give(
        context.session(),
        data.pop("account_id"),
        data.pop("amount"),
        reason=GrantReason(data.pop("reason")),
        granted_by=current_account().id,
        now=context.now(),
        **data,
    )
    return made, {"Location": f"{PREFIX}/credit/grants/{made.id}"}


@operators.route("/credit", methods=["GET"])
@require(OPERATOR)
@operators.arguments(AccountCreditArgs, location="query")
@operators.response(200, page_of(CreditGrantSchema))
def list_of_account(args: dict[str, Any]) -> Page[CreditGrant]:
    """List an account's credit, newest first."""
    return queries.grants_of(context.session(), **args)


@operators.route("/credit/movements", methods=["GET"])
@require(OPERATOR)
@operators.arguments(AccountCreditArgs, location="query")
@operators.response(200, page_of(CreditMovementSchema))
def movements_of_account(args: dict[str, Any]) -> Page[CreditMovement]:
    """List what happened to an account's credit, newest first."""
    return queries.movements_of(context.session(), **args)


@operators.route("/credit/<uuid:grant_id>/revoke", methods=["POST"])
@require(OPERATOR)
@operators.arguments(RevokeCreditArgs)
@operators.response(200, CreditGrantSchema)
def revoke(data: dict[str, Any], grant_id: UUID) -> CreditGrant:
    """Take back what is left of a grant, or a part of it; what is set aside for a payment stays."""
    return granting.revoke(
        context.session(), grant_id, actor_id=current_account().id, now=context.now(), **data
    )


@operators.route("/voucher-codes", methods=["POST"])
@require(OPERATOR)
@operators.arguments(VoucherCodeArgs)
@operators.response(201, VoucherCodeSchema)
def make_code(data: dict[str, Any]) -> tuple[VoucherCode, dict[str, str]]:
    """Make a code that lowers prices, by what the marketplace earns of them at most."""
    amount = data.pop("amount")
    if amount is not None:
        data["amount_minor"], data["currency"] = amount.minor, amount.currency
    for name in ("listing_ids", "site_ids"):
        data[name] = [str(one) for one in data[name]]
    data["code"] = data["code"].upper()
    made = vouchers.make(context.session(), made_by=current_account().id, now=context.now(), **data)
    return made, {"Location": f"{PREFIX}/operator/voucher-codes/{made.id}"}


@operators.route("/voucher-codes", methods=["GET"])
@require(OPERATOR)
@operators.arguments(PageArgs, location="query")
@operators.response(200, page_of(VoucherCodeSchema))
def list_codes(args: dict[str, Any]) -> Page[VoucherCode]:
    """List all codes, newest first."""
    return vouchers.codes(context.session(), **args)


@operators.route("/voucher-codes/<uuid:code_id>", methods=["GET"])
@require(OPERATOR)
@operators.response(200, VoucherCodeSchema)
def read_code(code_id: UUID) -> VoucherCode:
    """Read a code, and how often it is used."""
    return vouchers.find(context.session(), code_id)


@operators.route("/voucher-codes/<uuid:code_id>/withdraw", methods=["POST"])
@require(OPERATOR)
@operators.response(200, VoucherCodeSchema)
def withdraw_code(code_id: UUID) -> VoucherCode:
    """Let a code be used no more; payments begun with it go on."""
    return vouchers.withdraw(
        context.session(),
        code_id,
        actor_id=current_account().id,
        reason=None,
        now=context.now(),
    )


BLUEPRINTS = (blueprint, operators)
