"""An import made by mistake is taken back: what nobody has touched goes, the rest stays, named."""

import pytest
from sqlalchemy import func, select

from marketplace.catalog.errors import ImportNotFound, ImportNotTakenBack
from marketplace.catalog.models import (
    ImportRun,
    Listing,
    ListingTransition,
    ListingVersion,
    SeatPool,
)
from marketplace.catalog.queries import seats
from marketplace.catalog.service import editing, pools, publishing
from marketplace.catalog.service.importing import import_listings
from marketplace.catalog.service.taking_back import TAKEN_BACK, WHY, take_back
from marketplace.core.ids import new_id
from tests.conftest import NOW
from tests.integration.catalog.conftest import SHEET, Sold, listing_of


def count(session, what):
    return session.scalar(select(func.count()).select_from(what))


@pytest.fixture
def run(session, imported):
    return session.scalars(select(ImportRun)).one()


def test_what_nobody_has_touched_goes_and_the_rest_is_named(session, owner, run):
    made = run.counts["created"]
    names = ("CHI-IM-01", "CHI-IM-02", "NYC-NEU-01")
    asked, changed, moved = (listing_of(session, name) for name in names)
    publishing.request(session, asked.id, owner, NOW)
    held = editing.held(session, changed.site_id, changed.id)
    editing.change(session, held, {"title": "Another title"}, editing.By(owner, NOW, Sold()))
    (pool,) = seats.pools(session, moved.id)
    pools.rename(session, pool, "Neurology, Mondays")

    look = take_back(session, run.id, owner, NOW, commit=False)
    assert (look.listings, look.kept_in_all, look.committed) == (made - 3, 3, False)
    assert {one.external_id: one.why for one in look.kept} == {
        "CHI-IM-01": "state",
        "CHI-IM-02": "terms",
        "NYC-NEU-01": "calendar",
    }
    assert count(session, select(Listing).where(Listing.state == "retired").subquery()) == 0

    done = take_back(session, run.id, owner, NOW, commit=True)
    assert (done.listings, done.kept) == (look.listings, look.kept)
    assert run.counts[TAKEN_BACK] == made - 3
    gone = session.scalars(select(Listing).where(Listing.state == "retired")).all()
    assert len(gone) == made - 3
    assert count(session, SeatPool) == 3
    steps = select(ListingTransition).where(ListingTransition.why == WHY)
    assert {one.account_id for one in session.scalars(steps)} == {owner}
    for one in gone:
        last = session.get_one(ListingVersion, (one.id, one.version))
        own, freed = last.difference["external_id"]
        assert one.external_id == last.terms["external_id"] == freed == f"{own} ~{str(one.id)[-8:]}"
    again = take_back(session, run.id, owner, NOW, commit=True)
    assert (again.listings, again.kept) == (0, look.kept)

    meant = import_listings(session, SHEET, owner, True, NOW)
    assert meant.counts["created"] == made - 3
    assert take_back(session, run.id, owner, NOW, commit=True).listings == 0


def test_what_is_under_way_or_elsewhere_is_not_taken_back(session, owner, run):
    with pytest.raises(ImportNotFound):
        take_back(session, run.id, owner, NOW, site_id=new_id(), commit=True)
    run.sheet = "calendar"
    session.flush()
    with pytest.raises(ImportNotTakenBack):
        take_back(session, run.id, owner, NOW, commit=True)
