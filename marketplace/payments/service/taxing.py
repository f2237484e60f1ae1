"""The tax that documents state, as it is configured."""

from marketplace.core.db import Session
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.payments.rules import Split
from marketplace.payments.rules.taxes import TaxTerms, stated


def taxes(session: Session, amounts: Split) -> dict[str, object]:
    """Return what a document says of taxes: its lines, and by which number we are known."""
    settings = parts_of(session).get(Settings)
    terms = None
    if settings.tax_percent:
        terms = TaxTerms(settings.tax_name, settings.tax_percent, settings.tax_on)
    return {"taxes": stated(terms, amounts), "tax_number": settings.tax_number}
