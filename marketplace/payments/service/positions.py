"""Whose a payment's money is: how it divides between a host and the platform, and what went back."""

from dataclasses import dataclass
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import Payment, PaymentPart
from marketplace.payments.queries import disputes
from marketplace.payments.rules import Split, split


@dataclass(frozen=True, slots=True)
class Position:
    """Whose a payment's money is: the site's part and the platform's, and what went back of it.

    `given_back` counts from the payment on, `back` since it was carried to what it is for now.
    """

    site_id: UUID | None
    whole: Split
    back: Split
    given_back: Split

    @property
    def left(self) -> Split:
        return Split(self.whole.host - self.back.host, self.whole.platform - self.back.platform)


def position(session: Session, payment: Payment, part: PaymentPart | None = None) -> Position:
    """Return how what is left of a locked payment, or of a part of one, divides now."""
    part_id = part.payable_id if part else None
    zero = Money.zero(payment.currency)
    host, platform = zero, zero
    for earlier in queries.refunds(session, payment.id):
        if earlier.replaces_id is None and earlier.part_id == part_id:
            host += earlier.split.host
            platform += earlier.split.platform
    if part is None:
        lost = disputes.lost_of(session, payment)
        host, platform = host + lost.host, platform + lost.platform
    given_back = Split(host, platform)
    carry = queries.last_carry(session, payment, part)
    if carry is None:
        paid = split(queries.lines(session, payment.id, part_id))
        site_id = part.site_id if part else payment.site_id
        return Position(site_id, paid, given_back, given_back)
    since = Split(host - carry.back.host, platform - carry.back.platform)
    return Position(carry.site_id, carry.split, since, given_back)
