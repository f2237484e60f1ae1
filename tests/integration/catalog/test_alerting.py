"""News for saved searches, on a database that really commits: the change feed needs it."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, select, text

from marketplace.adapters.queue import Context
from marketplace.catalog.models import AlertPosition, SavedSearch, SavedSearchHit, SearchDigest
from marketplace.catalog.queries import saved as queries
from marketplace.catalog.service import alerting, saving
from marketplace.catalog.service import seats as seat_service
from marketplace.catalog.tasks import alert
from tests.factories.rotations import FIRST_DAY, live_stage  # noqa: F401 - a fixture

API = "/api/v1/saved-searches/unsubscribe"
WEEKS = [FIRST_DAY + timedelta(days=7 * n) for n in range(4)]


@pytest.fixture
def market(live_stage):  # noqa: F811 - the fixture
    """The stage of a new marketplace: no round has looked yet when the first search is saved."""
    return live_stage


def save(live, account, name="Mine", **filters):
    with live.transaction() as session:
        return saving.save(session, account, name, filters, live.clock.now()).id


def look(live):
    live.settle()
    return alerting.find_news(live.transaction, live.clock.now())


def told(live):
    """Run the whole job and what it asks for; the mails that went out since the last time."""
    live.settle()
    live.mail.sent.clear()
    alert(Context(live.parts, live.sessions))
    live.run_jobs()
    return list(live.mail.sent)


def hits(live):
    with live.transaction() as session:
        rows = session.execute(select(SavedSearchHit.listing_id, SavedSearchHit.known))
        return {row.listing_id: row.known for row in rows}


def change(live, place, **values):
    with live.transaction() as session:
        sets = ", ".join(f"{name} = :{name}" for name in values)
        session.execute(
            text(f"UPDATE listing SET {sets}, version = version + 1 WHERE id = :id"),
            {**values, "id": place.listing_id},
        )


def test_what_is_published_is_mailed_once_in_text_and_html(live, market):
    account = market.trainee()
    before = market.place(specialty="Neurology", title="Neurology Externship")
    assert look(live) == 0
    save(live, account, specialty=["neurology"])
    assert hits(live) == {before.listing_id: True}
    new = market.place(specialty="Neurology", title="Stroke Unit Externship")
    market.place(specialty="Internal Medicine")
    (mail,) = told(live)
    assert mail.subject == "One rotation fits your saved searches"
    assert "Stroke Unit Externship" in mail.text
    assert "Neurology Externship," not in mail.text
    assert f"/listings/{new.listing_id}" in mail.html
    live.clock.advance(timedelta(days=1))
    change(live, new, notes="Another word.")
    assert told(live) == []
    assert hits(live) == {before.listing_id: True, new.listing_id: False}


def test_a_lower_price_makes_it_fit(live, market):
    account, place = market.trainee(), market.place()
    save(live, account, weeks=4, price_max=150_000, currency="USD")
    assert hits(live) == {}
    change(live, place, price_minor=60_000)
    assert told(live) == []
    change(live, place, price_minor=30_000)
    assert len(told(live)) == 1


def test_a_freed_seat_makes_it_fit(live, market):
    account, place = market.trainee(), market.place()
    with live.transaction() as session:
        seat_service.take(session, place.listing_id, WEEKS)
    save(live, account, weeks=4, start_from=FIRST_DAY, start_to=FIRST_DAY)
    assert hits(live) == {}
    with live.transaction() as session:
        seat_service.release(session, place.listing_id, WEEKS)
    assert len(told(live)) == 1


def test_at_most_one_mail_a_day_of_the_recipients_own_zone(live, market):
    account = market.trainee()
    with live.transaction() as session:
        session.execute(
            text("UPDATE account SET time_zone = 'America/Los_Angeles' WHERE id = :id"),
            {"id": account},
        )
    save(live, account, specialty=["internal_medicine"])
    market.place(title="First")
    # 04:00 in Los Angeles: the day has not begun for them.
    assert told(live) == []
    live.clock.advance(timedelta(hours=5))
    (first,) = told(live)
    assert "First" in first.text
    market.place(title="Second")
    market.place(title="Third")
    live.clock.advance(timedelta(hours=10))
    assert told(live) == []
    # Half past three in the night after: another day, but too early for a mail.
    live.clock.advance(timedelta(hours=8, minutes=30))
    assert told(live) == []
    live.clock.advance(timedelta(hours=5))
    (second,) = told(live)
    assert second.subject == "2 rotations fit your saved searches"
    with live.transaction() as session:
        days = session.execute(select(SearchDigest.day).order_by(SearchDigest.day)).scalars().all()
    assert len(days) == len(set(days)) == 2


def test_a_round_that_dies_in_the_middle_loses_and_repeats_nothing(live, market, monkeypatch):
    monkeypatch.setattr(alerting, "SEARCHES_AT_ONCE", 2)
    accounts = [market.trainee() for _ in range(5)]
    for account in accounts:
        save(live, account, specialty=["internal_medicine"])
    place = market.place()
    asked = []

    def dies(session, search, keys, now, ask=alerting._ask):
        if len(asked) == 3:
            raise RuntimeError("the process was killed")
        asked.append(search.id)
        return ask(session, search, keys, now)

    monkeypatch.setattr(alerting, "_ask", dies)
    with pytest.raises(RuntimeError):
        look(live)
    assert hits(live) == {place.listing_id: False}
    monkeypatch.undo()
    with live.transaction() as session:
        assert len(session.execute(select(SavedSearchHit)).all()) == 2
    assert look(live) == 3
    assert look(live) == 0
    assert len(told(live)) == 5


def test_two_jobs_at_once_find_and_mail_each_thing_once(live, market):
    accounts = [market.trainee() for _ in range(4)]
    for account in accounts:
        save(live, account, specialty=["internal_medicine"])
    market.place()
    live.mail.sent.clear()
    barrier = threading.Barrier(3)

    def job():
        barrier.wait()
        alert(Context(live.parts, live.sessions))

    threads = [threading.Thread(target=job) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live.settle()
    # Whoever came late to the hits mails what the others found but had not mailed yet: still once.
    alert(Context(live.parts, live.sessions))
    live.run_jobs()
    assert sorted(mail.to for mail in live.mail.sent) == sorted(
        f"{a}@example.org" for a in accounts
    )


def test_the_database_holds_a_listing_once_a_search_and_a_mail_once_a_day(live, market):
    account = market.trainee()
    saved_id = save(live, account, specialty=["internal_medicine"])
    place = market.place()
    look(live)
    with pytest.raises(Exception, match="pk_saved_search_hit"), live.transaction() as session:
        session.add(
            SavedSearchHit(
                saved_search_id=saved_id,
                listing_id=place.listing_id,
                account_id=account,
                known=False,
                found_at=live.clock.now(),
            )
        )
    assert len(told(live)) == 1
    with live.transaction() as session:
        assert alerting.digest(session, account, live.clock.now()) is False


def test_only_searches_that_a_change_may_concern_are_asked(live, market):
    account = market.trainee()
    for number, code in enumerate(["neurology", "pediatrics", "psychiatry"]):
        save(live, account, f"Search {number}", specialty=[code])
    save(live, account, "Texas", state=["TX"])
    save(live, account, "Medicine", specialty=["internal_medicine"])
    market.place()
    seen = []
    engine = live.app.extensions["sqlalchemy"]
    with live.app.app_context():
        bind = engine.engine

    def note(_c, _k, statement, *_):
        seen.append(statement)

    event.listen(bind, "before_cursor_execute", note)
    try:
        assert look(live) == 1
    finally:
        event.remove(bind, "before_cursor_execute", note)
    assert sum("live, listing_search s" in statement for statement in seen) == 1


def test_a_broad_search_is_told_of_newly_published_listings_only(live, market, monkeypatch):
    monkeypatch.setattr(saving, "MOST_KNOWN", 1)
    account = market.trainee()
    old = [market.place() for _ in range(3)]
    look(live)
    save(live, account, state=["IL"])
    assert hits(live) == {}
    change(live, old[0], price_minor=100)
    assert look(live) == 0
    live.clock.advance(timedelta(minutes=1))
    new = market.place()
    assert look(live) == 1
    assert hits(live) == {new.listing_id: False}


def test_a_paused_search_hears_nothing_and_what_came_meanwhile_is_no_news(live, market):
    account = market.trainee()
    saved_id = save(live, account, specialty=["internal_medicine"])
    untold = market.place()
    look(live)
    with live.transaction() as session:
        saving.pause(session, session.get_one(SavedSearch, saved_id))
    meanwhile = market.place()
    assert told(live) == []
    with live.transaction() as session:
        saving.resume(session, account, saved_id, live.clock.now())
    assert told(live) == []
    assert hits(live) == {untold.listing_id: True, meanwhile.listing_id: True}


def test_what_is_off_the_market_by_then_is_not_mailed(live, market):
    account = market.trainee()
    save(live, account, specialty=["internal_medicine"])
    place = market.place()
    look(live)
    change(live, place, state="paused")
    assert told(live) == []


def test_the_link_in_the_mail_pauses_by_a_post_and_never_by_a_get(live, market):
    account = market.trainee()
    save(live, account, specialty=["internal_medicine"])
    save(live, account, "Illinois", state=["IL"])
    market.place()
    (mail,) = told(live)
    assert mail.unsubscribe in mail.text
    path = mail.unsubscribe.partition("/api/")[2]
    client = live.app.test_client()
    page = client.get(f"/api/{path}", headers={"Accept": "text/html"})
    assert b"<form" in page.data
    with live.transaction() as session:
        assert not any(row.paused for row in queries.of_account(session, account))
    # As a mail program does it by one click (RFC 8058).
    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        assert client.post(f"/api/{path}", data=body).status_code == 200
    with live.transaction() as session:
        assert all(row.paused for row in queries.of_account(session, account))
    assert client.post(f"{API}?token={'x' * 43}").status_code == 404


def test_a_place_in_the_feed_that_is_gone_is_taken_anew(live, market):
    account = market.trainee()
    look(live)
    save(live, account, specialty=["internal_medicine"])
    with live.transaction() as session:
        position = session.get_one(AlertPosition, 1)
        position.cursor = alerting.changes.encode([2**40, alerting.uuid.UUID(int=0), ""])
    assert look(live) == 0
    market.place()
    assert look(live) == 1
