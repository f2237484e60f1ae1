"""What answers are used for is what their person agrees to, at any moment; edits leave no remains."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.core.clock import FixedClock
from marketplace.reporting.queries import frame
from marketplace.reporting.service import reports
from tests.integration.outcomes.conftest import WHOLE
from tests.integration.reporting.exporting import export, table_of

PROGRAM = "Lakeview Internal Medicine"
ALL = {**WHOLE, "program": "lake view IM", "consent_research": True, "consent_named": True}


@pytest.fixture
def save(done, token):
    def send(version, answers, *, complete=True):
        sent = {"version": version, "answers": answers, "complete": complete}
        return done.call(None, "PUT", f"/surveys/{token}", json=sent).get_json()["version"]

    return send


@pytest.fixture
def verify(done, clock: FixedClock):
    """An analyst has seen the program in a document."""

    def record(source="document_verified", **values):
        clock.advance(timedelta(minutes=1))
        path = "/match-outcomes/records?match_year=2027"
        (record,) = done.call(done.analyst, "GET", path).get_json()["items"]
        sent = {"values": values, "source": source, "evidence": "NRMP letter"}
        done.call(done.analyst, "POST", f"/match-outcomes/{record['id']}/entries", 201, json=sent)

    return record


def decide(done, clock, purpose, *, given):
    clock.advance(timedelta(minutes=1))
    sent = {"given": given, "wording": "account-1"}
    done.call(done.trainee, "PUT", f"/me/consents/{purpose}", json=sent)
    return clock.now()


def programs(session, at):
    document = reports.cohort_report(session, 2027, at, public=False, k=11).document
    return document["groupings"].get("program", {})


def test_a_program_is_named_once_it_was_seen_and_while_its_person_agrees(
    done, save, verify, clock, session
):
    save(0, ALL)
    assert programs(session, clock.now()) == {}
    verify(program=PROGRAM)
    seen = clock.now()
    assert programs(session, seen) == {PROGRAM: {"matched_pgy1": 1}}
    ended = decide(done, clock, "named_testimonial", given=False)
    assert programs(session, ended) == {}
    again = decide(done, clock, "named_testimonial", given=True)
    assert programs(session, again) == {PROGRAM: {"matched_pgy1": 1}}
    verify("disputed", program=PROGRAM)
    assert programs(session, clock.now()) == {}
    # As of then it is as it was: a report that was made stays what it is.
    assert programs(session, seen) == {PROGRAM: {"matched_pgy1": 1}}
    public = reports.cohort_report(session, 2027, seen, public=True, k=11)
    assert PROGRAM not in public.text
    assert "lake view" not in public.text


def test_who_does_not_want_to_be_counted_any_more_is_not(
    done, save, clock, session, client, run_jobs
):
    save(0, ALL)
    agreed = clock.now()
    ended = decide(done, clock, "reporting", given=False)
    (row,) = frame.panel(session, 2027, ended)
    assert (row.disposition, row.match_items_answered, row.main_result) == ("R", False, None)
    (before,) = frame.panel(session, 2027, agreed)
    assert (before.disposition, before.main_result) == ("I", "matched_pgy1")
    (told,) = table_of(
        client, done.analyst, export(client, done.analyst, run_jobs, match_year=2027)
    )
    assert {told[name] for name in ("registered", "main_result", "lor_earned")} == {"-8"}
    assert [told[f"consent_{of}"] for of in ("reporting", "research", "named")] == ["0", "1", "1"]
    assert (told["tier"], told["learner_status"]) == ("externship", "graduate")
    again = decide(done, clock, "reporting", given=True)
    (row,) = frame.panel(session, 2027, again)
    assert (row.disposition, row.main_result, row.lor_earned) == ("I", "matched_pgy1", True)


def test_an_answer_that_is_edited_away_is_gone_from_the_record_and_not_from_its_history(
    done, save, verify, clock, session
):
    first = save(0, {**ALL, "interviews": 12})
    verify(main_result="matched_pgy1")
    clock.advance(timedelta(minutes=1))
    fewer = {name: ALL[name] for name in ("consent_reporting", "registered", "certified_rol")}
    save(first, fewer, complete=False)
    row = session.execute(text("SELECT * FROM match_outcome")).one()
    assert (row.interviews, row.program, row.soap_result) == (None, None, None)
    # What somebody else has seen stands.
    assert (row.main_result, row.provenance["main_result"]) == ("matched_pgy1", "document_verified")
    member = session.execute(text("SELECT * FROM cohort_member")).one()
    assert (member.disposition, member.wave, member.match_items_answered) == (
        "NC_no_reply", None, False,
    )  # fmt: skip
    count = text("SELECT count(*) FROM match_outcome_event WHERE field = 'interviews'")
    assert session.execute(count).scalar_one() == 2


def test_no_to_being_counted_ends_it_even_before_the_last_page(done, save, session):
    first = save(0, WHOLE, complete=False)
    save(first, {"consent_reporting": False}, complete=False)
    member = session.execute(text("SELECT * FROM cohort_member")).one()
    assert (member.disposition, member.consent_reporting) == ("R", False)
    main = session.execute(text("SELECT main_result, provenance FROM match_outcome")).one()
    assert tuple(main) == (None, {})
