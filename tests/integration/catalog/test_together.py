"""Several rows in one statement: as a flush would write them, and read back as they stand."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm.exc import StaleDataError

from marketplace.catalog.models import Listing, ListingReview, ListingTransition
from marketplace.catalog.queries import locks
from marketplace.catalog.service import publishing, telling, verifying
from marketplace.catalog.states import ReviewState, Waiting
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from tests.integration.api.test_cost import MOST
from tests.integration.catalog.conftest import listing_of
from tests.integration.catalog.test_verifying import LICENSE

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


def test_what_asks_for_most_is_asked_for_in_few_statements(
    session: Session, imported: Any, owner: Any, operator: Any, count_queries: Any
):
    """The whole of a request is two more: who calls, and the answer that is remembered."""
    listing = listing_of(session, "HOU-FM-01")
    memberships.grant_role(session, owner, Role.SITE_OWNER, site_id=listing.site_id, now=NOW)
    with count_queries() as asked:
        found = publishing.request(session, listing.id, owner, NOW)
    assert found.waits_for == [Waiting.SITE, Waiting.WORDS]
    assert len(asked.texts) <= MOST - 2, asked.texts
    review_id = session.execute(select(ListingReview.id)).scalar_one()
    with count_queries() as decided:
        publishing.decide(
            session, review_id, approve=True, reason="Read.", account_id=operator, now=NOW
        )
    assert len(decided.texts) <= MOST - 2, decided.texts
    with count_queries() as verified:
        site = verifying.verify(
            session, listing.site_id, LICENSE, note="", account_id=operator, now=NOW
        )
        published = publishing.site_verified(session, site, operator, NOW)
        telling.site_verified(session, site, published, NOW)
    assert [one.id for one in published] == [listing.id]
    # One more: the site is held before its listings are looked for.
    assert len(verified.texts) <= MOST - 1, verified.texts
