"""Several rows in one statement: as a flush would write them, and read back as they stand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm.exc import StaleDataError

from marketplace.catalog.models import Listing, ListingReview, ListingTransition
from marketplace.catalog.queries import locks
from marketplace.catalog.states import ReviewState
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money

NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, UTC)


@pytest.fixture
def listing(session: Session, imported: Any) -> Listing:
    found = session.execute(select(Listing.id).limit(1)).scalar_one()
    return locks.listing(session, found)


def review(listing: Listing) -> ListingReview:
    return ListingReview(
        id=new_id(),
        listing_id=listing.id,
        listing_version=listing.version,
        fingerprint=listing.fingerprint,
        conflicts=[{"code": "x", "text": 'Title says "hands-on" – ünlike \\ its duties.'}],
        requested_at=NOW,
    )


def test_rows_of_several_tables_are_one_statement_and_come_back_as_they_were(
    session: Session, listing: Listing
):
    seen: list[str] = []
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", lambda *args: seen.append(args[2]))
    asked = review(listing)
    step = ListingTransition(
        id=new_id(), listing_id=listing.id, from_state=None, to_state="draft",
        recorded_at=NOW, why="It's 100% {new}: %s",
    )  # fmt: skip
    session.add_all([asked, step])
    listing.price = Money(4200, "USD")
    listing.blackout_weeks = [*listing.blackout_weeks, NOW.date()]
    rows.flush(session)
    session.flush()
    assert len(seen) == 1
    assert not session.new
    kept = (asked.conflicts, asked.requested_at, step.why, listing.blackout_weeks)
    session.expire_all()
    assert (asked.conflicts, asked.requested_at, step.why, listing.blackout_weeks) == kept
    assert listing.price == Money(4200, "USD")
    assert asked.state == ReviewState.PENDING
    assert asked.reason is None


def test_a_change_gives_up_the_place_that_a_new_row_takes(session: Session, listing: Listing):
    first, second = review(listing), review(listing)
    session.add(first)
    rows.flush(session)
    first.state, first.decided_at = ReviewState.SUPERSEDED, NOW
    session.add(second)
    rows.flush(session)
    pending = select(ListingReview.id).where(ListingReview.state == ReviewState.PENDING)
    assert session.execute(pending).scalars().all() == [second.id]


def test_a_change_of_a_row_that_is_gone_is_an_error(session: Session, listing: Listing):
    asked = review(listing)
    session.add(asked)
    rows.flush(session)
    session.execute(
        delete(ListingReview)
        .where(ListingReview.id == asked.id)
        .execution_options(synchronize_session=False)
    )
    asked.reason = "Why not."
    with pytest.raises(StaleDataError):
        rows.flush(session)
