"""The tax that prices contain, as it is configured: what documents state, and what the books owe.

The books set aside what is contained in the platform's own part of a payment. The host's part is
paid out whole: the tax in it is the host's to pay, though documents may state it (`TAX_ON=all`).
"""

from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.payments.queries import books
from marketplace.payments.rules import Split
from marketplace.payments.rules.taxes import TaxTerms, contained, stated


def taxes(session: Session, amounts: Split) -> dict[str, object]:
    """Return what a document says of taxes: its lines, and by which number we are known."""
    settings = parts_of(session).get(Settings)
    return {"taxes": stated(_terms(settings), amounts), "tax_number": settings.tax_number}


def of_earned(session: Session, payment_id: UUID, earned: Money) -> Money:
    """Return the tax in what the platform earns of a payment by a posting.

    Of what it gives back (`earned` is negative) in the proportion in which the books have set tax
    aside of this payment, so that nothing of it is left when all has gone back. A payment that was
    posted before a tax was configured has none set aside, and gives none back.
    """
    if earned.minor >= 0:
        terms = _terms(parts_of(session).get(Settings))
        return contained(earned, terms.percent) if terms else Money.zero(earned.currency)
    kept = books.kept_of(session, payment_id, earned.currency)
    tax, revenue = max(kept.tax.minor, 0), max(kept.revenue.minor, 0)
    if not tax or -earned.minor >= tax + revenue:
        return Money(-tax, earned.currency)
    return -(-earned).allocate([tax, revenue])[0]


def _terms(settings: Settings) -> TaxTerms | None:
    if not settings.tax_percent:
        return None
    return TaxTerms(settings.tax_name, settings.tax_percent, settings.tax_on)
