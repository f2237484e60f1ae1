import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from marketplace.catalog import queries
from marketplace.catalog.errors import ListingNotFound, NoSeats, NotOffered, ReviewDecided
from marketplace.catalog.models import ListingReview, ListingTransition
from marketplace.catalog.queries import reviews
from marketplace.catalog.service import publishing
from marketplace.catalog.service.importing import import_listings
from marketplace.catalog.states import ListingState
from marketplace.core.errors import Invalid
from marketplace.core.states import IllegalTransition
from tests.conftest import NOW
from tests.integration.catalog.conftest import (
    MENDED,
    SHEET,
    listing_of,
    new_account,
    on_record,
    priced_in_euro,
)


def pending(session, external_id):
    listing = listing_of(session, external_id)
    return session.execute(
        select(ListingReview).where(
            ListingReview.listing_id == listing.id, ListingReview.state == "pending"
        )
    ).scalar_one()


def test_listings_without_conflicts_are_published_and_others_wait(session, published):
    states = {asked.external_id: asked.state for asked in published}
    assert states["CHI-IM-01"] == "published"
    assert states["HOU-FM-01"] == "in_review"
    assert states["ATL-ID-01"] == "in_review"
    assert states["DET-IM-02"] == "draft"
    assert list(states.values()).count("published") == 11
    waiting = reviews.queue(session, limit=10, cursor=None)
    assert len(waiting.items) == 2


def test_a_listing_without_seats_can_not_be_published(session, owner, imported):
    with pytest.raises(NoSeats):
        publishing.request(session, listing_of(session, "DET-IM-02").id, owner, NOW)


def test_an_approved_listing_is_published_and_its_history_tells_who(session, published, operator):
    review = pending(session, "HOU-FM-01")
    listing = publishing.decide(
        session,
        review.id,
        approve=True,
        reason="Agreed with the host.",
        account_id=operator,
        now=NOW,
    )
    assert listing.state == "published"
    assert listing.first_published_at == NOW
    steps = session.execute(
        select(
            ListingTransition.from_state, ListingTransition.to_state, ListingTransition.account_id
        )
        .where(ListingTransition.listing_id == listing.id)
        .order_by(ListingTransition.id)
    ).all()
    assert [tuple(step)[:2] for step in steps] == [
        (None, "draft"),
        ("draft", "in_review"),
        ("in_review", "published"),
    ]
    assert steps[-1].account_id == operator
    (noted,) = on_record(session, listing.site_id, operator)
    assert noted == (
        "listing.approved",
        {"listing_id": str(listing.id), "reason": "Agreed with the host."},
    )


def test_a_fee_in_another_currency_than_the_price_holds_a_listing_up(
    session, published, owner, operator
):
    priced_in_euro(session, "ATL-ID-01")
    review = pending(session, "ATL-ID-01")
    listing = publishing.decide(
        session, review.id, approve=True, reason="Agreed.", account_id=operator, now=NOW
    )
    assert (listing.state, listing.waits_for) == ("in_review", ["fee_currency"])
    import_listings(session, MENDED, owner, True, NOW)
    listing = listing_of(session, "ATL-ID-01")
    assert (listing.state, listing.waits_for) == ("published", [])
    again = import_listings(session, SHEET, owner, True, NOW)
    (refused,) = [entry for entry in again.entries if entry.external_id == "ATL-ID-01"]
    assert [(one.column, one.code) for one in refused.problems] == [
        ("cancellation_policy", "fee_currency")
    ]
    assert listing_of(session, "ATL-ID-01").state == "published"


def test_a_rejection_needs_a_reason_and_makes_it_a_draft(session, published, operator):
    review = pending(session, "HOU-FM-01")
    with pytest.raises(Invalid):
        publishing.decide(
            session, review.id, approve=False, reason=" ", account_id=operator, now=NOW
        )
    listing = publishing.decide(
        session, review.id, approve=False, reason="Not hands-on.", account_id=operator, now=NOW
    )
    assert listing.state == "draft"
    assert [what for what, _ in on_record(session, listing.site_id, operator)] == [
        "listing.sent_back"
    ]
    asked_again = publishing.request(session, listing.id, listing.owner_account_id, NOW)
    assert asked_again.state == "in_review"


def test_the_second_decision_is_told_of_the_first(session, published, operator):
    review = pending(session, "HOU-FM-01")
    publishing.decide(session, review.id, approve=True, reason="", account_id=operator, now=NOW)
    with pytest.raises(ReviewDecided) as refused:
        publishing.decide(
            session,
            review.id,
            approve=False,
            reason="No.",
            account_id=new_account(session),
            now=NOW,
        )
    assert refused.value.extra["decided_by"] == str(operator)
    assert refused.value.extra["state"] == "approved"


def test_mending_the_title_publishes_and_supersedes_the_review(session, published, owner):
    review = pending(session, "HOU-FM-01")
    mended = SHEET.replace(b"Hands-on Observership in Family", b"Observership in Family")
    import_listings(session, mended, owner, True, NOW)
    session.refresh(review)
    assert review.state == "superseded"
    assert listing_of(session, "HOU-FM-01").state == "published"


def test_a_published_listing_that_becomes_contradictory_goes_back_to_review(
    session, published, owner
):
    worse = SHEET.replace(b"Neurology Elective", b"Neurology Observership")
    import_listings(session, worse, owner, True, NOW)
    listing = listing_of(session, "NYC-NEU-01")
    assert listing.state == "in_review"
    assert listing.conflicts[0]["code"] == "observership_title_over_contact_duties"


def test_a_price_change_leaves_an_open_review_alone(session, published, owner):
    review = pending(session, "ATL-ID-01")
    import_listings(session, MENDED.replace(b",450,USD", b",451,USD"), owner, True, NOW)
    session.refresh(review)
    assert review.state == "pending"


def test_only_published_listings_are_booked(session, published, owner):
    draft = listing_of(session, "DET-IM-02")
    with pytest.raises(ListingNotFound):
        queries.listing_for_booking(session, draft.id)
    listing = listing_of(session, "CHI-IM-01")
    found = queries.listing_for_booking(session, listing.id)
    assert (found.tier_for("student"), found.tier_for("graduate")) == ("elective", None)
    assert found.time_zone == "America/Chicago"
    publishing.take_off(session, listing.id, ListingState.PAUSED, owner, "Summer.", NOW)
    with pytest.raises(NotOffered):
        queries.listing_for_booking(session, listing.id)
    assert publishing.request(session, listing.id, owner, NOW).state == "published"


def test_a_retired_listing_stays_retired(session, published, owner):
    listing = listing_of(session, "CHI-IM-01")
    publishing.take_off(session, listing.id, ListingState.RETIRED, owner, "Closed.", NOW)
    with pytest.raises(IllegalTransition):
        publishing.request(session, listing.id, owner, NOW)


@pytest.mark.parametrize("table", ["listing_version", "listing_transition"])
def test_history_is_never_rewritten(session, published, table):
    with pytest.raises(DatabaseError, match="history"), session.begin_nested():
        session.execute(text(f"DELETE FROM {table}"))
