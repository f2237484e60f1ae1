"""HTTP: an account's kept cards."""

from collections.abc import Sequence
from uuid import UUID

from marketplace.identity.access import current_account, signed_in
from marketplace.payments.models import SavedCard
from marketplace.payments.queries import cards as found
from marketplace.payments.schemas.cards import SavedCardsSchema
from marketplace.payments.service import cards
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "cards", __name__, url_prefix="/payments", description="Your cards that are kept."
)


@blueprint.route("/cards", methods=["GET"])
@signed_in
@blueprint.response(200, SavedCardsSchema)
def list_cards() -> dict[str, Sequence[SavedCard]]:
    """List your kept cards, the latest first."""
    return {"items": found.of_account(context.session(), current_account().id)}


@blueprint.route("/cards/<uuid:card_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def remove(card_id: UUID) -> None:
    """Have a card kept no longer; balances that were to be charged to it are yours to pay."""
    cards.remove(context.session(), card_id, account_id=current_account().id, now=context.now())
