from datetime import timedelta

import pytest

from marketplace.identity.models import Account, Notice
from marketplace.identity.rules import Role

PASSWORD = "correct horse battery"
ASHA = {"email": "Asha@Example.org", "password": PASSWORD, "name": "Asha Rao"}


def register(client, **changes):
    return client.post("/api/v1/auth/register", json={**ASHA, **changes})


def login(client, email="asha@example.org", password=PASSWORD):
    return client.post("/api/v1/auth/login", json={"email": email, "password": password})


def test_a_trainee_registers_confirms_and_signs_in(client, mailed_token):
    assert register(client).status_code == 202
    token = mailed_token("asha@example.org")
    assert login(client).json["code"] == "email_not_confirmed"
    assert client.post("/api/v1/auth/confirm", json={"token": token}).status_code == 200

    answer = login(client)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    me = client.get("/api/v1/me", headers=headers)
    assert me.json["email"] == "asha@example.org"
    roles = client.get("/api/v1/me/memberships", headers=headers).json["items"]
    assert [role["role"] for role in roles] == [Role.TRAINEE]


def test_opening_the_link_confirms_nothing(client, mailed_token):
    register(client)
    token = mailed_token("asha@example.org")
    for accept in ("text/html", "application/json", "*/*"):
        opened = client.get(f"/api/v1/auth/confirm?token={token}&utm=1", headers={"Accept": accept})
        assert opened.status_code == 200
    assert login(client).status_code == 403


def test_a_browser_gets_a_page_with_a_button_in_its_language(client, mailed_token):
    register(client)
    token = mailed_token("asha@example.org")
    headers = {"Accept": "text/html", "Accept-Language": "es"}
    page = client.get(f"/api/v1/auth/confirm?token={token}", headers=headers)
    assert "Confirmar" in page.text
    assert token in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    done = client.post("/api/v1/auth/confirm", data={"token": token}, headers=headers)
    assert done.status_code == 200
    assert "confirmada" in done.text
    assert login(client).status_code == 200


def test_a_token_in_the_page_is_escaped(client):
    page = client.get("/api/v1/auth/confirm?token=%22%3E%3Cb%3E", headers={"Accept": "text/html"})
    assert "<b>" not in page.text


def test_confirming_twice_is_once(client, mailed_token):
    register(client)
    token = mailed_token("asha@example.org")
    for _ in range(2):
        assert client.post("/api/v1/auth/confirm", json={"token": token}).status_code == 200


def test_an_expired_link_confirms_nothing_and_says_so(app, client, mailed_token, monkeypatch):
    register(client)
    token = mailed_token("asha@example.org")
    monkeypatch.setitem(app.config, "SECURITY_CONFIRM_EMAIL_WITHIN", timedelta(seconds=-1))
    answer = client.post("/api/v1/auth/confirm", json={"token": token})
    assert (answer.status_code, answer.json["code"]) == (422, "token_expired")
    assert login(client).status_code == 403

    monkeypatch.undo()
    client.post("/api/v1/auth/confirmations", json={"email": "asha@example.org"})
    fresh = mailed_token("asha@example.org")
    assert client.post("/api/v1/auth/confirm", json={"token": fresh}).status_code == 200


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "\ud83d\ude00"])
def test_a_forged_link_is_refused(client, token):
    answer = client.post("/api/v1/auth/confirm", json={"token": token})
    assert (answer.status_code, answer.json["code"]) == (422, "token_invalid")


def test_a_link_that_resets_does_not_confirm_and_the_other_way_round(client, mailed_token):
    register(client)
    confirming = mailed_token("asha@example.org")
    client.post("/api/v1/auth/recover", json={"email": "asha@example.org"})
    resetting = mailed_token("asha@example.org")
    assert client.post("/api/v1/auth/confirm", json={"token": resetting}).status_code == 422
    answer = client.post("/api/v1/auth/reset", json={"token": confirming, "password": PASSWORD})
    assert answer.status_code == 422


def test_registering_tells_nobody_that_an_address_has_an_account(client, people, mail, run_jobs):
    owner = people.make("trainee", name="Owner")
    known = register(client, email=owner.email)
    unknown = register(client, email="nobody@example.org")
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    run_jobs()
    assert [message.subject for message in mail.to(owner.email)] == ["You have an account already"]
    assert login(client, owner.email, owner.password).status_code == 200
    assert login(client, owner.email, PASSWORD).status_code == 401


@pytest.mark.parametrize("route", ["recover", "confirmations"])
def test_nor_do_the_other_forms(client, people, route):
    known = client.post(f"/api/v1/auth/{route}", json={"email": people.make().email})
    unknown = client.post(f"/api/v1/auth/{route}", json={"email": "nobody@example.org"})
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    assert known.status_code == 202


def test_signing_in_tells_an_outsider_nothing(client, people):
    person, closed = people.make(), people.make(confirmed=False)
    answers = [
        login(client, person.email, "wrong password"),
        login(client, "nobody@example.org", "wrong password"),
        login(client, "no address", "wrong password"),
        login(client, closed.email, "wrong password"),
    ]
    seen = {(a.status_code, a.json["code"], a.json["title"]) for a in answers}
    assert seen == {(401, "bad_credentials", "The address and the password don't belong together.")}
    assert all("Bearer" in answer.headers["WWW-Authenticate"] for answer in answers)


def test_who_registers_an_unconfirmed_address_anew_voids_the_older_link(client, mailed_token):
    register(client, password="the password of a stranger")
    strangers = mailed_token("asha@example.org")
    register(client)
    owners = mailed_token("asha@example.org")
    assert client.post("/api/v1/auth/confirm", json={"token": strangers}).status_code == 422
    assert client.post("/api/v1/auth/confirm", json={"token": owners}).status_code == 200
    assert login(client, password="the password of a stranger").status_code == 401
    assert login(client).status_code == 200


def test_an_account_made_for_a_role_is_not_taken_over(client, people, mail, run_jobs):
    invited = people.make("operator", confirmed=False)
    register(client, email=invited.email, password="the password of a stranger")
    run_jobs()
    assert [message.subject for message in mail.to(invited.email)] == ["Set a new password"]
    assert login(client, invited.email, "the password of a stranger").status_code == 401


def test_what_is_wrong_with_a_registration_is_said_by_field(client):
    answer = client.post(
        "/api/v1/auth/register",
        json={"email": "asha", "password": "x" * 1025, "name": "", "time_zone": "Mars", "x": 1},
    )
    assert answer.status_code == 422
    assert {"password", "name", "time_zone", "x"} <= set(answer.json["fields"])
    assert set(register(client, email="asha").json["fields"]) == {"email"}
    weak = register(client, password="short")
    assert (weak.json["code"], set(weak.json["fields"])) == ("password_refused", {"password"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Win at http://evil.example"),
        ("name", "Asha\nBcc: all@example.org"),
        ("name", "Asha\x00"),
        ("name", "Asha \ud800"),
        ("password", "half a pair \ud800 of letters"),
        ("password", "NUL \x00 in a password"),
        ("email", "asha\x00@example.org"),
        ("email", "asha@example.org\nbcc@example.org"),
    ],
)
def test_what_can_not_be_stored_or_mailed_is_refused(client, field, value):
    assert register(client, **{field: value}).status_code == 422


def test_the_message_exists_exactly_when_the_account_does(session, client, mail, run_jobs):
    register(client, email="asha", password="short")
    assert run_jobs() == 0
    register(client)
    account = session.query(Account).filter_by(email="asha@example.org").one()
    notice = session.query(Notice).filter_by(account_id=account.id).one()
    assert notice.state == "queued"
    assert "token" in notice.secret
    assert run_jobs() == 1
    session.refresh(notice)
    assert (notice.state, notice.secret) == ("sent", None)
    assert "token" not in notice.data


def test_a_token_is_never_remembered_for_an_idempotency_key(client, people, session):
    person = people.make()
    body = {"email": person.email, "password": person.password}
    headers = {"Idempotency-Key": "the-same"}
    first = client.post("/api/v1/auth/login", json=body, headers=headers)
    again = client.post("/api/v1/auth/login", json=body, headers=headers)
    assert first.status_code == again.status_code == 200
    assert "Idempotent-Replayed" not in again.headers
