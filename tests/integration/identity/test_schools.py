"""Schools, invitations, and what a school sees: only with the student's word, and no longer."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.link_signer import HmacLinkSigner
from marketplace.core.db import edge
from marketplace.core.errors import DomainError
from marketplace.identity.queries import schools as queries
from marketplace.identity.rules import SEEN_WORDING
from marketplace.identity.service import memberships, schools, students
from tests.factories.people import People

API = "/api/v1"
EVIDENCE = {"verified": True, "kind": "directory", "reference": "F0001234"}
TOKEN = re.compile(r"/schools/invitations/([A-Za-z0-9_-]{40,})")


class Desk:
    """A verified school, its coordinator, and the calls about it."""

    def __init__(self, client, people, clock) -> None:
        self.client, self.people, self.clock = client, people, clock
        self.operator = people.make("operator")
        self.coordinator = people.make(name="Sara Khan")
        self.school_id = self.school("Grant Medical College", self.coordinator)

    def school(self, name, coordinator):
        made = self.call(
            self.operator, "POST", "/operator/schools", json={"name": name, "country": "IN"}
        )
        path = f"/operator/schools/{made.json['id']}"
        self.call(
            self.operator, "POST", f"{path}/coordinators", 201, json={"email": coordinator.email}
        )
        self.call(self.operator, "POST", f"{path}/verification", json=EVIDENCE)
        return made.json["id"]

    def call(self, who, method, path, status=200, **sent):
        headers = {**(who.headers if who else {}), **sent.pop("headers", {})}
        answer = self.client.open(API + path, method=method, headers=headers, **sent)
        assert answer.status_code == status, (method, path, answer.status_code, answer.get_data())
        return answer

    @property
    def path(self):
        return f"/schools/{self.school_id}"

    def invite(self, email, status=201):
        return self.call(
            self.coordinator, "POST", f"{self.path}/students", status, json={"email": email}
        )

    def accept(self, who, token, sees=(), status=200):
        sent = {"sees": list(sees), "wording": SEEN_WORDING}
        return self.call(who, "POST", f"/schools/invitations/{token}/acceptance", status, json=sent)

    def students(self, **args):
        return self.call(self.coordinator, "GET", f"{self.path}/students", query_string=args).json[
            "items"
        ]


@pytest.fixture
def desk(client, people, clock):
    return Desk(client, people, clock)


@pytest.fixture
def token_of(mail, run_jobs):
    def find(address):
        run_jobs()
        return [one for sent in mail.to(address) for one in TOKEN.findall(sent.text)][-1]

    return find


def test_a_student_is_linked_by_their_own_word_and_leaves_by_it(desk, people, token_of, session):
    student = people.trainee(name="Asha Rao")
    desk.invite(student.email)
    assert [(one["state"], one["name"]) for one in desk.students()] == [("invited", None)]
    token = token_of(student.email)
    for _ in range(2):
        seen = desk.call(None, "GET", f"/schools/invitations/{token}").json
        assert (seen["school_name"], seen["state"]) == ("Grant Medical College", "invited")
    own = desk.accept(student, token, ["bookings", "dates"]).json
    assert own["sees"] == ["bookings", "dates"]
    (row,) = desk.students()
    assert (row["name"], row["sees"]) == ("Asha Rao", ["bookings", "dates"])
    desk.call(None, "GET", f"/schools/invitations/{token}", 404)
    desk.accept(student, token, status=404)

    chosen = {"sees": ["bookings"], "wording": SEEN_WORDING}
    own = desk.call(student, "PUT", "/me/school/consents", json=chosen).json
    assert [(one["purpose"], one["given"]) for one in own["history"]] == [
        ("bookings", True),
        ("dates", True),
        ("dates", False),
    ]
    desk.call(student, "POST", "/me/school/leave", 204, json={})
    desk.call(student, "GET", "/me/school", 404)
    (row,) = desk.students()
    assert (row["state"], row["sees"], row["name"]) == ("ended", [], None)
    steps = session.execute(
        text("SELECT to_state, reason FROM school_student_step ORDER BY number")
    ).all()
    assert [step.to_state for step in steps] == ["invited", "linked", "ended"]


def test_an_invitation_can_be_refused_without_an_account_and_sent_again(desk, token_of, clock):
    desk.invite("new@grant.example")
    first = token_of("new@grant.example")
    clock.advance(timedelta(minutes=1))
    desk.invite("new@grant.example")
    second = token_of("new@grant.example")
    assert first != second
    desk.call(None, "GET", f"/schools/invitations/{first}", 404)
    refused = desk.call(None, "POST", f"/schools/invitations/{second}/refusal")
    assert refused.json["state"] == "declined"
    desk.invite("new@grant.example")
    assert [one["state"] for one in desk.students()] == ["invited", "declined"]


def test_a_link_ends_with_its_time_and_a_forged_one_is_nothing(desk, people, token_of, clock):
    student = people.trainee()
    desk.invite(student.email)
    token = token_of(student.email)
    desk.call(None, "GET", f"/schools/invitations/{token[:-3]}AAA", 404)
    clock.advance(timedelta(days=31))
    desk.call(None, "GET", f"/schools/invitations/{token}", 404)


def test_a_student_has_one_school_and_words_that_changed_are_read_again(desk, people, token_of):
    student = people.trainee()
    desk.invite(student.email)
    token = token_of(student.email)
    stale = {"sees": ["bookings"], "wording": "2020-01"}
    path = f"/schools/invitations/{token}/acceptance"
    answer = desk.call(student, "POST", path, 409, json=stale)
    assert (answer.json["code"], answer.json["wording"]) == (
        "consent_words_changed",
        SEEN_WORDING,
    )
    desk.accept(student, token)
    other = people.make(name="Other Khan")
    desk.school_id, desk.coordinator = desk.school("Second College", other), other
    desk.invite(student.email)
    assert desk.accept(student, token_of(student.email), status=409).json["code"] == (
        "student_elsewhere"
    )


def test_a_sheet_invites_the_good_rows_and_says_what_is_wrong_with_the_others(
    desk, people, token_of, count_queries
):
    linked = people.trainee()
    desk.invite(linked.email)
    desk.accept(linked, token_of(linked.email))
    sheet = (
        "name;email\nA;a@grant.example\nB;not an address\nC;A@grant.example\n"
        f"D;{linked.email}\nE;\nF;f@grant.example\n"
    )

    def send(content):
        return desk.call(
            desk.coordinator,
            "POST",
            f"{desk.path}/students/sheet",
            data=content.encode(),
            headers={"Content-Type": "text/csv"},
        ).json

    answer = send(sheet)
    assert (answer["invited"], answer["refused"]) == (2, 4)
    assert [(row["row"], row["code"]) for row in answer["rows"]] == [
        (1, None),
        (2, "invalid"),
        (3, "invited_already"),
        (4, "invited_already"),
        (5, "invalid"),
        (6, None),
    ]
    assert "address" in answer["rows"][1]["problem"]
    assert token_of("f@grant.example")
    with count_queries() as few:
        send("email\n" + "".join(f"x{n}@grant.example\n" for n in range(3)))
    with count_queries() as many:
        send("email\n" + "".join(f"y{n}@grant.example\n" for n in range(60)))
    assert len(few) == len(many)
    with count_queries() as first:
        desk.students(limit=2)
    with count_queries() as whole:
        desk.students(limit=100)
    assert len(first) == len(whole)


@pytest.mark.parametrize("content", ["", "mail\na@b.example\n", "email\n", 'email\n"a'])
def test_a_sheet_that_is_none_is_refused_whole(desk, content):
    answer = desk.call(
        desk.coordinator,
        "POST",
        f"{desk.path}/students/sheet",
        422 if content != 'email\n"a' else 200,
        data=content.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.json.get("code") == "students_sheet_unfit" or answer.json["refused"] == 1


def test_a_domain_keeps_other_addresses_out(desk):
    path = f"/operator/schools/{desk.school_id}"
    version = desk.call(desk.coordinator, "GET", desk.path).headers["ETag"]
    changed = {"email_domain": "Grant.Example"}
    desk.call(desk.operator, "PATCH", path, 428, json=changed)
    desk.call(desk.operator, "PATCH", path, json=changed, headers={"If-Match": version})
    assert desk.invite("x@elsewhere.example", 422).json["code"] == "other_domain"
    desk.invite("x@students.grant.example")


def test_who_is_no_coordinator_of_the_school_finds_nothing(desk, people):
    stranger = people.make(name="Other Khan")
    other = desk.school("Second College", stranger)
    trainee = people.trainee()
    for who in (stranger, trainee):
        for path in ("", "/students", "/members"):
            desk.call(who, "GET", desk.path + path, 404)
        desk.call(who, "POST", f"{desk.path}/students", 404, json={"email": "a@b.example"})
    desk.call(desk.operator, "GET", f"{desk.path}/students")
    # A student of another school is not to be reached through one's own.
    desk.invite("x@grant.example")
    student_id = desk.students()[0]["id"]
    wrong = f"/schools/{other}/students/{student_id}/end"
    desk.call(stranger, "POST", wrong, 404, json={"reason": "Mine."})
    path = f"/operator/schools/{desk.school_id}/verification"
    desk.call(trainee, "POST", path, 403, json=EVIDENCE)


def test_a_school_that_is_not_verified_invites_nobody(desk, people):
    made = desk.call(
        desk.operator, "POST", "/operator/schools", json={"name": "New", "country": "IN"}
    ).json["id"]
    sent = {"email": desk.coordinator.email}
    desk.call(desk.operator, "POST", f"/operator/schools/{made}/coordinators", 201, json=sent)
    answer = desk.call(
        desk.coordinator, "POST", f"/schools/{made}/students", 409, json={"email": "a@b.example"}
    )
    assert answer.json["code"] == "school_not_verified"
    path = f"/operator/schools/{made}/verification"
    desk.call(desk.operator, "POST", path, 422, json={"verified": True})
    desk.call(desk.operator, "POST", path, 422, json={"verified": False})
    desk.call(desk.operator, "POST", path, json=EVIDENCE)
    assert desk.call(desk.operator, "POST", path, 409, json=EVIDENCE).json["decided_by"]
    # Taken back, it can do nothing new; what was decided stays on record.
    desk.call(desk.operator, "POST", path, json={"verified": False, "note": "Not its domain."})
    desk.call(
        desk.coordinator, "POST", f"/schools/{made}/students", 409, json={"email": "a@b.example"}
    )


def test_histories_stay_and_the_database_keeps_the_promises(desk, people, token_of, session):
    student = people.trainee()
    desk.invite(student.email)
    desk.accept(student, token_of(student.email), ["bookings"])
    for statement in (
        "UPDATE school_consent SET given = false",
        "DELETE FROM school_consent",
        "UPDATE school_check SET note = 'else'",
        "DELETE FROM school_student_step",
        "UPDATE school_student SET state = 'ended'",
        "UPDATE school_student SET sees = '{everything}'",
        "UPDATE school_student SET account_id = NULL",
    ):
        with pytest.raises(IntegrityError), edge(session):
            session.execute(text(statement))


def test_two_coordinators_invite_one_address_and_two_tabs_accept_it(live):
    """One invitation, one link, whoever is at it at once."""
    people = People(live.app)
    coordinator, student = people.make(), people.trainee()
    with live.transaction() as session:
        school_id = memberships.ensure_school(session, "Grant", "IN").id
        schools.verify(session, school_id, actor_id=coordinator.id, now=live.clock.now())
    signer = HmacLinkSigner(["a key for tests of some length"])

    def invite(_):
        with live.app.app_context(), live.transaction() as session:
            found = students.invite_all(
                session,
                queries.find(session, school_id),
                [student.email],
                actor_id=coordinator.id,
                signer=signer,
                now=live.clock.now(),
            )
            return found[0].student_id

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(invite, range(8)))
    with live.transaction() as session:
        rows = session.execute(text("SELECT id, version FROM school_student")).all()
    assert len(rows) == 1
    assert {one for one in made if one is not None} == {rows[0].id}
    token = signer.sign(students.PURPOSE, rows[0].id, live.clock.now() + students.LINK_LIFE)
    with live.transaction() as session:
        session.execute(
            text("UPDATE school_student SET token_hash = :hash"),
            {"hash": students.fingerprint(token)},
        )

    def accept(_):
        try:
            with live.transaction() as session:
                students.accept(
                    session,
                    signer,
                    token,
                    account_id=student.id,
                    sees=["bookings"],
                    wording=SEEN_WORDING,
                    now=live.clock.now(),
                )
        except DomainError as error:
            return error.code
        return "linked"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(accept, range(4)))
    assert outcomes == ["invitation_not_found"] * 3 + ["linked"]
    with live.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM school_consent")).scalar() == 1
    people.close()
