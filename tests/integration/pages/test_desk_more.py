"""What operators and analysts decide by pages: no-shows, force majeure, roles, e-mails, exports."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import force_majeure, no_shows
from marketplace.compliance.service import records
from marketplace.core.ids import new_id
from marketplace.identity.rules import ERASED_NAME
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.test_desk_schools import followed
from tests.integration.pages.test_pages import Browser

CODE = re.compile(r"Type it: (\w+)")
END = re.compile(r'action="([^"]+/roles/[^"]+/end)"')


@pytest.fixture
def desk(client, people):
    made = Browser(client)
    made.sign_in(people.make("operator", name="Olga Staff"), going_to="/desk")
    return made


def test_a_disputed_no_show_is_decided(desk, stage, people, clock):
    place = stage.place()
    booking = stage.confirmed(place, people.trainee(visa_type="b1_b2").id, whole=True)
    path = f"/desk/no-shows/{booking}"
    assert desk.get(path).status_code == 404
    clock.at += timedelta(days=(FIRST_DAY - clock.now().date()).days + 3)
    with stage.transaction() as session:
        found, now = queries.find(session, booking), stage.now
        no_shows.mark(session, found, reason="Nobody came.", actor_id=place.owner_id, now=now)
    desk.get(path)
    assert "Nobody has disputed it." in desk.body
    with stage.transaction() as session:
        no_shows.dispute(session, queries.find(session, booking), words="I did.", now=stage.now)
    assert "<strong>1</strong> Disputed no-shows" in desk.get("/desk").get_data(as_text=True)
    assert path in desk.get("/desk/no-shows").get_data(as_text=True)
    desk.get(path)
    for words in ("Nobody came.", "I did."):
        assert words in desk.body, words
    assert desk.send(path, decision="reinstated").status_code == 422
    assert 'id="reason-note"' in desk.body
    assert followed(desk, desk.send(path, decision="reinstated", reason="See the roster."))
    assert "Nothing waits here." in desk.body
    assert stage.state(booking) == "in_progress"


def test_an_overdue_balance_waits_at_the_desk(desk, stage, clock):
    booking = stage.confirmed(stage.place())
    stage.confirmed(stage.place(), whole=True)
    clock.at += timedelta(days=(FIRST_DAY - clock.now().date()).days - 3)
    desk.get("/desk")
    assert "<strong>1</strong> Overdue balances" in desk.body
    desk.get(re.search(r'href="([^"]+overdue[^"]+true)"', desk.body)[1])
    assert re.findall(r'href="/desk/bookings/([-0-9a-f]{36})"', desk.body) == [str(booking)]


def test_a_rotation_that_nobody_closed_is_found_and_closed(desk, app, stage, people, clock):
    place, trainee = stage.place(), people.trainee(visa_type="b1_b2")
    booking = stage.confirmed(place, trainee.id, whole=True)
    clock.at += timedelta(days=(FIRST_DAY - clock.now().date()).days)
    assert stage.start_due() == 1
    clock.at += timedelta(days=27)
    page = f"/desk/bookings/{booking}"
    assert "Nothing waits here." in desk.get("/desk/left-open").get_data(as_text=True)
    clock.at += timedelta(days=14)
    own = Browser(app.test_client())
    own.sign_in(trainee)
    own.get(f"/rotations/{booking}")
    assert "From Apr 11, 2027 on our people look at it" in own.body
    assert "<strong>1</strong> Rotations that nobody closed" in desk.get("/desk").get_data(
        as_text=True
    )
    desk.get("/desk/left-open")
    assert f'href="{page}"' in desk.body
    assert "Days marked: 0 present, 0 absent." in desk.body
    desk.get(page)
    assert desk.send(f"{page}/complete").status_code == 422
    assert 'id="why_complete-note"' in desk.body
    why = "The trainee and two messages say so."
    assert followed(desk, desk.send(f"{page}/complete", why_complete=why))
    assert why in desk.body
    assert f"{page}/complete" not in desk.body
    assert stage.state(booking) == "completed"
    own.get(f"/rotations/{booking}")
    assert "our people look at it" not in own.body


def test_force_majeure_is_looked_at_and_run_by_its_code(desk, stage, people, count_queries):
    place = stage.place()
    booking = stage.confirmed(place, people.trainee(visa_type="b1_b2").id, whole=True)
    base, days = "/desk/force-majeure", {"first_day": str(FIRST_DAY), "last_day": str(FIRST_DAY)}
    desk.get(base)
    refused = desk.send(base, **days, reason="A storm.", sites="Nowhere\nNobody")
    assert refused.status_code == 422
    assert "Nowhere: Expected the name of a site or school that is here." in desk.body
    assert "Nowhere\nNobody</textarea>" in desk.body
    desk.send(base, **days, reason="A storm.", sites="Nowhere\n" * 101)
    assert "At most 100 sites by name at once." in desk.body
    path = followed(desk, desk.send(base, **days, reason="A storm.", states="IL"))
    assert "$2,240.00" in desk.body
    assert "Call 1 booking off" in desk.body
    assert stage.state(booking) == "confirmed"
    assert desk.send(path, code="guessed").status_code == 422
    followed(desk, desk.send(path, code=CODE.search(desk.body)[1]))
    assert 'http-equiv="refresh"' in desk.body
    run_id = UUID(path.rpartition("/")[2])
    with stage.transaction() as session:
        force_majeure.call_off(session, run_id, booking, stage.now)
    with stage.transaction() as session:
        assert force_majeure.finish(session, run_id, stage.now)
    desk.get(path)
    assert "Called off by" in desk.body
    assert stage.state(booking) == "cancelled_by_operator"
    with count_queries() as seen:
        desk.get(path)
    assert len(seen) <= 10, seen


def test_roles_are_given_by_names_and_ended_and_accounts_closed(desk, stage, people):
    place, who = stage.place(), people.make(name="Cora Diaz")
    path = f"/desk/accounts/{who.id}"
    desk.get(path)
    assert desk.send(f"{path}/roles", role="coordinator", place="nowhere").status_code == 422
    assert 'value="nowhere"' in desk.body
    name = stage.booking(stage.hold(people.trainee(visa_type="b1_b2").id, place)).site_name
    wish = {"role": "coordinator", "place": name.lower()}
    assert desk.send(f"{path}/roles", **wish).status_code == 422
    assert 'id="why_role-note"' in desk.body
    followed(desk, desk.send(f"{path}/roles", **wish, why_role="Dr. Shah asked for her."))
    assert people.roles_of(who) == {"coordinator"}
    end = END.search(desk.body)[1]
    assert desk.send(end.replace(str(who.id), str(place.owner_id))).status_code == 404
    desk.get(path)
    assert desk.send(end).status_code == 422
    why = f"why_{end.split('/')[-2]}"
    followed(desk, desk.send(end, **{why: "She has left."}))
    assert people.roles_of(who) == set()
    assert desk.send(f"{path}/state", active="no").status_code == 422
    followed(desk, desk.send(f"{path}/state", active="no", why_state="On her own wish."))
    assert "Open the account again" in desk.body
    followed(desk, desk.send(f"{path}/state", active="yes", why_state="A slip of the hand."))
    assert "Close the account" in desk.body
    # Who, to whom, what and why, each by its name; found by the address as well.
    desk.get(f"/desk/audit?subject_id={who.email}")
    done = ("Gave a role", "Ended a role", "Closed the account", "Opened the account again")
    why = ("Dr. Shah asked for her.", "She has left.", "On her own wish.", "A slip of the hand.")
    link = f'<a href="/desk/accounts/{who.id}">Cora Diaz</a>'
    assert desk.body.count(link) == len(done)
    for words in (*done, *why, f'<a href="/desk/sites/{place.site_id}">{name}</a>'):
        assert words in desk.body, words
    desk.get("/desk/audit?subject_id=nowhere")
    assert 'id="subject_id-note"' in desk.body


def test_an_email_that_failed_is_sent_again_and_payouts_are_told(desk, stage, people, session):
    place, trainee = stage.place(), people.trainee(visa_type="b1_b2")
    stage.confirmed(place, trainee.id)
    with stage.transaction() as own:
        own.connection().exec_driver_sql(
            "UPDATE notice SET state = 'failed', sent_at = NULL, failure = 'Mailbox full.'"
        )
    assert desk.get("/desk/notices?email=nobody@example.org").status_code == 422
    desk.get(f"/desk/notices?email={trainee.email}&state=failed")
    assert "Mailbox full." in desk.body
    again = re.search(r'action="(/desk/notices/[^"]+)"', desk.body)[1].replace("&amp;", "&")
    assert "state=failed" in followed(desk, desk.send(again))
    assert desk.get("/desk/payouts").status_code == 200


def test_an_analyst_has_outcomes_exported(client, people, run_jobs):
    analyst = Browser(client)
    analyst.sign_in(people.make("analyst"), going_to="/desk/exports")
    analyst.get("/desk/exports")
    # Names are not offered to who has no right to them.
    assert 'value="identified"' not in analyst.body
    assert analyst.send("/desk/exports", as_of="2099-01-01T00:00").status_code == 422
    path = followed(analyst, analyst.send("/desk/exports", profile="pii_free", formats="jsonl"))
    assert 'http-equiv="refresh"' in analyst.body
    run_jobs()
    analyst.get(path)
    file = re.search(r'href="(/api/v1/exports/[^"]+\.jsonl)"', analyst.body)[1]
    assert analyst.client.get(file).status_code == 200
    analyst.get("/desk/exports")
    earlier = {"compared_with": path.rpartition("/")[2]}
    path = followed(analyst, analyst.send("/desk/exports", profile="pii_free", **earlier))
    run_jobs()
    assert "changes.csv</a>" in analyst.get(path).get_data(as_text=True)


def test_the_audit_trail_names_what_it_is_about_however_much_that_is(
    desk, stage, people, count_queries
):
    place, trainee = stage.place(), people.trainee(visa_type="b1_b2", name="Cora Diaz")
    booking = stage.confirmed(place, trainee.id, whole=True)
    gone = new_id()

    def noted(times: int) -> None:
        about = {"booking_id": booking, "listing_id": place.listing_id, "account_id": trainee.id}
        seen = {"page": "/rotations/<uuid:booking_id>", "impersonation_id": new_id()}
        every = {"invitation_id": gone, "document_ids": [str(gone)], "reference": "T-1"}
        detail = {key: one if isinstance(one, list) else str(one) for key, one in
                  {**about, **seen, **every}.items()}  # fmt: skip
        kinds = ("account", "message_file", "refund", "export", "webhook_endpoint", "stay_limits")
        with stage.transaction() as session:
            for kind in kinds * times:
                records.record(
                    session,
                    actor_id=None,
                    action="impersonation.seen",
                    subject_kind=kind,
                    subject_id=trainee.id if kind == "account" else gone,
                    detail=detail,
                    now=stage.now,
                )

    noted(1)
    with count_queries() as few:
        desk.get("/desk/audit")
    rows = desk.body[desk.body.index("<tbody>") :]
    for words in (f'<a href="/desk/bookings/{booking}">', f'<a href="/listings/{place.listing_id}">',
                  f'<a href="/desk/accounts/{trainee.id}">Cora Diaz</a>', "/rotations/…", "T-1",
                  "no longer there"):  # fmt: skip
        assert words in rows, words
    # No id is read but in an address.
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", re.sub(r'href="[^"]*"', "", rows))
    noted(5)
    with count_queries() as many:
        desk.get("/desk/audit")
    assert len(many.texts) == len(few.texts)
    with stage.transaction() as session:
        erased = {"name": ERASED_NAME, "id": trainee.id}
        session.execute(text("UPDATE account SET name = :name WHERE id = :id"), erased)
    desk.get("/desk/audit")
    assert f'<a href="/desk/accounts/{trainee.id}">Erased account</a>' in desk.body
