from datetime import timedelta

import pytest
from sqlalchemy import func, select

from marketplace.catalog.errors import DriftResolved
from marketplace.catalog.models import ListingDrift
from marketplace.catalog.queries import tiers
from marketplace.catalog.service import drifting
from marketplace.catalog.service.drifting import Attested
from marketplace.catalog.service.importing import import_listings
from tests.conftest import NOW
from tests.integration.catalog.conftest import SHEET, listing_of, on_record

API = "/api/v1"


def said(*duties, at=NOW, version=1):
    return [Attested({duty}, at, version) for duty in duties]


def test_a_listing_is_flagged_while_most_attestations_lack_contact(session, published):
    listing = listing_of(session, "CHI-IM-01")
    assert not drifting.judge(session, listing.id, said("shadowing", "shadowing"), NOW)
    assert drifting.judge(session, listing.id, said(*["shadowing"] * 3), NOW)
    assert listing.drift_at == NOW
    later = NOW + timedelta(days=1)
    assert drifting.judge(session, listing.id, said(*["shadowing"] * 4), later)
    assert listing.drift_at == NOW
    assert tiers.open_drift(session, listing.id).attested == 4
    mended = said(*["shadowing"] * 3, *["history_taking"] * 3)
    assert not drifting.judge(session, listing.id, mended, later)
    assert listing.drift_at is None
    (flag,) = session.execute(select(ListingDrift)).scalars()
    assert (flag.resolved_at, flag.resolved_by, flag.reason) == (later, None, drifting.MENDED)


def test_what_was_attested_of_other_duties_does_not_count(session, published, owner):
    listing = listing_of(session, "CHI-IM-01")
    before = said(*["shadowing"] * 3)
    assert drifting.judge(session, listing.id, before, NOW)
    more = SHEET.replace(b";rounds_attendance,students", b",students", 1)
    assert more != SHEET
    import_listings(session, more, owner, True, NOW)
    assert listing.version == 2
    day = NOW + timedelta(days=1)
    one_more = [*before, *said("shadowing", at=day, version=2)]
    assert not drifting.judge(session, listing.id, one_more, day)
    (flag,) = session.execute(select(ListingDrift)).scalars()
    assert flag.reason == drifting.CHANGED
    # Another version with the same duties counts, and so do those on which they come back.
    import_listings(session, more.replace(b",425.00,", b",430.00,"), owner, True, NOW)
    assert listing.version == 3
    new = said("shadowing", "shadowing", at=day, version=3)
    assert drifting.judge(session, listing.id, [*one_more, *new], day)
    assert tiers.open_drift(session, listing.id).attested == 3
    import_listings(session, SHEET, owner, True, NOW)
    assert drifting.judge(session, listing.id, [*one_more, *new], day)
    assert tiers.open_drift(session, listing.id).attested == 3


def test_half_is_not_most(session, published):
    listing = listing_of(session, "CHI-IM-01")
    half = said("shadowing", "shadowing", "history_taking", "history_taking")
    assert not drifting.judge(session, listing.id, half, NOW)


def test_an_observership_is_never_flagged(session, published):
    listing = listing_of(session, "NYC-PSY-01")
    assert not drifting.judge(session, listing.id, said(*["shadowing"] * 9), NOW)


def test_an_operator_resolves_with_a_reason_and_only_later_attestations_count(
    session, published, operator
):
    listing = listing_of(session, "CHI-IM-01")
    before = said(*["shadowing"] * 4)
    drifting.judge(session, listing.id, before, NOW)
    flag = tiers.open_drift(session, listing.id)
    day = NOW + timedelta(days=1)
    drifting.resolve(session, flag.id, reason="New preceptor.", account_id=operator, now=day)
    assert listing.drift_at is None
    said_so = {"listing_id": str(listing.id), "reason": "New preceptor."}
    assert on_record(session, listing.site_id, operator) == [("listing.flag_taken_away", said_so)]
    later = day + timedelta(days=1)
    again = [*before, *said("shadowing", "shadowing", at=later)]
    assert not drifting.judge(session, listing.id, again, later)
    assert drifting.judge(session, listing.id, [*again, *said("shadowing", at=later)], later)
    assert session.execute(select(func.count()).select_from(ListingDrift)).scalar_one() == 2
    with pytest.raises(DriftResolved) as refused:
        drifting.resolve(session, flag.id, reason="Late.", account_id=operator, now=later)
    assert refused.value.extra["reason"] == "New preceptor."


def test_the_flag_is_on_the_page_and_in_the_operators_queue(
    client, session, market, people, count_queries
):
    listing = market["CHI-IM-01"]
    drifting.judge(session, listing.id, said(*["shadowing"] * 3), NOW)
    session.info["edge"] = True
    session.commit()
    page = client.get(f"{API}/listings/{listing.id}").json
    assert page["flagged"] is True
    assert "no direct patient contact" in page["drift_notice"]
    headers = people.make("operator").headers
    with count_queries() as seen:
        queue = client.get(f"{API}/operator/listings/drifts", headers=headers).json["items"]
    assert len(seen) <= 6
    assert [(one["attested"], one["without_contact"]) for one in queue] == [(3, 3)]
    url = f"{API}/operator/listings/drifts/{queue[0]['id']}/resolution"
    assert client.post(url, json={"reason": " "}, headers=headers).status_code == 422
    done = client.post(url, json={"reason": "Duties were changed."}, headers=headers)
    assert (done.status_code, done.json["flagged"]) == (200, False)
    late = client.post(url, json={"reason": "Me too."}, headers=headers)
    assert (late.status_code, late.json["code"]) == (409, "drift_resolved")
    assert client.get(f"{API}/operator/listings/drifts", headers=headers).json["items"] == []
    past = client.get(f"{API}/operator/listings/drifts?resolved=true", headers=headers).json
    assert past["items"][0]["reason"] == "Duties were changed."
