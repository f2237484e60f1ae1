"""Price protection: what one host and the platform pay another for a price that was protected."""

from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models import AccountKind, PriceProtection
from marketplace.payments.service import ledger
from marketplace.payments.service.ledger import Leg

PRICE_PROTECTION = "price_protection"


def grant(
    session: Session,
    payable: Payable,
    *,
    from_site: UUID,
    by_host: Money,
    to_site: UUID,
    to_host: Money,
    now: datetime,
) -> None:
    """Let one site owe `by_host`, and add `to_host` to the share of another; once for a payable.

    The platform pays the rest, or has back what is over: a part of the fee that it gave up before.
    The debt is taken off what the site earns next, like every other; the share is released and sent
    with what was paid.
    """
    session.add(
        PriceProtection(
            payable_id=payable.id,
            payable_kind=payable.kind,
            from_site_id=from_site,
            to_site_id=to_site,
            by_host=by_host,
            to_host=to_host,
            at=now,
        )
    )
    session.flush()
    legs = [
        Leg(AccountKind.HOST_RECEIVABLE, by_host, from_site),
        Leg(AccountKind.DEFERRED_HOST_SHARE, -to_host, to_site),
        Leg(AccountKind.PLATFORM_REVENUE, to_host - by_host),
    ]
    if any(leg.amount for leg in legs):
        source = f"protection:{payable.id}"
        ledger.post(session, source=source, reason=PRICE_PROTECTION, legs=legs, at=now)
