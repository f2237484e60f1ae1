"""How a card is used beyond one payment, and the words in which its holder agrees to that.

The words are kept with the time at which they were agreed to: card networks ask for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from marketplace.core.money import Money
from marketplace.payments.events import Payable

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
MESES = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
    "octubre", "noviembre", "diciembre",
)  # fmt: skip


class MandateKind(StrEnum):
    """What the holder of a card has agreed to."""

    KEEP = "keep"
    """The card is kept, and charged when the holder asks for it."""
    BALANCE = "balance"
    """The rest of one price is charged to it on a day that was named."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of one price: at most `most` is charged, at `charge_at` first."""

    of: Payable
    most: Money
    charge_at: datetime


@dataclass(frozen=True, slots=True)
class Agreement:
    """What somebody agrees to, in the words that they were shown.

    Of balances: one for each thing that a payment is for, and that has a balance.
    """

    kind: MandateKind
    words: str
    locale: str
    rests: tuple[Rest, ...] = ()


class Owed(NamedTuple):
    """What the words say of one balance: of what it is, how much at most, on which day."""

    thing: str
    most: Money
    due_on: date


@dataclass(frozen=True, slots=True)
class CardUse:
    """A payment by a card that is kept (`card_id`), or whose page keeps one (`agreement`).

    `off_session`: the payer isn't there to answer the bank.
    """

    card_id: UUID | None = None
    off_session: bool = False
    agreement: Agreement | None = None


PAGE = CardUse()


def keep_words(locale: str) -> str:
    """Return what one agrees to by having a card kept."""
    if locale.startswith("es"):
        return (
            "Acepto que esta tarjeta se guarde en la empresa de pagos y que se cobre en ella cada "
            "vez que yo lo pida. Puedo quitarla cuando quiera."
        )
    return (
        "I agree that this card is kept at the payment company, and charged each time I ask for "
        "it. I can remove it at any time."
    )


def balance_words(locale: str, owed: Sequence[Owed]) -> str:
    """Return what one agrees to by having the rest of a price, or of several, charged on its day."""
    if locale.startswith("es"):
        said = "; ".join(
            f"el {_day(one.due_on, locale)} lo que falte por pagar de {one.thing}: como máximo"
            f" {_sum(one.most)}"
            for one in owed
        )
        return (
            "Acepto que esta tarjeta se guarde en la empresa de pagos y que se cobre en ella "
            f"{said}. Si el banco la rechaza, puede intentarse de nuevo 1, 3 y 5 días después. "
            "Hasta ese día puedo retirar este permiso, quitar la tarjeta o pagar de otro modo."
        )
    said = "; ".join(
        f"of {one.thing} on {_day(one.due_on, locale)}, {_sum(one.most)} at most" for one in owed
    )
    return (
        "I agree that this card is kept at the payment company, and that what is left to pay is "
        f"charged to it: {said}. If the bank declines, it may be tried again 1, 3 and 5 days "
        "later. Until then I can take this back, remove the card, or pay otherwise."
    )


def _day(on: date, locale: str) -> str:
    """A day as one says it; the words are kept, so that nothing may write it otherwise later."""
    if locale.startswith("es"):
        return f"{on.day} de {MESES[on.month - 1]} de {on.year}"
    return f"{MONTHS[on.month - 1]} {on.day}, {on.year}"


def _sum(amount: Money) -> str:
    """An amount with its sign where that says which dollars are meant."""
    number, _, currency = str(amount).rpartition(" ")
    return f"${number}" if currency == "USD" else str(amount)
