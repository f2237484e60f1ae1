"""The rest of a price by a kept card: agreed to, changed to another card, taken back."""

from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.routes import finding
from marketplace.booking.schemas.balances import BalancePlanArgs, BalancePlanSchema
from marketplace.booking.service import balances
from marketplace.identity.access import signed_in
from marketplace.payments.errors import PlanNotFound
from marketplace.payments.queries import cards
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "balance-plans",
    __name__,
    url_prefix="/bookings",
    description="What is left of a price, charged to a kept card on its day.",
)
BLUEPRINTS = (blueprint,)


@blueprint.route("/<uuid:booking_id>/balance-plan", methods=["GET"])
@signed_in
@blueprint.response(200, BalancePlanSchema)
def read_plan(booking_id: UUID) -> dict[str, Any]:
    """Read the plan that was made last for your booking, the words agreed to, and its story."""
    return _detail(finding.own(booking_id))


@blueprint.route("/<uuid:booking_id>/balance-plan", methods=["POST"])
@signed_in
@blueprint.arguments(BalancePlanArgs)
@blueprint.response(201, BalancePlanSchema)
def agree(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Have the balance charged to a kept card of yours on its day, in place of a plan before.

    422 `agreement_changed`, with the words, unless you send the words of the payment quote.
    """
    booking = finding.own_to_pay(booking_id)
    balances.agree(context.session(), booking, data["card_id"], data["agreed_words"], context.now())
    return _detail(booking)


@blueprint.route("/<uuid:booking_id>/balance-plan", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def take_back(booking_id: UUID) -> None:
    """Take back that the balance is charged; you then pay it yourself by its day."""
    booking = finding.own_to_pay(booking_id)
    balances.take_back(context.session(), booking, context.now())


def _detail(booking: Booking) -> dict[str, Any]:
    session = context.session()
    plan = cards.last_plan(session, balances.payable_of(booking))
    if plan is None:
        raise PlanNotFound
    mandate = cards.mandate(session, plan.mandate_id)
    return {
        "state": plan.state,
        "most": plan.most,
        "charge_at": plan.charge_at,
        "next_try_at": plan.next_try_at,
        "tries": plan.tries,
        "card": cards.card(session, plan.card_id) if plan.card_id else None,
        "agreed_words": mandate.words,
        "agreed_at": mandate.agreed_at,
        "steps": cards.plan_steps(session, plan.id),
    }
