"""Whose payment it is."""

from uuid import UUID

from marketplace.identity import access
from marketplace.payments import queries
from marketplace.payments.errors import PaymentNotFound
from marketplace.payments.models import Payment
from marketplace.web import context

OPERATOR = "operator"


def own_payment(payment_id: UUID) -> Payment:
    """Return the payment to its payer or an operator; for all others there is none."""
    caller = access.caller()
    found = queries.payment(context.session(), payment_id)
    if found.payer_id != caller.account.id and OPERATOR not in caller.roles:
        raise PaymentNotFound
    return found
