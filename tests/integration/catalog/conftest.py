"""An owner with the sample sheet imported, and listings made from it."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, text

from marketplace.catalog.models import Listing
from marketplace.catalog.service import publishing
from marketplace.catalog.service.importing import import_listings
from marketplace.core.ids import new_id
from tests.conftest import NOW

SHEET = Path("marketplace/catalog/data/host_listings.csv").read_bytes()


def new_account(session, name="Somebody") -> uuid.UUID:
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


def listing_of(session, external_id) -> Listing:
    return session.execute(select(Listing).where(Listing.external_id == external_id)).scalar_one()


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
    """The sample's listings, published or in review."""
    return publishing.request_all(session, owner, owner, NOW)
