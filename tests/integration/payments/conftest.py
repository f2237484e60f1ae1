"""A payer, a site and an operator, a processor in memory, and short words for what happens."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from marketplace.adapters.queue import Context
from marketplace.core import events
from marketplace.core.clock import FixedClock
from marketplace.core.db import EdgeSession
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.core.parts import Parts
from marketplace.payments import queries, service, tasks
from marketplace.payments.events import (
    Payable,
    PaymentExpired,
    PaymentFailed,
    PaymentSettled,
    RefundFailed,
    RefundSettled,
)
from marketplace.payments.gateway import PaymentGateway, ProcessorEvent
from marketplace.payments.models import Payment, Refund
from marketplace.payments.rules import Earner, PriceLine
from marketplace.payments.service import inbox, quarantine
from tests.factories.people import people  # noqa: F401 - a fixture
from tests.factories.rotations import live_stage, stage  # noqa: F401 - fixtures
from tests.fakes.gateway import FakeGateway
from tests.integration.stripe_sandbox.conftest import (  # noqa: F401 - fixtures
    receiver,
    sandbox,
    start,
)

KINDS = (PaymentSettled, PaymentFailed, PaymentExpired, RefundSettled, RefundFailed)
OPEN_FOR = timedelta(minutes=30)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


LINES = (
    PriceLine("weeks", "Rotation, 4 weeks", usd(34_000), Earner.HOST, 4),
    PriceLine("platform_fee", "Platform fee", usd(4_080), Earner.PLATFORM),
)
WHOLE = usd(38_080)


class Till:
    """Pays and refunds in one application's database."""

    def __init__(
        self, sessions: sessionmaker[EdgeSession], parts: Parts, clock: FixedClock
    ) -> None:
        self.context = Context(parts, sessions)
        self.clock = clock
        self.heard: list[Any] = []
        with self.context.transaction() as session:
            bus: events.EventBus = session.info[events.BUS]
            for kind in KINDS:
                bus.subscribe(kind, self._hear)
            self.payer_id = self._account(session, "Asha Rao")
            self.site_id = new_id()
            _insert_site(session, self.site_id, self.payer_id)

    def _hear(self, _session: Any, event: Any) -> None:
        self.heard.append(event)

    def _account(self, session: EdgeSession, name: str) -> UUID:
        account_id = new_id()
        session.execute(
            text(
                "INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier,"
                " confirmed_at) VALUES (:id, :email, :name, true, :key, :key, now())"
            ),
            {
                "id": account_id,
                "email": f"{account_id}@example.org",
                "name": name,
                "key": str(account_id),
            },
        )
        return account_id

    def request(self, payable: Payable | None = None, **changes: Any) -> UUID:
        """Ask for 380.80 USD; the job that opens the page waits."""
        asked: dict[str, Any] = {
            "payable": payable or Payable("thing", new_id()),
            "purpose": "whole",
            "payer_id": self.payer_id,
            "site_id": self.site_id,
            "lines": LINES,
            "description": "Internal Medicine, 4 weeks",
            "expires_in": OPEN_FOR,
            "now": self.clock.now(),
        }
        with self.context.transaction() as session:
            return service.request(session, **{**asked, **changes}).id

    def opened(self, payable: Payable | None = None, **changes: Any) -> tuple[UUID, str]:
        """A payment whose page is open: its id, and the page's."""
        payment_id = self.request(payable, **changes)
        tasks.open_checkout(self.context, str(payment_id))
        page = self.payment(payment_id).processor_session
        assert page is not None
        return payment_id, page

    def payment(self, payment_id: UUID) -> Payment:
        with self.context.transaction() as session:
            return queries.payment(session, payment_id)

    def refund_row(self, refund_id: UUID) -> Refund:
        with self.context.transaction() as session:
            return queries.refund(session, refund_id)

    def refund(self, payment_id: UUID, amount: Money = WHOLE) -> UUID:
        with self.context.transaction() as session:
            return service.refund(
                session, payment_id, amount=amount, reason="asked for", now=self.clock.now()
            ).id

    def cancel(self, payment_id: UUID) -> None:
        with self.context.transaction() as session:
            service.cancel(session, payment_id, now=self.clock.now())

    def receive(self, event: ProcessorEvent) -> bool:
        """The webhook stores the event."""
        with self.context.transaction() as session:
            return inbox.receive(session, event, now=self.clock.now())

    def handle(self, event: ProcessorEvent) -> str:
        """The webhook stores the event, and its job runs; returns the inbox row's state."""
        self.receive(event)
        row = self.one("SELECT id FROM webhook_event WHERE processor_event = :name", name=event.id)
        tasks.process_event(self.context, str(row))
        return str(self.one("SELECT state FROM webhook_event WHERE id = :id", id=row))

    def one(self, query: str, **values: Any) -> Any:
        with self.context.transaction() as session:
            return session.execute(text(query), values).scalar_one()

    def balance(self, kind: str, owner_id: UUID | None = None) -> int:
        """Debits less credits of an account in USD."""
        with self.context.transaction() as session:
            return queries.balance_of(session, kind, "USD", owner_id).minor

    def books(self) -> dict[str, int]:
        """Balances that are not zero, by account."""
        with self.context.transaction() as session:
            found = queries.trial_balance(session)
        assert sum(one.balance.minor for one in found) == 0
        return {one.kind: one.balance.minor for one in found if one.balance}

    def quarantined(self) -> list[str]:
        with self.context.transaction() as session:
            return [row.reason for row in queries.open_quarantine(session, 100)]

    def case(self, reason: str) -> dict[str, str]:
        """What the open case of this reason says."""
        with self.context.transaction() as session:
            (found,) = [
                one for one in queries.open_quarantine(session, 100) if one.reason == reason
            ]
            return dict(found.details)

    def close_case(self, reason: str) -> None:
        """A person closes the open case of this reason."""
        with self.context.transaction() as session:
            (found,) = [
                one for one in queries.open_quarantine(session, 100) if one.reason == reason
            ]
            quarantine.resolve(
                session,
                found.id,
                resolution="Seen.",
                account_id=self.payer_id,
                now=self.clock.now(),
            )

    def told(self) -> list[str]:
        """What was written to the payer about refunds, by its template, in turn."""
        with self.context.transaction() as session:
            found = session.execute(
                text(
                    "SELECT template FROM notice WHERE account_id = :payer"
                    " AND template LIKE 'refund%' ORDER BY id"
                ),
                {"payer": self.payer_id},
            )
            return list(found.scalars())

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.heard]


def _insert_site(session: EdgeSession, site_id: UUID, owner_id: UUID) -> None:
    """A site with whatever its table demands, by its name and zone alone."""
    session.execute(
        text(
            "INSERT INTO site (id, owner_account_id, name, time_zone, city, state, country, address)"
            " VALUES (:id, :owner, 'Lakeview', 'America/Chicago', 'Chicago', 'IL', 'US', '1 Main')"
        ),
        {"id": site_id, "owner": owner_id},
    )


def _silence(till: Till) -> None:
    """Take the test's ears off the application's bus, which outlives it."""
    with till.context.transaction() as session:
        bus: events.EventBus = session.info[events.BUS]
        for kind in KINDS:
            bus.unsubscribe(kind, till._hear)


@pytest.fixture
def gateway(parts: Parts, clock: FixedClock) -> Iterator[FakeGateway]:
    before = parts.get(PaymentGateway)
    fake = FakeGateway(at=clock.now())
    parts.add(PaymentGateway, fake)
    yield fake
    parts.add(PaymentGateway, before)


@pytest.fixture
def till(
    app: Flask,
    sessions: sessionmaker[EdgeSession],
    parts: Parts,
    clock: FixedClock,
    gateway: FakeGateway,
) -> Iterator[Till]:
    made = Till(sessions, parts, clock)
    yield made
    _silence(made)


@pytest.fixture
def post_event(client: FlaskClient) -> Callable[[ProcessorEvent], int]:
    """Send an event to the webhook's address, signed; returns the status."""

    def post(event: ProcessorEvent) -> int:
        return client.post(
            "/api/v1/stripe/webhook",
            json={"id": event.id},
            headers={"Stripe-Signature": "good"},
        ).status_code

    return post
