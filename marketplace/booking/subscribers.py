"""What booking does when money moves, seats come free or files are erased: in that transaction."""

from collections.abc import Sequence

from marketplace.booking.events import (
    BookingAwaitingPayment,
    BookingCancelled,
    BookingCompleted,
    BookingNoShow,
    BookingReleased,
    BookingStarted,
)
from marketplace.booking.service import (
    agreeing,
    balances,
    erasing,
    host_shares,
    leaving,
    noting,
    offering,
    payment,
)
from marketplace.booking.service.cohorts import paying as cohort_paying
from marketplace.booking.service.cohorts import succeeding
from marketplace.booking.service.itineraries import following, paying
from marketplace.catalog.events import SeatsFreed
from marketplace.compliance.events import AgreementInForce, ErasureAsked
from marketplace.core.events import Subscription
from marketplace.identity.events import AccountErasing, ErasureConsidered
from marketplace.payments.events import (
    DoneByHand,
    PaymentExpired,
    PaymentFailed,
    PaymentOpened,
    PaymentSettled,
)

SUBSCRIPTIONS: Sequence[Subscription] = (
    (PaymentSettled, paying.settled),
    (PaymentFailed, paying.failed),
    (PaymentExpired, paying.failed),
    (BookingAwaitingPayment, following.heard),
    (BookingReleased, following.heard),
    (BookingCancelled, following.heard),
    (BookingReleased, cohort_paying.heard),
    (BookingCancelled, cohort_paying.heard),
    (PaymentSettled, cohort_paying.settled),
    (PaymentSettled, succeeding.settled),
    (PaymentSettled, payment.settled),
    (PaymentFailed, payment.failed),
    (PaymentExpired, payment.failed),
    (PaymentFailed, balances.failed),
    (PaymentExpired, balances.failed),
    (PaymentOpened, balances.opened),
    (BookingStarted, host_shares.started),
    (BookingCompleted, host_shares.completed),
    (BookingCancelled, host_shares.stopped),
    (BookingNoShow, host_shares.stopped),
    (SeatsFreed, offering.seats_freed),
    (AgreementInForce, agreeing.in_force),
    (DoneByHand, noting.done_by_hand),
    (ErasureAsked, erasing.erase),
    (ErasureConsidered, leaving.consider),
    (AccountErasing, leaving.erase),
)
