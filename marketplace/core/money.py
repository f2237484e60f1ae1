"""Amounts of money: whole minor units and a currency, never a float, never a bare integer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217 exponents of the currencies that a listing may be priced in.
EXPONENTS = {"USD": 2, "EUR": 2, "GBP": 2, "CAD": 2, "AUD": 2, "INR": 2, "MXN": 2, "JPY": 0}
# The ledger keeps amounts in a 64-bit column; a payment is far below this in any currency.
LARGEST_MINOR = 10**15


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum; converting is a decision, not arithmetic."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units (cents, yen) of `currency` (ISO 4217). May be negative: a debt is money too."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are a whole number, not {self.minor!r}")
        if self.currency not in EXPONENTS:
            raise ValueError(f"unknown currency {self.currency!r}")
        if abs(self.minor) > LARGEST_MINOR:
            raise ValueError(f"an amount of {self.minor} minor units is out of range")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Read a decimal such as `250.50`; more decimals than the currency has is an error."""
        try:
            minor = Decimal(text).scaleb(EXPONENTS[currency])
        except (InvalidOperation, KeyError) as error:
            raise ValueError(f"{text!r} is no amount in {currency}") from error
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise ValueError(f"{text!r} is no amount in whole minor units of {currency}")
        return cls(int(minor), currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            raise TypeError("money is multiplied by whole numbers; use percent() or allocate()")
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __composite_values__(self) -> tuple[int, str]:
        """The two columns that an amount is kept in: what SQLAlchemy asks of a composite."""
        return self.minor, self.currency

    def __bool__(self) -> bool:
        return self.minor != 0

    def percent(self, percent: Decimal | int) -> "Money":
        """Return `percent` hundredths of the amount, halves rounded away from zero."""
        share = Decimal(self.minor) * Decimal(percent) / 100
        return Money(int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP)), self.currency)

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Split by whole, non-negative weights so that the parts sum to the amount exactly.

        Each part gets the floor of its share; what is left goes one unit each to the largest
        remainders, the earlier part first where they are equal.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights are whole, not negative, and not all zero")
        sign = -1 if self.minor < 0 else 1
        shares = [divmod(abs(self.minor) * weight, total) for weight in weights]
        parts = [share for share, _ in shares]
        by_remainder = sorted(range(len(parts)), key=lambda place: (-shares[place][1], place))
        for place in by_remainder[: abs(self.minor) - sum(parts)]:
            parts[place] += 1
        return [Money(sign * part, self.currency) for part in parts]

    def as_decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def __str__(self) -> str:
        return f"{self.as_decimal():,.{EXPONENTS[self.currency]}f} {self.currency}"

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} don't add up")
        return other.minor
