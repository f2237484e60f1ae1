"""Who has died, or stands in the frame twice: written to no more, counted so, and taken back."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.core.ids import new_id
from marketplace.outcomes.queries import survey as queries
from marketplace.reporting.service import reports
from tests.integration.outcomes.conftest import WHOLE
from tests.integration.reporting.exporting import export, table_of

DIED = {"flag": "deceased", "reason": "The family wrote to us on 3 April."}


@pytest.fixture
def mark(done, campaign, clock):
    def send(status=201, who=None, **sent):
        clock.advance(timedelta(minutes=1))
        path = f"/campaigns/{campaign['id']}/marks"
        return done.call(who or done.analyst, "POST", path, status, json=sent).get_json()

    return send


@pytest.fixture
def second(done, campaign, session, clock):
    """The e-mail address of another row of the frame."""
    other = done.people.trainee(visa_type="b1_b2")
    person, member = new_id(), new_id()
    values = {"person": person, "member": member, "account": other.id, "now": clock.now()}
    session.execute(text("INSERT INTO person (id, trainee_id) VALUES (:person, :account)"), values)
    columns = (
        "img_type, specialty, modality, grad_band, rotation_status, frame_flag, invited, delivery,"
        " disposition, match_items_answered, tier, learner_status, site_group"
    )
    session.execute(
        text(
            f"INSERT INTO cohort_member (id, campaign_id, person_id, joined_at, changed_at, {columns})"
            f" SELECT :member, campaign_id, :person, :now, :now, {columns} FROM cohort_member"
        ),
        values,
    )
    session.execute(
        text(
            f"INSERT INTO cohort_member_version (id, member_id, recorded_at, {columns})"
            f" SELECT gen_random_uuid(), id, :now, {columns} FROM cohort_member WHERE id = :member"
        ),
        values,
    )
    return other


def counted(session, at):
    document = reports.cohort_report(session, 2027, at, public=False, k=11).document
    figures = document["groups"]["all"]
    names = ("rows", "eligible", "responded_I_or_P", "matched_pgy1")
    return [*(figures[name] for name in names), document["dispositions"]["O_deceased"]]


def test_who_has_died_is_written_to_no_more_and_stays_eligible_until_it_is_taken_back(
    done, campaign, token, mark, session, clock, run_jobs, client
):
    before = clock.now()
    made = mark(trainee_id=done.trainee.email.upper(), **DIED)
    assert (made["account_id"], made["flag"]) == (str(done.trainee.id), "deceased")
    assert counted(session, clock.now()) == [1, 1, 0, 0, 1]
    assert counted(session, before) == [1, 1, 0, 0, 0]
    assert mark(409, trainee_id=str(done.trainee.id), **DIED)["code"] == "marked_so"
    assert queries.to_invite(session, campaign["id"], 2, 10) == []
    typed = {"specialty": "Medicine, as Asha Rao", "program": "Lakeview"}
    sent = {"version": 0, "answers": {**WHOLE, **typed}, "complete": True}
    for method, body in (("GET", {}), ("PUT", {"json": sent})):
        answer = done.call(None, method, f"/surveys/{token}", 404, **body).get_json()
        assert answer["code"] == "link_invalid"
    # What is decided with the account, or comes back, does not bring them to life.
    path = f"/campaigns/{campaign['id']}"
    bounced = {"emails": [done.trainee.email]}
    done.call(done.analyst, "POST", f"{path}/bounces", json=bounced)
    assert counted(session, clock.now())[-1] == 1
    operator = done.operator
    mark(who=operator, trainee_id=made["person_id"], flag="ok", reason="It was a namesake.")
    facts = text("SELECT frame_flag, disposition FROM cohort_member")
    assert tuple(session.execute(facts).one()) == ("ok", "NC_bounced")
    done.call(None, "PUT", f"/surveys/{token}", json=sent)
    assert counted(session, clock.now()) == [1, 1, 1, 1, 0]
    # Who dies after the answer has answered.
    mark(trainee_id=done.trainee.email, **DIED)
    assert counted(session, clock.now()) == [1, 1, 1, 1, 0]
    session.execute(text("UPDATE match_outcome SET provenance = provenance - 'program'"))
    (row,) = table_of(client, done.analyst, export(client, done.analyst, run_jobs, match_year=2027))
    assert (row["frame_flag"], row["disposition"]) == ("deceased", "I")
    # Free of personal data: what was typed might say who it is; a source that is not known has its code.
    told = [row[name] for name in ("residency_specialty", "program", "program_source")]
    assert told == ["other", "-6", "-9"]
    history = done.call(operator, "GET", f"{path}/marks").get_json()["items"]
    assert [one["flag"] for one in history] == ["deceased", "ok", "deceased"]
    assert history[1]["recorded_by"] == str(operator.id)
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("UPDATE frame_mark SET reason = 'another'"))


def test_one_person_in_two_rows_counts_once(done, campaign, token, second, mark, session, clock):
    sent = {"version": 0, "answers": WHOLE, "complete": True}
    done.call(None, "PUT", f"/surveys/{token}", json=sent)
    first, twice = (
        done.trainee.email,
        {"flag": "duplicate", "reason": "Two accounts, one passport."},
    )
    assert counted(session, clock.now()) == [2, 2, 1, 1, 0]
    mark(trainee_id=second.email, duplicate_of=first, **twice)
    assert counted(session, clock.now()) == [2, 1, 1, 1, 0]
    # Not each of the other: nobody would be left.
    refused = mark(409, trainee_id=first, duplicate_of=second.email, **twice)
    assert refused["code"] == "duplicate_of_none"
    rows = session.execute(text("SELECT id, frame_flag FROM cohort_member ORDER BY frame_flag"))
    (other, _), (member, _) = rows.all()
    ways = {"id": new_id(), "member": member, "other": other, "by": done.analyst.id}
    with pytest.raises(DBAPIError, match="none itself"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO frame_mark VALUES"
                " (:id, :member, 'duplicate', :other, 'so', :by, now())"
            ),
            ways,
        )
    for field, wrong in (
        ("trainee_id", {**twice, "trainee_id": "nobody@example.org", "duplicate_of": first}),
        ("duplicate_of", {**twice, "trainee_id": first}),
        ("duplicate_of", {**DIED, "trainee_id": first, "duplicate_of": second.email}),
    ):
        assert list(mark(422, **wrong)["fields"]) == [field]
    mark(trainee_id=second.email, flag="ok", reason="Twins.")
    assert counted(session, clock.now()) == [2, 2, 1, 1, 0]
    done.call(second, "POST", f"/campaigns/{campaign['id']}/marks", 403, json={})


def test_the_next_frame_knows_them_and_the_page_says_who_said_so(
    done, campaign, second, mark, session, client
):
    twice = {"flag": "duplicate", "reason": "Two accounts."}
    mark(trainee_id=second.email, duplicate_of=done.trainee.email, **twice)
    mark(trainee_id=done.trainee.email, **DIED)
    dates = {"opens_on": "2028-03-20", "closes_on": "2028-06-30", "freeze_on": "2028-09-30"}
    made = done.call(done.analyst, "POST", "/campaigns", 201, json={"match_year": 2028, **dates})
    path = f"/campaigns/{made.get_json()['id']}"
    for joined in (1, 0):
        framed = done.call(done.analyst, "POST", f"{path}/frame").get_json()
        assert framed == {"joined": joined}
    (carried,) = done.call(done.analyst, "GET", f"{path}/marks").get_json()["items"]
    assert (carried["flag"], carried["reason"]) == ("deceased", DIED["reason"])
    assert queries.to_invite(session, made.get_json()["id"], 1, 10) == []
    page = f"/campaigns/{campaign['id']}/marks"
    body = client.get(page, headers=done.analyst.headers).get_data(as_text=True)
    assert DIED["reason"] in body
    assert body.count(second.email) == 1
    listed = done.call(done.analyst, "GET", "/campaigns").get_json()["items"]
    assert [one["match_year"] for one in listed] == [2028, 2027]
