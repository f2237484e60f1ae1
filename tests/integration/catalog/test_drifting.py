from datetime import timedelta

from marketplace.catalog.service import drifting
from tests.conftest import NOW
from tests.integration.catalog.conftest import listing_of


def test_a_listing_is_flagged_while_most_attestations_lack_contact(session, published):
    listing = listing_of(session, "CHI-IM-01")
    assert not drifting.judge(session, listing.id, [{"shadowing"}] * 2, NOW)
    assert drifting.judge(session, listing.id, [{"shadowing"}] * 3, NOW)
    assert listing.drift_at == NOW
    later = NOW + timedelta(days=1)
    assert drifting.judge(session, listing.id, [{"shadowing"}] * 4, later)
    assert listing.drift_at == NOW
    mended = [{"shadowing"}] * 3 + [{"history_taking"}] * 3
    assert not drifting.judge(session, listing.id, mended, later)
    assert listing.drift_at is None


def test_an_observership_is_never_flagged(session, published):
    listing = listing_of(session, "NYC-PSY-01")
    assert not drifting.judge(session, listing.id, [{"shadowing"}] * 9, NOW)
