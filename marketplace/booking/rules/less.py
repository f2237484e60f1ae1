"""What a trainee wishes to use so that less is paid by card."""

from dataclasses import dataclass

from marketplace.core.money import Money


@dataclass(frozen=True)
class Less:
    """Credit of an amount, a code that lowers the price, either or both."""

    credit: Money | None = None
    code: str | None = None

    def __bool__(self) -> bool:
        return self.credit is not None or self.code is not None
