"""The survey: framed from bookings, answered by link, never overwritten by an older tab."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.tasks import send_wave
from tests.integration.outcomes.conftest import DATES, WHOLE


def save(done, token, version, answers, status=200, *, complete=False):
    sent = {"version": version, "answers": answers, "complete": complete}
    return done.call(None, "PUT", f"/surveys/{token}", status, json=sent).get_json()


def member(session):
    return session.execute(text("SELECT * FROM cohort_member")).one()


def test_from_the_frame_to_the_answer(done, token, session):
    assert (member(session).disposition, member(session).invited) == ("NC_no_reply", True)
    assert member(session).img_type == "non_us_img"
    sheet = save(done, token, 0, WHOLE, complete=True)
    assert sheet["version"] == 1
    row = member(session)
    assert (row.disposition, row.wave, row.match_items_answered) == ("I", 1, True)
    outcome = session.execute(text("SELECT * FROM match_outcome")).one()
    assert (outcome.main_result, outcome.provenance["main_result"]) == (
        "matched_pgy1",
        "self_reported",
    )


def test_opening_the_link_records_nothing(done, token, session):
    count = text(
        "SELECT (SELECT count(*) FROM survey_answer), (SELECT count(*) FROM cohort_member_version),"
        " (SELECT md5(string_agg(t::text, ',')) FROM survey_link t)"
    )
    before = session.execute(count).one()
    for method in ("GET", "HEAD", "GET"):
        done.call(None, method, f"/surveys/{token}")
    session.rollback()
    assert session.execute(count).one() == before


@pytest.mark.fault(48)
def test_an_older_tab_never_overwrites_a_newer_answer(done, token, session):
    """Two tabs open the same sheet; the older one is sent last."""
    older = done.call(None, "GET", f"/surveys/{token}").get_json()["version"]
    newer = save(done, token, older, WHOLE, complete=True)
    late = {"registered": False}
    refused = save(done, token, older, late, 409, complete=True)
    assert refused["code"] == "answers_changed"
    assert (refused["version"], refused["answers"]) == (newer["version"], WHOLE)
    standing = done.call(None, "GET", f"/surveys/{token}").get_json()
    assert standing["answers"] == WHOLE
    assert session.execute(text("SELECT main_result FROM match_outcome")).scalar_one() == (
        "matched_pgy1"
    )
    save(done, token, newer["version"], late)


def test_the_same_submission_twice_is_one(done, token, session):
    first = save(done, token, 0, WHOLE, complete=True)
    assert save(done, token, 0, WHOLE, complete=True) == first
    assert session.execute(text("SELECT count(*) FROM survey_answer")).scalar_one() == 1


def test_answers_are_saved_page_by_page_and_edited_until_the_close(done, token, clock, session):
    first = save(done, token, 0, {"registered": True})
    assert member(session).disposition == "NC_no_reply"
    second = save(done, token, first["version"], WHOLE, complete=True)
    changed = {**WHOLE, "main_result": "unmatched", "soap_result": "placed_pgy1"}
    save(done, token, second["version"], changed, complete=True)
    row = session.execute(text("SELECT main_result, soap_result FROM match_outcome")).one()
    assert tuple(row) == ("unmatched", "placed_pgy1")
    clock.advance(timedelta(days=90))
    assert save(done, token, 3, WHOLE, 409, complete=True)["code"] == "survey_closed"
    page = done.client.get(f"/surveys/{token}", headers={"Accept-Language": "es"})
    assert page.status_code == 409
    said = page.get_data(as_text=True)
    assert "La encuesta está cerrada." in said
    assert "ya no se puede cambiar" in said


def test_refusing_ends_it_and_is_no_missing_answer(done, token, session):
    save(done, token, 0, {"consent_reporting": True, "registered": "refused"}, complete=True)
    row = member(session)
    assert (row.disposition, row.refused_items) == ("R", ["registered"])
    assert session.execute(text("SELECT count(*) FROM match_outcome")).scalar_one() == 0


def test_the_next_wave_goes_to_those_who_have_not_finished(done, campaign, token, session, mail):
    path = f"/campaigns/{campaign['id']}/waves"
    assert done.call(done.analyst, "POST", path, 202).get_json() == {"wave": 2}
    save(done, token, 0, WHOLE, complete=True)
    assert queries.to_invite(session, campaign["id"], 3, 10) == []


def test_waves_end_at_the_fourth_and_do_not_begin_before_the_survey(
    done, campaign, token, run_jobs
):
    path = f"/campaigns/{campaign['id']}/waves"
    for wave in (2, 3, 4):
        assert done.call(done.analyst, "POST", path, 202).get_json() == {"wave": wave}
        run_jobs()
    assert done.call(done.analyst, "POST", path, 409).get_json()["code"] == "no_more_waves"
    dates = {"opens_on": "2028-03-20", "closes_on": "2028-06-30", "freeze_on": "2028-09-30"}
    later = done.call(done.analyst, "POST", "/campaigns", 201, json={"match_year": 2028, **dates})
    path = f"/campaigns/{later.get_json()['id']}/waves"
    assert done.call(done.analyst, "POST", path, 409).get_json()["code"] == "survey_not_open"


def test_the_response_is_seen_live_and_mail_that_came_back_ends_the_waves(
    done, campaign, token, session
):
    path = f"/campaigns/{campaign['id']}"

    def response():
        return done.call(done.analyst, "GET", f"{path}/response").get_json()

    first = response()
    assert (first["frame"], first["eligible"], first["responded"]) == (1, 1, 0)
    assert (first["rates"]["RR1"], first["rates"]["CON1"]) == (0.0, 0.0)
    save(done, token, 0, {"consent_reporting": True})
    assert response()["broken_off"] == 1
    sent = {"emails": [done.trainee.email, "nobody@example.org"]}
    answer = done.call(done.analyst, "POST", f"{path}/bounces", json=sent).get_json()
    assert answer == {"recorded": 1, "not_found": ["nobody@example.org"]}
    assert response()["dispositions"] == {"NC_bounced": 1}
    assert queries.to_invite(session, campaign["id"], 2, 10) == []
    save(done, token, 1, WHOLE, complete=True)
    last = response()
    assert (last["responded"], last["broken_off"], last["rates"]["RR1"]) == (1, 0, 1.0)
    assert [(w["wave"], w["sent"], w["interviews"]) for w in last["waves"]] == [(1, 1, 1)]
    assert last["cumulative"] == [1]
    done.call(done.trainee, "GET", f"{path}/response", 403)
    page = done.client.get(path, headers=done.analyst.headers).get_data(as_text=True)
    assert re.search(r"RR1</th><td>100.0%</td>", page)
    assert "Contact: those who were reached in any way" in page
    assert page.count('<svg class="chart"') == 2


def test_a_wave_that_is_sent_twice_reaches_everybody_once(
    done, campaign, run_jobs, mail, app, sessions
):
    run_jobs()
    job = Context(app.extensions["marketplace.parts"], sessions)
    send_wave(job, campaign["id"], 1)
    run_jobs()
    invitation = "How did your 2027 Match go?"
    assert [m.subject for m in mail.to(done.trainee.email)].count(invitation) == 1


def test_answers_that_do_not_fit_are_named(done, token):
    refused = save(done, token, 0, {"main_result": "great", "colour": "blue"}, 422)
    assert set(refused["fields"]) == {"main_result", "colour"}


def test_text_that_can_not_be_stored_is_refused(done, token):
    body = b'{"version": 0, "complete": false, "answers": {"program": "\\ud800"}}'
    done.call(
        None,
        "PUT",
        f"/surveys/{token}",
        422,
        data=body,
        headers={"Content-Type": "application/json"},
    )


def test_dates_beyond_the_calendar_are_refused(done):
    sent = {"match_year": 2027, **DATES, "freeze_on": "9999-12-31", "closes_on": "9999-12-31"}
    done.call(done.analyst, "POST", "/campaigns", 422, json=sent)


@pytest.mark.parametrize("token", ["x", "a" * 75, "é"])
def test_rubbish_is_no_link(done, token):
    assert done.call(None, "GET", f"/surveys/{token}", 404).get_json()["code"] == "link_invalid"


def test_a_year_has_one_campaign(done, campaign):
    answer = done.call(done.analyst, "POST", "/campaigns", 409, json={"match_year": 2027, **DATES})
    assert answer.get_json()["code"] == "campaign_exists"
    done.call(done.trainee, "POST", "/campaigns", 403, json={"match_year": 2028, **DATES})


def test_every_change_of_a_member_is_a_version(done, token, session):
    save(done, token, 0, WHOLE, complete=True)
    rows = session.execute(
        text("SELECT disposition FROM cohort_member_version ORDER BY number")
    ).scalars()
    assert list(rows) == ["NC_not_invited", "NC_no_reply", "I"]
