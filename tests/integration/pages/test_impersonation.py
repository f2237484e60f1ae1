"""An operator sees the pages as somebody else: looks, does nothing, and all of it is on record."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import edge
from marketplace.identity.access import impersonating
from tests.factories.people import People
from tests.factories.rotations import Stage
from tests.integration.pages.test_pages import Browser

ID = "01a1f0de-7c3c-7d6a-9b1e-3f2a5c4d6e70"
FILLED = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
SAFE = impersonating.SAFE_METHODS
BY_KIND = {"uuid": ID, "int": "2027", "date": "2027-03-01"}


def filled(rule):
    """An address that a rule matches."""
    return FILLED.sub(lambda found: BY_KIND.get(found[1], "2027-01"), rule)


class Scene:
    """An operator at the desk, a trainee, and a database that commits for real."""

    def __init__(self, live):
        self.live = live
        live.app.load()
        self.people = People(live.app)
        self.stage = Stage(live.sessions, live.clock)
        self.operator = self.people.make("operator", name="Olga Staff")
        self.trainee = self.people.trainee(visa_type="b1_b2")
        self.desk = Browser(live.app.test_client())
        self.desk.sign_in(self.operator, "/desk")

    def look(self, account_id, **typed):
        path = f"/desk/accounts/{account_id}"
        self.desk.get(path)
        given = {"reason": "Asked why a deposit is missing.", "minutes": "30"} | typed
        return self.desk.send(f"{path}/look", **given)

    def rows(self, query, **values):
        with self.live.sessions() as session:
            return session.execute(text(query), values).all()

    def trail(self):
        """What is on record: what, by whom, about whom, which page."""
        return self.rows(
            "SELECT action, actor_id, subject_id, detail->>'page' FROM audit_entry"
            " WHERE action LIKE 'impersonation.%' ORDER BY id"
        )


@pytest.fixture
def scene(live):
    return Scene(live)


def test_an_operator_looks_is_told_of_and_can_do_nothing(scene):
    trainee, operator, desk = scene.trainee, scene.operator, scene.desk
    place = scene.stage.place()
    booking = scene.stage.confirmed(place, trainee.id, whole=True)
    desk.get("/desk/accounts?text=asha")
    assert f"/desk/accounts/{trainee.id}" in desk.body
    assert scene.look(trainee.id, reason=" ").status_code == 422
    assert 'id="reason-note"' in desk.body
    assert scene.look(trainee.id).headers["Location"] == "/rotations"

    page = desk.get(f"/rotations/{booking}")
    assert page.status_code == 200
    assert "You see the pages as Asha Rao does" in desk.body
    assert "Asked why a deposit is missing." in desk.body
    assert "Sign out" not in desk.body
    # What every page needs is no page that was seen.
    with desk.get("/assets/site.css") as file:
        assert file.status_code == 200
    assert desk.get("/desk").status_code == 403
    assert desk.get(f"/rotations/{booking}/messages").status_code == 403
    assert desk.get("/my-data/download").status_code == 403
    assert desk.get("/api/v1/me").status_code == 403
    desk.get("/profile")
    assert desk.send("/profile", school_country="DE").status_code == 403
    assert "you can look, and do nothing" in desk.body

    stopped = desk.send(impersonating.STOP)
    assert stopped.headers["Location"] == f"/desk/accounts/{trainee.id}"
    assert desk.get("/desk").status_code == 200
    assert "You see the pages as" not in desk.body

    trail = scene.trail()
    assert {(one.actor_id, one.subject_id) for one in trail} == {(operator.id, trainee.id)}
    assert [(one.action.partition(".")[2], one[3]) for one in trail] == [
        ("begun", None),
        ("seen", "/rotations/<uuid:booking_id>"),
        ("seen", "/desk"),
        ("refused", "/rotations/<uuid:booking_id>/messages"),
        ("refused", "/my-data/download"),
        ("refused", "/api/v1/me"),
        ("seen", "/profile"),
        ("refused", "/profile"),
        ("seen", impersonating.STOP),
        ("ended", None),
    ]
    scene.live.run_jobs()
    sent = [one.text for one in scene.live.mail.to(trainee.email) if "Olga Staff" in one.text]
    assert len(sent) == 1
    assert "Asked why a deposit is missing." in sent[0]
    own = Browser(scene.live.app.test_client())
    own.sign_in(trainee)
    own.get("/access-log")
    for words in ("Olga Staff", "Asked why a deposit is missing.", "Began to see your pages"):
        assert words in own.body, words


def test_a_view_that_means_to_write_is_refused_by_the_database(scene, monkeypatch):
    """Even where nobody thought of it: a thread that is opened would count as read."""
    booking = scene.stage.confirmed(scene.stage.place(), scene.trainee.id, whole=True)
    thread = f"/desk/bookings/{booking}/messages"
    scene.desk.get(f"/desk/bookings/{booking}")
    # A form that is refused shows the story again: that is a reading, too.
    assert scene.desk.send(thread, reason=" ").status_code == 422
    read = "SELECT actor_id FROM audit_entry WHERE action = 'booking.story_read'"
    assert [row.actor_id for row in scene.rows(read)] == [scene.operator.id] * 2
    assert scene.desk.send(thread, reason="A complaint.").status_code == 303
    monkeypatch.setattr(impersonating, "CLOSED", frozenset())
    scene.look(scene.trainee.id)
    assert scene.desk.get(f"/rotations/{booking}").status_code == 200
    assert scene.desk.get(f"/rotations/{booking}/messages").status_code == 403
    assert "you can look, and do nothing" in scene.desk.body
    assert "You see the pages as" in scene.desk.body
    # What was reported in confidence stands on the trainee's page for the trainee alone.
    reported = (
        "INSERT INTO safety_report"
        " (id, booking_id, site_id, trainee_id, happened_on, body, recorded_at)"
        " SELECT uuidv7(), id, site_id, trainee_id, first_day, 'No gloves.', now()"
        " FROM booking WHERE id = :booking"
    )
    with scene.stage.transaction() as session:
        session.execute(text(reported), {"booking": booking})
    own = Browser(scene.live.app.test_client())
    own.sign_in(scene.trainee)
    bodies = [
        one.get(f"/rotations/{booking}/days").get_data(as_text=True) for one in (own, scene.desk)
    ]
    assert ["No gloves." in body for body in bodies] == [True, False]


def test_no_address_takes_a_form_and_no_cookie_outlives_it(scene):
    """Every rule of the map, by every method that writes: refused before anything is done."""
    scene.look(scene.trainee.id)
    desk, app = scene.desk, scene.live.app
    desk.get("/rotations")
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
    ]
    assert len(rules) > 200
    for rule in rules:
        if rule.rule == impersonating.STOP:
            continue
        for method in sorted(rule.methods - SAFE):
            answer = desk.client.open(filled(rule.rule), method=method, data={})
            assert answer.status_code == 403, f"{method} {rule.rule}: {answer.status_code}"
            assert "look, and do nothing" in answer.get_data(as_text=True), rule.rule
    assert {one.rule for one in app.url_map.iter_rules()} > impersonating.CLOSED

    # A form that was drawn meanwhile is not the operator's own, once it is over.
    desk.get("/rotations")
    scene.live.clock.advance(timedelta(minutes=31))
    late = desk.send("/documents/erase")
    assert late.status_code == 403
    assert desk.get("/desk").status_code == 200


def test_only_operators_look_and_never_at_each_other(scene):
    other = scene.people.make("operator")
    assert scene.look(other.id).status_code == 403
    assert scene.look(scene.operator.id).status_code == 403
    assert scene.look(ID).status_code == 404
    # A program has no cookie to be somebody else by.
    client = scene.live.app.test_client()
    path = f"/desk/accounts/{scene.trainee.id}/look"
    by_token = client.post(
        path, data={"reason": "x", "minutes": "30"}, headers=scene.operator.headers
    )
    assert by_token.status_code == 403
    assert scene.rows("SELECT * FROM impersonation") == []

    # Whoever becomes an operator meanwhile is seen no more; so it is for who is none any more.
    scene.look(scene.trainee.id)
    assert "You see the pages as" in scene.desk.get("/rotations").get_data(as_text=True)
    scene.people.grant(scene.trainee, "operator")
    assert "You see the pages as" not in scene.desk.get("/desk").get_data(as_text=True)
    assert scene.look(other.id).status_code == 403


BEGIN = "INSERT INTO impersonation (id, operator_id, account_id, reason, begun_at, ends_at)"
REFUSED = (
    ("UPDATE impersonation SET reason = 'other'", "history_impersonation"),
    ("DELETE FROM impersonation", "history_impersonation"),
    ("UPDATE impersonation SET ended_at = begun_at, ends_at = now()", "history_impersonation"),
    (
        f"{BEGIN} SELECT gen_random_uuid(), account_id, operator_id, 'x', begun_at, ends_at FROM impersonation",
        "impersonation_of_no_operator",
    ),
    (
        f"{BEGIN} SELECT gen_random_uuid(), operator_id, account_id, 'x', begun_at, begun_at + interval '2 hours' FROM impersonation",
        "ck_impersonation_ends_at",
    ),
    (
        f"{BEGIN} SELECT gen_random_uuid(), operator_id, account_id, 'x', begun_at, ends_at FROM impersonation",
        "uq_impersonation_operator_id",
    ),
)


def test_the_database_holds_it(people, client, session):
    operator, trainee = people.make("operator"), people.make("trainee")
    desk = Browser(client)
    desk.sign_in(operator, "/desk")
    desk.get(f"/desk/accounts/{trainee.id}")
    desk.send(f"/desk/accounts/{trainee.id}/look", reason="A look.", minutes="10")
    for statement, constraint in REFUSED:
        with pytest.raises(IntegrityError) as refused, edge(session):
            session.execute(text(statement))
        assert refused.value.orig.diag.constraint_name == constraint
