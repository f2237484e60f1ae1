"""The check digit of a National Provider Identifier.

An NPI has ten digits, the first 1 or 2. Its last digit makes the Luhn sum of the number, prefixed
with 80840 (health applications, United States), a multiple of ten (45 CFR 162.406; ISO/IEC 7812).
"""

PREFIX = "80840"
LENGTH = 10


def is_npi(text: str) -> bool:
    """Whether `text` is ten ASCII digits that begin with 1 or 2 and whose check digit holds."""
    if len(text) != LENGTH or not (text.isascii() and text.isdigit()) or text[0] not in "12":
        return False
    return luhn_sum(PREFIX + text) % 10 == 0


def luhn_sum(digits: str) -> int:
    """Sum of the digits where every second one from the right, the last excluded, is doubled."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digits of 10 to 18 summed
    return total


def check_digit(first_nine: str) -> str:
    """The digit that completes nine digits to an NPI."""
    return str(-luhn_sum(PREFIX + first_nine + "0") % 10)
