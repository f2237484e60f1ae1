"""Amounts: whole minor units only. Fees by the published US card price."""

FEE_THOUSANDTHS = 29
FEE_FIXED = 30
DISPUTE_FEE = 1500
LARGEST = 99_999_999

SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "jpy": 50}
"""Least chargeable amount by currency (https://docs.stripe.com/currencies); 50 for others."""


def processing_fee(amount: int) -> int:
    """2.9 % (rounded half up) and 30, never more than the amount itself."""
    return min(amount, (amount * FEE_THOUSANDTHS + 500) // 1000 + FEE_FIXED)


def smallest(currency: str) -> int:
    """The least amount that can be charged in a currency, in minor units."""
    return SMALLEST.get(currency, 50)


def written(amount: int, currency: str) -> str:
    """For people: ``425.00 USD``. Yen and the like have no minor unit."""
    if currency in ("jpy", "krw", "vnd", "clp", "xaf", "xof"):
        return f"{amount} {currency.upper()}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d} {currency.upper()}"
