"""Sites are verified by operators, with evidence; until then nothing of theirs is public."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from marketplace.catalog.errors import SiteDecided
from marketplace.catalog.models import Listing, ListingTransition, Site
from marketplace.catalog.queries import sites
from marketplace.catalog.service import publishing, verifying
from marketplace.catalog.service.importing import import_listings
from marketplace.catalog.service.verifying import Evidence
from marketplace.catalog.states import ListingState
from marketplace.core.errors import Invalid
from tests.conftest import NOW
from tests.factories.rotations import verify_sites
from tests.integration.catalog.conftest import SHEET, listing_of, new_account, priced_in_euro

LICENSE = Evidence("state_license", "IL-0042")


@pytest.fixture
def asked(session, owner, imported):
    """Publication asked for while no site is verified."""
    return {each.external_id: each for each in publishing.request_all(session, owner, owner, NOW)}


def site_of(session, external_id) -> Site:
    return session.get_one(Site, listing_of(session, external_id).site_id)


def decide(session, site, operator, *, verified=True):
    if verified:
        found = verifying.verify(session, site.id, LICENSE, note="", account_id=operator, now=NOW)
        return publishing.site_verified(session, found, operator, NOW)
    found = verifying.reject(
        session, site.id, note="No such license.", account_id=operator, now=NOW
    )
    return publishing.site_rejected(session, found, operator, NOW)


def test_nothing_of_an_unverified_site_is_public(session, asked):
    assert asked["CHI-IM-01"].state == "in_review"
    assert "is not verified" in asked["CHI-IM-01"].why
    listing = listing_of(session, "HOU-FM-01")
    assert listing.waits_for == ["site_unverified", "words_under_review"]
    assert listing_of(session, "CHI-IM-01").first_published_at is None
    site = site_of(session, "CHI-IM-01")
    assert (site.verification, site.waiting_since) == ("pending", NOW)
    (step,) = sites.checks(session, [site.id])[site.id]
    assert (step.step, step.kind) == ("submitted", None)


def test_a_verification_publishes_what_waited_for_it_alone(session, asked, operator):
    published = decide(session, site_of(session, "CHI-IM-01"), operator)
    assert [listing.external_id for listing in published] == ["CHI-IM-01", "CHI-IM-02"]
    others = decide(session, site_of(session, "HOU-FM-01"), operator)
    assert "HOU-FM-01" not in [listing.external_id for listing in others]
    assert listing_of(session, "HOU-FM-01").waits_for == ["words_under_review"]
    steps = session.execute(
        select(ListingTransition.to_state, ListingTransition.why)
        .where(ListingTransition.listing_id == listing_of(session, "CHI-IM-01").id)
        .order_by(ListingTransition.id)
    ).all()
    assert [tuple(step) for step in steps][-1] == ("published", "Site verified.")


def test_a_rejection_takes_public_listings_back_and_keeps_the_history(session, asked, operator):
    site = site_of(session, "CHI-IM-01")
    decide(session, site, operator)
    taken_back = decide(session, site, operator, verified=False)
    assert len(taken_back) == 2
    listing = listing_of(session, "CHI-IM-01")
    assert (listing.state, listing.waits_for) == ("in_review", ["site_unverified"])
    assert (site.verification, site.waiting_since) == ("rejected", None)
    verifying.submit(
        session, site.id, LICENSE, note="The renewed one.", account_id=operator, now=NOW
    )
    assert site.verification == "pending"
    steps = [check.step for check in sites.checks(session, [site.id])[site.id]]
    assert steps == ["submitted", "verified", "rejected", "submitted"]
    with pytest.raises(DatabaseError, match="history"), session.begin_nested():
        session.execute(text("UPDATE site_check SET note = 'else'"))


def test_who_decides_second_is_told_of_the_first(session, asked, operator):
    site = site_of(session, "CHI-IM-01")
    decide(session, site, operator)
    with pytest.raises(SiteDecided) as refused:
        decide(session, site, new_account(session))
    assert refused.value.extra["decided_by"] == str(operator)


def test_a_rejection_says_why(session, asked, operator):
    site = site_of(session, "CHI-IM-01")
    with pytest.raises(Invalid):
        verifying.reject(session, site.id, note=" ", account_id=operator, now=NOW)


def test_a_verified_site_that_changes_is_looked_at_again(session, owner, asked, operator):
    site = site_of(session, "NYC-NEU-01")
    decide(session, site, operator)
    assert site.waiting_since is None
    moved = SHEET.replace(b"300 New York Medical Way", b"301 New York Medical Way")
    import_listings(session, moved, owner, True, NOW)
    assert (site.verification, site.waiting_since) == ("verified", NOW)
    assert listing_of(session, "NYC-NEU-01").state == "published"
    (change,) = sites.changes(session, site.id)
    assert change.difference == {
        "address": ["300 New York Medical Way", "301 New York Medical Way"]
    }
    decide(session, site, operator)
    assert site.waiting_since is None


def test_a_paused_listing_of_a_rejected_site_does_not_come_back(session, asked, owner, operator):
    site = site_of(session, "CHI-IM-01")
    decide(session, site, operator)
    listing = listing_of(session, "CHI-IM-01")
    publishing.take_off(session, listing.id, ListingState.PAUSED, owner, "Summer.", NOW)
    decide(session, site, operator, verified=False)
    assert listing.state == "paused"
    assert publishing.request(session, listing.id, owner, NOW).state == "in_review"


def test_a_listing_can_not_slip_out_while_its_site_is_rejected(live):
    """Publication and rejection at once: whichever comes second sees the first."""
    for _ in range(4):
        with live.transaction() as session:
            owner, operator = new_account(session), new_account(session)
            import_listings(session, SHEET, owner, True, NOW)
            verify_sites(session, owner, NOW)
            row = session.execute(
                select(Listing.id, Listing.site_id).where(
                    Listing.external_id == "CHI-IM-01", Listing.owner_account_id == owner
                )
            ).one()
        together = threading.Barrier(2)

        def publish(listing_id=row.id, by=owner, barrier=together):
            with live.transaction() as session:
                barrier.wait()
                publishing.request(session, listing_id, by, NOW)

        def reject(site_id=row.site_id, by=operator, barrier=together):
            with live.transaction() as session:
                barrier.wait()
                found = verifying.reject(session, site_id, note="Closed.", account_id=by, now=NOW)
                publishing.site_rejected(session, found, by, NOW)

        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(publish), pool.submit(reject)]:
                done.result()
        with live.sessions() as session:
            assert session.get_one(Listing, row.id).state == "in_review"


def test_a_listing_in_review_always_says_what_it_waits_for(session, asked):
    with pytest.raises(DatabaseError, match="ck_listing_waits_for"), session.begin_nested():
        session.execute(text("UPDATE listing SET waits_for = '{}' WHERE state = 'in_review'"))


def test_of_two_operators_at_once_one_decides_and_the_other_is_told(live):
    with live.transaction() as session:
        owner = new_account(session)
        operators = [new_account(session) for _ in range(4)]
        import_listings(session, SHEET, owner, True, NOW)
        (site_id, *_) = sites.of_owner(session, owner)
    together = threading.Barrier(4)

    def verify(operator):
        try:
            with live.transaction() as session:
                together.wait()
                verifying.verify(session, site_id, LICENSE, note="", account_id=operator, now=NOW)
        except SiteDecided as refused:
            return refused.extra["decided_by"]
        return None

    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(verify, operators))
    winner = operators[answers.index(None)]
    assert sorted(answers, key=str) == sorted([None, *[str(winner)] * 3], key=str)
    with live.sessions() as session:
        assert len(sites.checks(session, [site_id])[site_id]) == 1


def test_hosts_are_told_of_a_review(client, session, people, host, market, run_jobs, mail):
    priced_in_euro(session, "ATL-ID-01")
    operator = people.make("operator")
    queue = "/api/v1/operator/listings/reviews"
    items = client.get(queue, headers=operator.headers).json["items"]
    by_id = {item["listing"]["external_id"]: item["id"] for item in items}
    for external_id, body in (
        ("ATL-ID-01", {"approve": True, "reason": "As listed."}),
        ("HOU-FM-01", {"approve": False, "reason": "Shadowing is not hands-on."}),
    ):
        path = f"{queue}/{by_id[external_id]}/decision"
        assert client.post(path, json=body, headers=operator.headers).status_code == 200
    run_jobs()
    approved, rejected = mail.to(host.email)
    assert approved.subject == "Approved: Infectious Disease Elective"
    assert "It is not public yet. The fees of tiered_days are in USD" in approved.text
    assert rejected.subject.startswith("Not approved: ")
    assert "Shadowing is not hands-on." in rejected.text
