"""Asking how a payment's page, or the charge of a kept card, stands; closing one."""

from datetime import datetime
from uuid import UUID

from marketplace.core.jobs import JobContext
from marketplace.payments.gateway import (
    CardGateway,
    CheckoutSession,
    GatewayMissing,
    PaymentGateway,
)
from marketplace.payments.service import arrivals, checkout


def close_checkout(job: JobContext, payment_id: str) -> None:
    """Close the page of a payment that has ended; money that was quicker settles it late."""
    gateway = job.parts.get(PaymentGateway)
    with job.transaction() as session:
        page = checkout.page(session, UUID(payment_id), job.clock.now())
    seen = find_page(job, UUID(payment_id), page)
    if seen is None:
        with job.transaction() as session:
            checkout.nothing_to_look_at(session, UUID(payment_id))
        return
    if seen.status == "open":
        seen = gateway.expire_checkout(seen.id)
    arrive(job, UUID(payment_id), seen, "close_checkout")


def find_page(job: JobContext, payment_id: UUID, page: checkout.Page) -> CheckoutSession | None:
    """Return the payment's page as it stands; None if none was ever opened."""
    if not page.asked:
        return None
    if page.customer is not None and page.session_id is None:
        cards = job.parts.get(CardGateway)
        return cards.find_charge(page.customer, payment_id, page.asked_at)
    gateway = job.parts.get(PaymentGateway)
    return seen_checkout(gateway, payment_id, page.session_id, page.asked_at)


def seen_checkout(
    gateway: PaymentGateway, payment_id: UUID, session_id: str | None, since: datetime
) -> CheckoutSession | None:
    """Return a page by its id, or the one that was opened for the payment; None if there is none.

    It is looked for among those opened `since`, however long ago: a bank takes days over its debits.
    """
    if session_id is None:
        return gateway.find_checkout(payment_id, since)
    try:
        return gateway.retrieve_checkout(session_id)
    except GatewayMissing:
        return None


def arrive(job: JobContext, payment_id: UUID, seen: CheckoutSession, told_by: str) -> None:
    """Take in what was seen, in a transaction of its own."""
    live = job.parts.get(PaymentGateway).live
    with job.transaction() as session:
        arrivals.arrive(session, payment_id, seen, live=live, now=job.clock.now(), told_by=told_by)
