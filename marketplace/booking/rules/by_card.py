"""What a trainee wishes about the card that pays."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class CardWish:
    """A kept card that pays, or what is to be agreed to about the one that the page takes.

    `keep` is a `payments.rules.cards.MandateKind`; `words` those that the trainee was shown.
    """

    card_id: UUID | None = None
    keep: str | None = None
    words: str | None = None


PAGE_ONLY = CardWish()
