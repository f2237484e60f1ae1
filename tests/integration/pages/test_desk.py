"""The operators' desk, each queue worked off by forms, and a booking's story told on one page."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.catalog.models import Site
from marketplace.payments.service.quarantine import put_aside
from tests.factories import credit
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.test_pages import Browser
from tests.integration.pages.test_trainee import MARK, PDF, a_file, to


@pytest.fixture
def operator(people):
    return people.make("operator", name="Olga Staff")


@pytest.fixture
def desk(client, operator):
    made = Browser(client)
    made.sign_in(operator, going_to="/desk")
    return made


@pytest.fixture
def trainee(people):
    return people.trainee(visa_type="b1_b2")


@pytest.fixture
def place(stage):
    return stage.place(documents="tb_test")


def linked(body: str, pattern: str) -> str:
    found = re.search(pattern, body)
    assert found is not None, pattern
    return found[1]


def test_what_waits_is_counted_and_worked_off(
    desk, stage, place, trainee, app, session, count_queries
):
    waiting = Browser(app.test_client())
    waiting.sign_in(trainee)
    waiting.get("/documents/new")
    document = to(
        waiting.send("/documents/new", kind="tb_test", file=a_file(), issued_on="2026-11-01")
    ).rpartition("/")[2]
    with stage.transaction() as own:
        own.get_one(Site, place.site_id).waiting_since = stage.now
        put_aside(
            own, processor_object="pi_1", reason="refund_not_ours", now=stage.now,
            details={"amount": "1234", "currency": "usd"},
        )  # fmt: skip
        own.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
                " VALUES ('default', 'catalog.tidy', '{}', 'failed', 5)"
            )
        )
    assert desk.get("/desk").status_code == 200
    for count, words in (
        ("1", "Sites to verify"), ("1", "Documents"), ("1", "Quarantined payments"),
        ("1", "Failed jobs"), ("0", "Disputes"), ("0", "Tier conflicts"), ("0", "Schools to verify"),
    ):  # fmt: skip
        assert f"<strong>{count}</strong> {words}" in desk.body, words

    path = f"/desk/sites/{place.site_id}"
    assert path in desk.get("/desk/sites").get_data(as_text=True)
    desk.get(path)
    answer = desk.send(path, verified="no")
    assert answer.status_code == 422
    assert "Say why, so that the host can mend it." in desk.body
    verified = desk.send(path, verified="yes", kind="npi_registry", reference="1234567893")
    assert to(verified) == "/desk/sites"
    assert "Nothing waits here." in desk.get("/desk/sites").get_data(as_text=True)
    desk.get(f"/desk/audit?subject_id={place.site_id}")
    for words in ("Verified the site", "NPI registry", "1234567893"):
        assert words in desk.body, words

    path = f"/desk/documents/{document}"
    assert path in desk.get("/desk/documents").get_data(as_text=True)
    desk.get(path)
    assert desk.send(f"{path}/link", version="1").status_code == 422
    link = to(desk.send(f"{path}/link", version="1", reason="Asked by its holder."))
    assert desk.client.get(link).get_data() == PDF
    waiting.get(f"/documents/{document}")
    assert "Olga Staff" in waiting.body
    assert "Asked by its holder." in waiting.body
    desk.get(path)
    rejected = {"decision": "rejected", "version": "1", "seen": "0"}
    assert desk.send(f"{path}/decision", **rejected).status_code == 422
    assert 'id="why-note"' in desk.body
    assert to(desk.send(f"{path}/decision", why="It can't be read.", **rejected))
    waiting.get(f"/documents/{document}")
    assert "It can&#39;t be read." in waiting.body

    desk.get("/desk/quarantine")
    path = linked(desk.body, r'href="(/desk/quarantine/[^"]+)"')
    desk.get(path)
    assert "$12.34" in desk.body
    assert desk.send(path, resolution="x").status_code == 422
    assert to(desk.send(path, resolution="Paid back by hand.")) == "/desk/quarantine"

    desk.get("/desk/jobs")
    path = linked(desk.body, r'action="(/desk/jobs/\d+/retry)"')
    assert to(desk.send(path)) == "/desk/jobs"
    desk.get("/desk/jobs")
    assert "No job has failed." in desk.body
    desk.get("/desk")
    assert desk.send(path).status_code in {403, 404}
    with count_queries() as seen:
        desk.get("/desk")
    assert len(seen) <= 12, seen


def test_a_bookings_story_its_messages_and_its_money(desk, stage, place, trainee, app):
    booking = stage.confirmed(place, trainee.id, whole=True)
    path = f"/desk/bookings/{booking}"
    assert desk.get("/desk/bookings?email=nobody@example.org").status_code == 422
    assert 'value="nobody@example.org"' in desk.body
    assert path in desk.get(f"/desk/bookings?email={trainee.email}").get_data(as_text=True)
    assert to(desk.get(f"/desk/bookings?id={booking}")) == path
    desk.get(path)
    for words in ("Payment arrived", "Seat taken", "Posting", "Confirmed", "Asha Rao", "$2,240.00"):
        assert words in desk.body, words
    assert "does not lead to what is stored" not in desk.body

    assert to(desk.get(f"{path}/messages")) == f"{path}#read"
    desk.get(path)
    assert desk.send(f"{path}/messages", reason=" ").status_code == 422
    assert to(desk.send(f"{path}/messages", reason="A complaint")) == f"{path}/messages"
    assert "You have joined this thread" in desk.get(f"{path}/messages").get_data(as_text=True)
    reader = Browser(app.test_client())
    reader.sign_in(trainee)
    assert "Olga Staff" in reader.get(f"/rotations/{booking}/messages").get_data(as_text=True)

    desk.get(path)
    payment = linked(desk.body, r'<option value="([0-9a-f-]{36})"')
    back = {"payment": payment, "why": "Two days were missed."}
    assert desk.send(f"{path}/refunds", amount="all", **back).status_code == 422
    assert 'value="all"' in desk.body
    assert desk.send(f"{path}/refunds", amount="9,999", **back).status_code == 422
    assert 'id="amount-note"' in desk.body
    sent = desk.send(f"{path}/refunds", amount="40.00", as_credit="yes", **back)
    assert to(sent) == f"{path}#money"
    desk.get(path)
    assert "back: $40.00" in desk.body

    booking = stage.confirmed(place, trainee.id, FIRST_DAY + timedelta(weeks=8))
    path = f"/desk/bookings/{booking}"
    desk.get(path)
    assert to(desk.send(f"{path}/messages", reason="A complaint")) == f"{path}/messages"
    desk.get(f"{path}/cancel")
    own = MARK.search(desk.body)[1]
    assert desk.get(f"{path}/cancel?event=no_such&proofs=visa_denial").status_code == 422
    assert 'value="visa_denial" checked' in desk.body
    desk.get(f"{path}/cancel?event=host_withdraws")
    mark = MARK.search(desk.body)[1]
    assert mark != own
    clause = {"event": "host_withdraws", "quote": mark}
    assert desk.send(f"{path}/cancel", **clause).status_code == 422
    assert 'id="reason-note"' in desk.body
    assert (
        desk.send(f"{path}/cancel", **{**clause, "quote": own, "reason": "Closed."}).status_code
        == 422
    )
    assert to(desk.send(f"{path}/cancel", **clause, reason="The ward is closed.")) == path
    desk.get(path)
    assert "Called off by us" in desk.body
    desk.get(f"/desk/audit?subject_kind=booking&subject_id={booking}&actor=nobody@example.org")
    assert 'value="nobody@example.org"' in desk.body
    desk.get(f"/desk/audit?subject_kind=booking&subject_id={booking}")
    for action in ("Read the booking&#39;s story", "Joined the messages", "Called the booking off"):
        assert action in desk.body
    assert "A complaint" in desk.body


def test_a_conflict_is_decided_a_classifier_tried_and_the_books_shown(
    desk, stage, people, run_jobs, session
):
    with stage.transaction() as own:
        waiting = own.execute(text("SELECT count(*) FROM listing_review")).scalar_one()
    assert waiting == 0
    assert "Nothing waits here." in desk.get("/desk/listings").get_data(as_text=True)
    stage.place()
    desk.get("/desk/tiers")
    path = to(desk.send("/desk/tiers", classifier="usce-1"))
    page = desk.get(path).get_data(as_text=True)
    assert "goes on by itself" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    run_jobs()
    page = desk.get(path).get_data(as_text=True)
    assert "Nothing would change." in page
    assert "refresh" not in page
    assert "again.js" not in page
    desk.get("/desk/tiers")
    assert desk.send("/desk/tiers", classifier="usce-99").status_code == 422
    whose = people.trainee().id
    credit.give(stage, whose, credit.usd(1_000))
    desk.get("/desk/books")
    assert f'href="/desk/accounts/{whose}"' in desk.body
    assert "all accounts sum to $0.00" in desk.body
    assert "Credit of a trainee" in desk.body
    assert desk.send("/desk/books/runs", since="some day").status_code == 422
    assert to(desk.send("/desk/books/runs", since="2026-11-01")) == "/desk/books?asked=yes"
    assert "Look again" in desk.get("/desk/books?asked=yes").get_data(as_text=True)
    assert "An analyst makes it here" in desk.get("/desk/campaigns").get_data(as_text=True)
    assert "No booking fits." in desk.get(f"/desk/bookings?first_day_from={FIRST_DAY}").get_data(
        as_text=True
    )


def test_only_operators_come_to_the_desk(app, people, trainee):
    for person in (trainee, people.make("analyst")):
        other = Browser(app.test_client())
        other.sign_in(person)
        for path in ("", "/sites", "/documents", "/disputes", "/quarantine", "/jobs", "/bookings",
                     "/audit", "/tiers", "/books"):  # fmt: skip
            assert other.get(f"/desk{path}").status_code == 403, path
