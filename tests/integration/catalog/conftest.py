"""An owner with the sample sheet imported, and listings made from it."""

import uuid
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import null, select, text

from marketplace.catalog.gateway import SeatHolder
from marketplace.catalog.models import Listing
from marketplace.catalog.service import publishing
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.importing import import_listings
from marketplace.compliance.queries import records
from marketplace.core.db import edge
from marketplace.core.ids import new_id
from tests.conftest import NOW
from tests.factories.people import people  # noqa: F401 - a fixture
from tests.factories.rotations import (
    live_stage,  # noqa: F401 - a fixture
    verify_sites,
)
from tests.integration.catalog.caching import cached  # noqa: F401 - a fixture

AUTHOR = Author(None, NOW, "As agreed.")
SHEET = Path("marketplace/catalog/data/host_listings.csv").read_bytes()
# The sample with the price of one row in the currency of its policy's fees, so that it goes in.
MENDED = SHEET.replace(b",450,EUR,", b",450,USD,")


class Sold:
    """Who has seats, for tests that take them without bookings: (listing, its Mondays), each."""

    def __init__(self) -> None:
        self.runs: list[tuple[uuid.UUID, list[date]]] = []

    def holding(self, session, listing_ids, *, weeks=None, since=None):
        asked = [
            (listing_id, [week for week in run if weeks is None or week in weeks])
            for listing_id, run in self.runs
            if listing_id in listing_ids
        ]
        return [
            SeatHolder(new_id(), listing_id, "confirmed", "Asha Rao", tuple(run))
            for listing_id, run in asked
            if run
        ]

    def asked(self, listing_ids, since):
        return null()

    def told(self, found):
        return self.holding(None, {listing_id for listing_id, _ in self.runs})

    def counts(self, session, listing_ids):
        return Counter(
            (listing_id, week)
            for listing_id, run in self.runs
            if listing_id in listing_ids
            for week in run
        )


def priced_in_euro(session, external_id):
    """A listing that was stored before fees in another currency than the price were refused."""
    session.execute(
        text("UPDATE listing SET price_currency = 'EUR' WHERE external_id = :id"),
        {"id": external_id},
    )
    session.expire_all()


def new_account(session, name="Somebody") -> uuid.UUID:
    """An account without a password: it owns and decides, but never signs in."""
    account_id = new_id()
    session.execute(
        text(
            "INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier)"
            " VALUES (:id, :email, :name, true, :key, :key)"
        ),
        {
            "id": account_id,
            "email": f"{account_id}@example.org",
            "name": name,
            "key": str(account_id),
        },
    )
    return account_id


def listing_of(session, external_id) -> Listing:
    return session.execute(select(Listing).where(Listing.external_id == external_id)).scalar_one()


def on_record(session, site_id, actor_id) -> list[tuple[str, dict[str, str]]]:
    """What the audit trail says that they did with the site, the newest first."""
    entries = records.audit_trail(
        session, subject_kind="site", subject_id=site_id, actor_id=actor_id, limit=9, cursor=None
    )
    return [(one.action, one.detail) for one in entries.items]


@pytest.fixture
def owner(session):
    return new_account(session, "Hosts Inc.")


@pytest.fixture
def operator(session):
    return new_account(session, "Operator")


@pytest.fixture
def imported(session, owner):
    return import_listings(session, SHEET, owner, True, NOW)


@pytest.fixture
def published(session, owner, imported):
    """The sample's listings, mended where needed, published or in review."""
    import_listings(session, MENDED, owner, True, NOW)
    verify_sites(session, owner, NOW)
    return publishing.request_all(session, owner, owner, NOW)


@pytest.fixture
def host(people):  # noqa: F811 - the fixture
    return people.make(name="Hosts Inc.")


@pytest.fixture
def market(session, host):
    """The sample published by `host`, and committed for requests to see: listings by their id."""
    with edge(session):
        import_listings(session, MENDED, host.id, True, NOW)
        verify_sites(session, host.id, NOW)
        publishing.request_all(session, host.id, host.id, NOW)
    return {row.external_id: row for row in session.execute(select(Listing)).scalars()}
