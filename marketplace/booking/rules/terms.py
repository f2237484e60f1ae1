"""The terms of the marketplace itself that every new booking is made under."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from marketplace.core.settings import Settings


@dataclass(frozen=True)
class Terms:
    """How long seats are kept, and what is charged.

    `hold` keeps a seat; `checkout` is the life of a payment page, and is shorter, so that no page
    outlives the seat that it is for. The percentages are those of the settings.
    """

    hold: timedelta = timedelta(minutes=35)
    checkout: timedelta = timedelta(minutes=30)
    platform_fee_percent: Decimal = Decimal(12)
    deposit_percent: Decimal = Decimal(20)

    def __post_init__(self) -> None:
        if self.checkout >= self.hold:
            raise ValueError("a hold outlives its payment page, or a lost seat could be paid")

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        return cls(
            hold=settings.hold_time,
            checkout=settings.checkout_time,
            platform_fee_percent=settings.platform_fee_percent,
            deposit_percent=settings.deposit_percent,
        )
