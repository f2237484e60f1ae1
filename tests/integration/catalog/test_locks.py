"""Who waits for a row reads what it has become, and what belongs to it now."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import select, text

from marketplace.catalog.models import Listing, ListingReview, Preceptor
from marketplace.catalog.queries import locks
from marketplace.catalog.states import ReviewState
from marketplace.core.ids import new_id
from tests.conftest import NOW


def by_id(session: Any, listing: Listing, _: Any) -> Listing:
    return locks.listing(session, listing.id, site_id=listing.site_id)


def with_site(session: Any, listing: Listing, _: Any) -> Listing:
    return locks.site_and_listing(session, listing.id, site_id=listing.site_id)[1]


def under_review(session: Any, _: Listing, review_id: Any) -> Listing:
    return locks.under_review(session, review_id)[1]


@pytest.mark.parametrize("take", [by_id, with_site, under_review])
def test_a_listing_that_was_waited_for_comes_with_its_new_preceptor(live, live_stage, take):
    listing_id, review_id = live_stage.place().listing_id, new_id()
    with live.transaction() as session:
        row = session.get_one(Listing, listing_id)
        session.add(
            ListingReview(
                id=review_id,
                listing_id=row.id,
                listing_version=1,
                fingerprint="x",
                conflicts=[],
                requested_at=NOW,
            )
        )
    seen: dict[str, Any] = {}

    def wait() -> None:
        with live.transaction() as session:
            found = take(session, row, review_id)
            seen.update(name=found.preceptor.name, site=found.site.id, version=found.version)

    waiter = threading.Thread(target=wait)
    with live.transaction() as session:
        held = locks.listing(session, listing_id)
        waiter.start()
        until = time.monotonic() + 20
        blocked = text(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )
        while not session.execute(blocked).scalar_one():
            assert time.monotonic() < until
        new = Preceptor(id=new_id(), site_id=held.site_id, npi="1234567893", name="Dr. New")
        session.add(new)
        session.flush()
        held.preceptor_id = new.id
        held.version += 1
    waiter.join()
    assert seen == {"name": "Dr. New", "site": row.site_id, "version": row.version + 1}
    with live.transaction() as session:
        state = select(ListingReview.state).where(ListingReview.id == review_id)
        assert session.scalar(state) == ReviewState.PENDING
