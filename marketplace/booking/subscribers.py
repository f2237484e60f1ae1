"""What booking does when money moves: in the payment's own transaction."""

from collections.abc import Sequence

from marketplace.booking.service import payment
from marketplace.core.events import Subscription
from marketplace.payments.events import PaymentExpired, PaymentFailed, PaymentSettled

SUBSCRIPTIONS: Sequence[Subscription] = (
    (PaymentSettled, payment.settled),
    (PaymentFailed, payment.failed),
    (PaymentExpired, payment.failed),
)
