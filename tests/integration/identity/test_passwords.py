from datetime import timedelta

NEW = "another long password"


def me(client, token):
    return client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


def login(client, person, password):
    return client.post("/api/v1/auth/login", json={"email": person.email, "password": password})


def test_changing_it_ends_every_token_and_session_and_gives_a_new_one(
    app, client, people, mail, run_jobs
):
    person = people.make()
    browser = app.test_client()
    browser.post("/api/v1/auth/session", json={"email": person.email, "password": person.password})
    assert browser.get("/api/v1/me").status_code == 200

    answer = client.post(
        "/api/v1/auth/password",
        json={"current": person.password, "new": NEW},
        headers=person.headers,
    )
    assert answer.status_code == 200
    old = me(client, person.token)
    assert (old.status_code, old.json["detail"]) == (401, "The token has been revoked.")
    assert browser.get("/api/v1/me").status_code == 401
    assert me(client, answer.json["token"]).status_code == 200
    assert login(client, person, person.password).status_code == 401
    assert login(client, person, NEW).status_code == 200
    run_jobs()
    assert [message.subject for message in mail.to(person.email)] == ["Your password was changed"]


def test_it_takes_the_current_one(client, people):
    person = people.make()
    answer = client.post(
        "/api/v1/auth/password", json={"current": "wrong", "new": NEW}, headers=person.headers
    )
    assert answer.json["code"] == "bad_credentials"
    assert me(client, person.token).status_code == 200


def test_a_weak_one_changes_nothing(client, people):
    person = people.make()
    answer = client.post(
        "/api/v1/auth/password",
        json={"current": person.password, "new": "short"},
        headers=person.headers,
    )
    assert answer.json["code"] == "password_refused"
    assert login(client, person, person.password).status_code == 200


def test_a_mailed_link_sets_it_once_and_confirms_the_address(client, people, mailed_token):
    person = people.make(confirmed=False)
    client.post("/api/v1/auth/recover", json={"email": person.email.upper()})
    token = mailed_token(person.email)
    assert client.get(f"/api/v1/auth/reset?token={token}").status_code == 200
    body = {"token": token, "password": NEW}
    assert client.post("/api/v1/auth/reset", json=body).status_code == 200
    assert login(client, person, NEW).status_code == 200
    assert me(client, person.token).status_code == 401
    again = client.post("/api/v1/auth/reset", json={**body, "password": "yet another password"})
    assert again.json["code"] == "token_invalid"
    assert login(client, person, NEW).status_code == 200


def test_a_browser_sets_it_by_a_form(client, people, mailed_token):
    person = people.make()
    headers = {"Accept": "text/html"}
    page = client.get("/api/v1/auth/recover", headers=headers)
    assert 'name="email"' in page.text
    client.post("/api/v1/auth/recover", data={"email": person.email}, headers=headers)
    token = mailed_token(person.email)
    assert (
        'name="password"' in client.get(f"/api/v1/auth/reset?token={token}", headers=headers).text
    )
    done = client.post(
        "/api/v1/auth/reset", data={"token": token, "password": NEW}, headers=headers
    )
    assert done.status_code == 200
    assert login(client, person, NEW).status_code == 200


def test_a_link_dies_with_the_password_that_it_was_to_replace(client, people, mailed_token):
    person = people.make()
    client.post("/api/v1/auth/recover", json={"email": person.email})
    token = mailed_token(person.email)
    client.post(
        "/api/v1/auth/password",
        json={"current": person.password, "new": NEW},
        headers=person.headers,
    )
    answer = client.post(
        "/api/v1/auth/reset", json={"token": token, "password": "yet another password"}
    )
    assert answer.json["code"] == "token_invalid"


def test_an_expired_link_sets_nothing(app, client, people, mailed_token, monkeypatch):
    person = people.make()
    client.post("/api/v1/auth/recover", json={"email": person.email})
    monkeypatch.setitem(app.config, "SECURITY_RESET_PASSWORD_WITHIN", timedelta(seconds=-1))
    body = {"token": mailed_token(person.email), "password": NEW}
    assert client.post("/api/v1/auth/reset", json=body).json["code"] == "token_expired"
    assert login(client, person, person.password).status_code == 200


def test_two_keyboards_spell_one_password(client, people):
    """é as one sign or as e and an accent is one letter to the one who types it."""
    person = people.make()
    client.post(
        "/api/v1/auth/password",
        json={"current": person.password, "new": "caf\u00e9 au lait, s'il vous plaît"},
        headers=person.headers,
    )
    assert login(client, person, "cafe\u0301 au lait, s'il vous plaît").status_code == 200


def test_hashes_are_argon2(session, people):
    from marketplace.identity import queries

    person = people.make()
    assert queries.account(session, person.id).password.startswith("$argon2id$")
