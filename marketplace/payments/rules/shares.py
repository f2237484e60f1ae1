"""What becomes of a host's share: pure functions of amounts."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketplace.core.money import Money


class Bearer(StrEnum):
    """Who bears the host's part of a payment that is lost in a dispute."""

    HOST = "host"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Earned:
    """A released part of a share: `gross = fee + netted + amount`."""

    gross: Money
    fee: Money
    netted: Money
    amount: Money


def first_part(share: Money, earned: Money, percent: int) -> Money:
    """Return what is released of a share when the first part is due; never more than is left."""
    zero = Money.zero(share.currency)
    return max(zero, min(share.percent(percent), share) - earned)


def earn(gross: Money, host_fee_bp: int, receivable: Money) -> Earned:
    """Divide a released share: the marketplace's fee, what pays a debt of the host, what is sent.

    `host_fee_bp` are hundredths of a percent; `receivable` what the host owes, not negative.
    """
    fee = gross.percent(Decimal(host_fee_bp) / 100)
    netted = min(gross - fee, receivable)
    return Earned(gross, fee, netted, gross - fee - netted)


def fee_back(earned: Money, fee: Money, back: Money) -> Money:
    """Return what of the `fee` on `earned` goes with the part of it that is taken back.

    In proportion, so that taking all of it back, in any number of parts, leaves no fee over.
    """
    if not back:
        return Money.zero(fee.currency)
    return fee.allocate([back.minor, (earned - back).minor])[0]
