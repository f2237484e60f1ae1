"""An account that is erased: waited for, stopped, blocked, gone; what stays carries no name."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.queue import Context
from marketplace.compliance.rules import Purpose
from marketplace.compliance.service import records
from marketplace.core.money import Money
from marketplace.core.ports import ObjectStore
from marketplace.identity import tasks
from marketplace.identity.rules import ERASURE_STEPS, ERASURE_WAIT
from marketplace.outcomes.service import leaving
from marketplace.payments.service import refunds
from marketplace.reporting.queries import outcomes_csv
from tests.factories.schools import a_school, link
from tests.integration.outcomes.test_letter_ledger import CV, put_in
from tests.integration.pages.test_pages import Browser

STOP = re.compile(r"(/my-data/erasure/[\w-]{40,})")
ME = "/me/erasure"
STEPS = text("SELECT step FROM account_erasure_step ORDER BY done_at, step")


@pytest.fixture
def job(app, sessions):
    return Context(app.extensions["marketplace.parts"], sessions)


@pytest.fixture
def run(job, run_jobs):
    """Let the hourly job run, and the jobs that it asks for."""

    def hourly():
        tasks.erase_accounts(job)
        run_jobs()

    return hourly


def count(session, rows):
    return session.execute(text(f"SELECT count(*) FROM {rows}")).scalar_one()


def known_by_address(session, stage, person, site_id):
    """Where somebody stands by their address: a school's student, invited, not to be written to."""
    link(stage, a_school(stage), person.id)
    given = {"email": person.email, "me": person.id, "site": site_id, "now": stage.now}
    invited = (
        "INSERT INTO site_invitation (id, site_id, email, role, state, token_hash, invited_by,"
        " invited_at, expires_at) VALUES (uuidv7(), :site, :email, 'preceptor', 'open',"
        " sha256('x'), :me, :now, :now)"
    )
    written = (
        "INSERT INTO notice (id, to_address, template, locale, data, attachments, state, queued_at,"
        " sent_at) VALUES (uuidv7(), :email, 'site_invitation', 'en', '{}', '[]', 'sent', :now, :now)"
    )
    refused = "INSERT INTO refused_address VALUES (:email, :now, 'no')"
    for statement in (invited, written, refused):
        session.execute(text(statement), given)


def holding(session, words):
    """The tables that have these words in any column."""
    names = session.execute(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    ).scalars()
    return [
        name
        for name in names.all()
        if session.execute(
            text(f'SELECT 1 FROM "{name}" t WHERE strpos(t::text, :words) > 0 LIMIT 1'),
            {"words": words},
        ).first()
    ]


def exported(session, clock, identified):
    rows = outcomes_csv.rows(session, match_year=2027, as_of=clock.at, identified=identified)
    return len(b"".join(rows).splitlines())


@pytest.fixture
def asked(done, run_jobs, mail):
    """The trainee has asked; the address of the page that stops it."""
    answer = done.call(done.trainee, "POST", ME, 202).get_json()
    run_jobs()
    (sent,) = [one for one in mail.to(done.trainee.email) if "will be erased" in one.subject]
    return answer, STOP.search(sent.text)[1]


def test_it_waits_and_is_stopped_by_a_link_or_a_button(done, asked, run, clock, session):
    first, link = asked
    assert first["blocked_by"] == []
    assert done.call(done.trainee, "POST", ME, 409).get_json()["code"] == "erasure_waits"
    window = Browser(done.client)
    for _ in range(2):
        assert window.get(link).status_code == 200
    assert done.call(done.trainee, "GET", ME).get_json()["due_at"] == first["due_at"]
    clock.advance(ERASURE_WAIT - timedelta(minutes=1))
    run()
    assert session.execute(STEPS).all() == []
    window.get(link)
    window.send(link)
    assert "Your account is kept" in window.body
    clock.advance(timedelta(days=1))
    run()
    assert session.execute(STEPS).all() == []
    # Anew, on the page; the first link stops no later one.
    window.sign_in(done.trainee, "/my-data")
    window.get("/my-data")
    assert "their keys are destroyed" in window.body
    assert window.send("/my-data/erasure").status_code == 422
    assert 'id="sure-note"' in window.body
    assert window.send("/my-data/erasure", sure="yes").status_code == 303
    window.get(link)
    window.send(link)
    assert "This link stops an earlier wish" in window.body
    window.get("/my-data")
    assert "Your account will be erased after" in window.body
    assert window.send("/my-data/erasure/stop").status_code == 303
    window.get("/my-data")
    assert "I want my account to be erased for good" in window.body
    assert done.client.get(f"{link[:-4]}AAAA").status_code == 404


def test_what_is_open_blocks_it_and_is_named(done, stage, run, clock, session, mail):
    clock.advance(-timedelta(days=130))
    other = done.people.trainee(visa_type="b1_b2")
    booking = stage.confirmed(stage.place(), other.id)
    refused = done.call(other, "POST", ME, 409).get_json()
    assert refused["code"] == "erasure_blocked"
    assert [(one["kind"], one["reference"]) for one in refused["blocked_by"]] == [
        ("booking", str(booking))
    ]
    window = Browser(done.client)
    window.sign_in(other, "/my-data")
    window.get("/my-data")
    assert f'href="/rotations/{booking}"' in window.body
    assert "I want my account to be erased" not in window.body
    staff = done.call(done.coordinator, "POST", ME, 409).get_json()
    assert [one["kind"] for one in staff["blocked_by"]] == ["role"]
    # What is booked while it waits keeps the account open, and its owner is told once.
    later = done.people.trainee(visa_type="b1_b2")
    done.call(later, "POST", ME, 202)
    stage.confirmed(stage.place(), later.id)
    clock.advance(ERASURE_WAIT)
    for _ in range(2):
        run()
    assert session.execute(STEPS).all() == []
    told = [one for one in mail.to(later.email) if "could not be erased yet" in one.subject]
    assert len(told) == 1
    done.call(later, "GET", "/me")


@pytest.mark.fault(38, 42)
def test_what_names_a_person_goes_in_steps_and_the_rest_stays(
    done, stage, uploaded, asked, run, job, clock, session, parts, monkeypatch
):
    letter_id, token = uploaded
    done.call(None, "POST", f"/letters/uploads/{token}/confirmation")
    put_in(done, CV)
    me = done.trainee.id
    records.decide(session, me, Purpose.RESEARCH, given=True, wording="1", now=clock.at)
    known_by_address(session, stage, done.trainee, done.place.site_id)
    money = text(
        "SELECT (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM payment t),"
        " (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM ledger_entry t),"
        " (SELECT string_agg(amount_minor || reason, ',') FROM refund t),"
        " (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM booking_transition t)"
    )
    # What is owed to them stays owed; the processor has not been asked yet.
    paid = session.execute(text("SELECT id FROM payment LIMIT 1")).scalar_one()
    refunds.refund(session, paid, amount=Money(100, "USD"), reason="Goodwill", now=clock.at)
    session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'payments.send_refund'"))
    before = session.execute(money).one()
    dates = {"opens_on": "2027-04-01", "closes_on": "2027-06-30", "freeze_on": "2027-09-30"}
    wish = {"match_year": 2027, **dates}
    campaign = done.call(done.analyst, "POST", "/campaigns", 201, json=wish).get_json()
    done.call(done.analyst, "POST", f"/campaigns/{campaign['id']}/frame")
    assert [exported(session, clock, who) for who in (True, False)] == [1, 1]
    stored = session.execute(text("SELECT object_key FROM letter_content")).scalars().all()
    # Somebody of the same name, of another rotation.
    namesake = {"trainee_name": done.trainee.name, "booking_id": str(done.analyst.id)}
    copied = text(
        "INSERT INTO notice SELECT (jsonb_populate_record(n, jsonb_build_object('id', uuidv7(),"
        " 'state', 'sent', 'data', CAST(:data AS jsonb)))).* FROM notice n"
        " WHERE account_id = :host LIMIT 1"
    )
    session.execute(copied, {"data": json.dumps(namesake), "host": done.coordinator.id})
    clock.advance(ERASURE_WAIT)
    # The worker dies in the middle: what was done is done, the rest waits.
    letters = leaving._letters

    def dies(*given):
        letters(*given)
        raise SystemError("killed")

    monkeypatch.setattr(leaving, "_letters", dies)
    erasure = session.execute(text("SELECT id FROM account_erasure")).scalar_one()
    with pytest.raises(SystemError):
        tasks.erase_account(job, str(erasure))
    so_far = session.execute(STEPS).scalars().all()
    assert set(so_far) == {"access", "searches", "documents", "cards", "bookings"}
    done.call(done.trainee, "GET", "/me", 401)
    assert count(session, "letter_content WHERE sealed_key = ''") == 0
    monkeypatch.setattr(leaving, "_letters", letters)
    for _ in range(2):
        run()
    assert set(session.execute(STEPS).scalars()) == {one.value for one in ERASURE_STEPS}
    steps = text("SELECT count(*) FROM audit_entry WHERE action = 'account.erased'")
    assert session.execute(steps).scalar_one() == len(ERASURE_STEPS)
    # What was issued in books of account says to whom.
    assert sorted(holding(session, done.trainee.email)) == ["credit_note", "receipt"]
    assert holding(session, "Please.") == []
    ended = text(
        "SELECT state, sees FROM school_student UNION ALL SELECT state, '{}' FROM site_invitation"
    )
    assert sorted(map(tuple, session.execute(ended))) == [("ended", []), ("refused", [])]
    named = text("SELECT data FROM notice WHERE data ? 'trainee_name'")
    assert session.execute(named).scalars().all() == [namesake]
    assert count(session, f"trainee_profile_revision WHERE account_id = '{me}'") == 0
    facts = text("SELECT name, email, password, active FROM account WHERE id = :me")
    account = session.execute(facts, {"me": me}).one()
    assert tuple(account) == ("Erased account", f"erased-{me}@erased.invalid", None, False)
    assert count(session, "document_content") == 0
    last = text("SELECT given FROM consent ORDER BY number DESC LIMIT 1")
    assert session.execute(last).scalar_one() is False
    assert not [key for key in stored if parts.get(ObjectStore).exists(key)]
    assert session.execute(money).one() == before
    # Counted as before, and in no export that says who somebody is.
    assert [exported(session, clock, who) for who in (True, False)] == [0, 1]
    # The entry stays, what it said is gone for everybody.
    gone = done.call(done.coordinator, "GET", f"/letters/{letter_id}/content", 404).get_json()
    assert gone["code"] == "letter_erased"
    path = f"/host/sites/{done.place.site_id}/letters/{letter_id}"
    page = done.client.get(path, headers=done.coordinator.headers)
    assert "Erased account" in page.get_data(as_text=True)
    # Nothing brings it back.
    back = {"active": True, "reason": "Asked."}
    done.call(done.operator, "PATCH", f"/operator/accounts/{me}", 409, json=back)
    for statement, constraint in (
        ("UPDATE account SET name = 'Asha' WHERE id = :me", "account_erased_holds"),
        ("DELETE FROM account_erasure_step", "history_account_erasure_step"),
        ("UPDATE letter_content SET size = 1", "history_letter_content"),
        ("UPDATE letter SET author_name = 'x'", "letter_confirmed_holds"),
    ):
        with pytest.raises(IntegrityError) as caught, session.begin_nested():
            session.execute(text(statement), {"me": me} if ":me" in statement else {})
        assert caught.value.orig.diag.constraint_name == constraint


def test_nobody_elses_history_can_be_deleted(done, session):
    with pytest.raises(IntegrityError) as caught:
        session.execute(text("DELETE FROM trainee_profile_revision"))
    assert caught.value.orig.diag.constraint_name == "history_trainee_profile_revision"
