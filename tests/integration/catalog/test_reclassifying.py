import csv
import io
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from marketplace.catalog.errors import OnlyDryRun
from marketplace.catalog.models import Listing, ListingReview, ListingVersion, TierChange
from marketplace.catalog.queries import reviews, tiers
from marketplace.catalog.rules.classifiers import KNOWN, Classifiers
from marketplace.catalog.rules.tiers import Reason, Tier, TierAnswer, classify
from marketplace.catalog.service import publishing, reclassifying, tier_files
from marketplace.cli.reclassifying import reclassify
from marketplace.core.db import edge
from marketplace.core.errors import Invalid
from marketplace.identity.rules import LearnerStatus
from tests.conftest import NOW
from tests.factories.rotations import FIRST_DAY, live_stage, stage  # noqa: F401 - fixtures

API = "/api/v1"


def stricter(duties, setting, title="", audience="both", claimed=None):
    """A candidate for tests: no externships for students, and "rotation" in a title is a conflict."""
    found = replace(classify(duties, setting, title, audience, claimed), version="usce-2")
    if found.student.tier is Tier.EXTERNSHIP:
        answer = TierAnswer(Tier.OBSERVERSHIP, (Reason("stricter", "Stricter."),))
        found = replace(found, student=answer)
    if "rotation" in title.casefold() and LearnerStatus.GRADUATE in found.open_to:
        found = replace(found, conflicts=(*found.conflicts, Reason("rotation", "A rotation.")))
    return found


def nothing_counts(duties, setting, title="", audience="both", claimed=None):
    return replace(classify([], setting, title, audience, claimed), version="usce-3")


CANDIDATE = Classifiers({**KNOWN.versions, "usce-2": stricter, "usce-3": nothing_counts}, "usce-1")
PUBLISHED = replace(CANDIDATE, published="usce-2")


def stored(session):
    rows = session.execute(
        select(Listing.id, Listing.version, Listing.tier_student, Listing.classifier, Listing.state)
    )
    return {row.id: tuple(row) for row in rows}


def run_all(session, known, *, now=NOW, **asked):
    """Ask and take every step in the test's own session."""
    run = reclassifying.ask(session, known, asked_by=None, now=now, in_job=False, **asked)
    while reclassifying.step(session, run.id, known, now):
        pass
    tier_files.finish(session, run.id, now)
    return run


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(reclassifying, "BATCH", 4)


def test_the_published_classifier_changes_nothing(session, published, small_batches):
    before = stored(session)
    run = run_all(session, KNOWN, classifier=None, commit=True)
    assert (run.seen, run.changed) == (len(before), 0)
    assert stored(session) == before


def test_a_dry_run_says_what_a_candidate_would_change_and_changes_nothing(
    session, published, small_batches
):
    before = stored(session)
    run = run_all(session, CANDIDATE, classifier="usce-2", commit=False)
    assert stored(session) == before
    page = tiers.changes(session, run.id, outcome=None, limit=100, cursor=None)
    expected = {
        row.id
        for row in session.execute(select(Listing)).scalars()
        if (row.tier_student == "externship")
        or ("rotation" in row.title.casefold() and row.audience != "students")
    }
    assert expected
    assert {row.listing_id for row in page.items} == expected
    assert run.changed == len(expected)
    moved = [row for row in page.items if row.before["student"] == "externship"]
    assert {row.after["student"] for row in moved} == {"observership"}
    assert {row.after["classifier"] for row in page.items} == {"usce-2"}


def test_only_the_published_version_can_be_committed_and_only_a_known_one_run(session, published):
    with pytest.raises(OnlyDryRun):
        run_all(session, CANDIDATE, classifier="usce-2", commit=True)
    with pytest.raises(Invalid) as refused:
        run_all(session, KNOWN, classifier="usce-2", commit=False)
    assert "none of: usce-1" in refused.value.fields["classifier"][0]


def test_a_commit_writes_versions_and_sends_new_conflicts_to_review(
    session, published, operator, small_batches
):
    approved = session.execute(
        select(ListingReview)
        .join(Listing, Listing.id == ListingReview.listing_id)
        .where(ListingReview.state == "pending")
        .order_by(Listing.external_id)
        .limit(1)
    ).scalar_one()
    publishing.decide(
        session, approved.id, approve=True, reason="Agreed.", account_id=operator, now=NOW
    )
    shown = session.execute(
        select(Listing)
        .where(Listing.state == "published", Listing.audience != "students")
        .order_by(Listing.external_id)
        .limit(1)
    ).scalar_one()
    shown.title = f"{shown.title} rotation"
    session.flush()
    run = run_all(session, PUBLISHED, classifier=None, commit=True)
    session.expire_all()
    assert {row.classifier for row in session.execute(select(Listing)).scalars()} == {"usce-2"}
    assert shown.state == "in_review"
    assert run.conflicting >= 1
    version = session.get_one(ListingVersion, (shown.id, shown.version))
    assert version.source == "reclassification"
    assert version.difference["classifier"] == ["usce-1", "usce-2"]
    assert "rotation" in version.difference["conflicts"][1]
    # What was approved with the conflicts that it has still is asked about no more.
    again = session.get_one(Listing, approved.listing_id)
    if "rotation" not in again.title.casefold():
        assert again.state == "published"
        assert reviews.standing(session, again).approved
    twice = run_all(session, PUBLISHED, classifier=None, commit=True)
    assert twice.changed == 0


def test_what_is_on_show_is_never_left_without_a_tier(session, published):
    before = stored(session)
    known = replace(CANDIDATE, published="usce-3")
    run = run_all(session, known, classifier=None, commit=True)
    after = stored(session)
    shown = {key for key, row in before.items() if row[4] != "draft"}
    assert run.refused == len(shown)
    assert all(after[key] == before[key] for key in shown)


def test_a_run_that_died_goes_on_where_it_was(session, published, small_batches):
    run = reclassifying.ask(
        session, PUBLISHED, classifier=None, commit=True, asked_by=None, now=NOW, in_job=False
    )
    assert reclassifying.step(session, run.id, PUBLISHED, NOW)
    seen = run.last_listing_id
    while reclassifying.step(session, run.id, PUBLISHED, NOW):
        pass
    assert run.last_listing_id > seen
    assert run.seen == len(stored(session))
    found = session.execute(select(TierChange.listing_id)).scalars().all()
    assert len(found) == len(set(found)) == run.changed


def test_two_runs_that_commit_are_never_under_way_at_once(client, people, market):
    headers = people.make("operator").headers
    url = f"{API}/operator/tiers/runs"
    assert client.post(url, json={"commit": True}, headers=headers).status_code == 202
    second = client.post(url, json={"commit": True}, headers=headers)
    assert (second.status_code, second.json["code"]) == (409, "reclassification_under_way")
    assert client.post(url, json={}, headers=headers).status_code == 202


def test_an_operators_run_has_progress_pages_and_a_file(
    client, people, market, parts, run_jobs, count_queries
):
    parts.add(Classifiers, CANDIDATE)
    headers = people.make("operator").headers
    url = f"{API}/operator/tiers/runs"
    asked = client.post(url, json={"classifier": "usce-2"}, headers=headers)
    run_url = asked.headers["Location"]
    assert asked.json["state"] == "asked"
    early = client.get(f"{run_url}/file", headers=headers)
    assert (early.status_code, early.json["code"]) == (409, "tier_run_not_ready")
    run_jobs()
    done = client.get(run_url, headers=headers).json
    assert (done["state"], done["seen"]) == ("ready", len(market))
    with count_queries() as seen:
        first = client.get(f"{run_url}/changes?limit=2", headers=headers).json
    assert len(seen) <= 6
    assert len(first["items"]) == 2
    rows = list(csv.DictReader(io.StringIO(client.get(f"{run_url}/file", headers=headers).text)))
    assert len(rows) == done["changed"]
    assert first["items"][0]["listing_id"] == rows[0]["listing_id"]
    trainee = people.make("trainee").headers
    assert client.get(run_url, headers=trainee).status_code == 403


def test_the_command_prints_the_changes_and_says_that_it_was_dry(app, market, parts):
    parts.add(Classifiers, CANDIDATE)
    with app.app_context():
        result = CliRunner().invoke(reclassify, ["--classifier", "usce-2"])
    assert result.exit_code == 0, result.output
    assert "A dry run: no listing was changed." in result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows
    assert {row["classifier_after"] for row in rows} == {"usce-2"}


def test_a_booking_keeps_the_tier_that_it_was_made_on(stage):  # noqa: F811 - the fixture
    place = stage.place(audience="both", duties="history_taking", title="Internal Medicine")
    booking_id = stage.hold(stage.trainee(graduation_date=FIRST_DAY.replace(year=2028)), place)
    with stage.transaction() as session:
        run_all(session, PUBLISHED, classifier=None, commit=True)
    with stage.transaction() as session:
        listing = session.get_one(Listing, place.listing_id)
        assert (listing.tier_student, listing.classifier) == ("observership", "usce-2")
    booking = stage.booking(booking_id)
    assert (booking.tier, booking.classifier_version) == ("externship", "usce-1")
    assert booking.listing_version < 2


def test_a_batch_that_waits_for_an_edit_gives_way_and_comes_back(live, live_stage):  # noqa: F811 - the fixture
    place = live_stage.place(duties="history_taking", title="Medicine")
    with live.transaction() as session:
        run = reclassifying.ask(
            session, PUBLISHED, classifier=None, commit=True, asked_by=None, now=NOW, in_job=False
        )
        run_id = run.id
    told = []
    with live.sessions() as editor, edge(editor):
        editor.execute(
            text("SELECT 1 FROM listing WHERE id = :id FOR UPDATE"), {"id": place.listing_id}
        )
        tries = []

        def transaction():
            tries.append(1)
            if len(tries) == 2:
                editor.rollback()
            return live.transaction()

        reclassifying.go_through(
            transaction, run_id, PUBLISHED, NOW, lambda seen, _: told.append(seen)
        )
    assert len(tries) == 2
    assert told[-1] == 1
