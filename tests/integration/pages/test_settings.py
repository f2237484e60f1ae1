"""What an account is told and sets by pages: mailed links, passwords, language, mails, the second factor."""

import re
from html import unescape
from urllib.parse import unquote

import pytest
from sqlalchemy.exc import OperationalError

from marketplace.identity.access import setting
from tests.factories.people import PASSWORD
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.test_pages import Browser

NEW = "another long password"
TOKEN = re.compile(r"/(confirm|reset)\?token=(\S+)")
TOKEN_ALONE = re.compile(r"token=([^&\s]+)")


@pytest.fixture
def mailed(mail, run_jobs):
    def found(address):
        run_jobs()
        return TOKEN.search(mail.to(address)[-1].text)[0]

    return found


def filled(browser, form, path=None, **fields):
    """Send a form of the page `form`, which is opened for it."""
    browser.get(form)
    return browser.send(path or form, **fields)


def test_a_mailed_link_is_a_page_whose_button_does_it(app, mailed):
    anybody = Browser(app.test_client())
    new = {"email": "new@example.org", "password": PASSWORD}
    filled(anybody, "/register?next=/rounds", "/register", name="Ana", **new)
    link = mailed(new["email"])
    page = anybody.get(link)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert filled(anybody, "/sign-in", **new).status_code == 422
    token, going = TOKEN_ALONE.search(link)[1], link.partition("&next=")[2]
    # Where it was registered, the link signs in; elsewhere the password is asked for.
    signed = filled(anybody, link, "/confirm", token=token)
    assert signed.headers["Location"] == "/profile?next=%2Frounds&confirmed=yes"
    assert "you are signed in" in anybody.get(signed.headers["Location"]).text
    elsewhere = Browser(app.test_client())
    sent = {"token": token, "next": unquote(going)}
    assert "You can sign in now." in filled(elsewhere, link, "/confirm", **sent).text
    assert 'value="new@example.org"' in elsewhere.body
    assert 'name="next" value="/rounds"' in elsewhere.body
    signed = elsewhere.send("/sign-in", **new)
    assert (signed.status_code, signed.headers["Location"]) == (303, "/rotations")
    refused = filled(Browser(app.test_client()), "/confirm?token=old", "/confirm", token="old")
    assert refused.status_code == 422
    assert "Send the confirmation again" in refused.text


@pytest.mark.parametrize("invitation", ["/site-invitations/key", "/schools/invitations/key"])
def test_who_registers_for_an_invitation_is_before_it_once_confirmed(app, mailed, invitation):
    here, mine = Browser(app.test_client()), {"email": "new@example.org", "password": PASSWORD}
    filled(here, f"/register?next={invitation}", "/register", name="Ana", **mine)
    link = mailed(mine["email"])
    token = TOKEN_ALONE.search(link)[1]
    assert f'name="next" value="{invitation}"' in Browser(app.test_client()).get(link).text
    confirmed = filled(here, link, "/confirm", token=token)
    assert (confirmed.status_code, confirmed.headers["Location"]) == (303, invitation)


def test_a_link_signs_nobody_into_an_account_that_another_chose_the_password_of(app, mailed):
    owner, stranger = Browser(app.test_client()), Browser(app.test_client())
    for who, password in ((owner, PASSWORD), (stranger, f"{PASSWORD} of another")):
        filled(who, "/register", name="Ana", email="ana@example.org", password=password)
    link = mailed("ana@example.org")
    page = filled(owner, link, "/confirm", token=link.partition("=")[2])
    assert "You can sign in now." in page.text
    # Nor does what the browser keeps tell whether there was an account.
    again = Browser(app.test_client())
    filled(again, "/register", name="Ana", email="ana@example.org", password=PASSWORD)
    with again.client.session_transaction() as kept, owner.client.session_transaction() as other:
        assert len(kept["registered"]) == 64
        assert "registered" not in other


def test_a_forgotten_password_is_set_anew_once_by_the_link(app, people, mailed):
    person = people.make()
    anybody = Browser(app.test_client())
    assert 'value="no address"' in filled(anybody, "/recover", email="no address").text
    told = [
        filled(anybody, "/recover", email=address).text.replace(address, "")
        for address in (person.email, "nobody@example.org")
    ]
    assert told[0] == told[1]
    link = mailed(person.email)
    token = link.partition("=")[2]
    short = filled(anybody, link, "/reset", token=token, password="short")
    assert (short.status_code, 'aria-invalid="true"' in short.text) == (422, True)
    # In another language it is the same link.
    assert f'/language/es?next=/reset%3Ftoken%3D{token}"' in short.text
    assert "Your password is set" in filled(anybody, link, "/reset", token=token, password=NEW).text
    again = filled(anybody, link, "/reset", token=token, password=NEW + "!")
    assert "This link does not help any more" in again.text
    signed = filled(anybody, "/sign-in", email=person.email, password=NEW)
    assert signed.headers["Location"] == "/rotations"
    desk = Browser(app.test_client())
    operator = people.make("operator")
    signed = filled(desk, "/sign-in", email=operator.email, password=PASSWORD, next="/")
    assert signed.headers["Location"] == "/desk"


def test_settings_are_changed_and_the_page_speaks_the_new_language(app, people):
    person = people.make(name="Ana")
    own = browser_of(app, person)
    own.get("/settings")
    own.send("/settings", name="Ana Sousa", locale="es", time_zone="America/Sao_Paulo")
    page = own.get("/settings?saved=1").text
    assert ("Ajustes" in page, "Ana Sousa" in page) == (True, True)
    assert '<option value="America/Sao_Paulo" selected>' in page
    assert own.send("/settings", name="Ana", time_zone="Mars/Base").status_code == 422
    own.get("/settings")
    own.send("/settings/mails", messages="brief", news="off")
    assert '<option value="brief" selected>' in own.get("/settings").text
    assert own.send("/settings/password", current="not this one", new=NEW).status_code == 422
    assert "no es su contraseña actual" in own.body
    own.get("/settings")
    assert own.send("/settings/password", current=PASSWORD, new=NEW).status_code == 303
    assert own.get("/settings").status_code == 200


def test_a_second_factor_is_set_up_by_its_key(app, people):
    own = browser_of(app, people.make())
    own.get("/settings")
    shown = own.send("/settings/second-factor/key")
    assert shown.headers["Cache-Control"] == "no-store"
    assert "otpauth://totp/" in own.body
    assert own.send("/settings/second-factor", code="000000").status_code == 422
    assert 'name="code"' in own.body


def test_who_has_no_account_chooses_the_language(client):
    answer = client.get("/language/es?next=/help%23paying")
    assert answer.headers["Location"] == "/help#paying"
    assert "Cómo funciona" in client.get("/help").text
    assert "How it works" in client.get("/language/en?next=/help", follow_redirects=True).text
    assert client.get("/language/en?next=//evil.example").headers["Location"] == "/"
    assert client.get("/language/fr").status_code == 404


def test_who_has_no_profile_is_led_to_it_before_a_seat_is_kept_and_back(app, people, place):
    own = browser_of(app, people.make("trainee"))
    listing = f"/listings/{place.listing_id}"
    own.get(f"{listing}?first_day={FIRST_DAY}&weeks=4")
    assert "Fill in your profile" in own.body
    assert "Keep this seat for me" not in own.body
    asked = own.send(f"{listing}/hold", first_day=str(FIRST_DAY), weeks="4")
    profile = asked.headers["Location"]
    assert profile.startswith("/profile?next=")
    own.get(profile)
    assert f'value="{listing}?first_day={FIRST_DAY}&amp;weeks=4#book"' in own.body


def test_an_error_is_told_in_the_readers_language_with_a_way_back(client):
    spanish = {"Accept": "text/html", "Accept-Language": "es"}
    assert "Aquí no hay nada." in client.get("/listings/nothing", headers=spanish).text
    came = {"Referer": "http://localhost/help", **spanish}
    refused = client.post("/language/es", headers=came).text
    assert 'href="/help">Atrás' in refused
    assert 'href="/language/en?next=/help"' in refused
    strangers = {**spanish, "Referer": "https://evil.example/help"}
    assert "evil.example" not in client.post("/help", headers=strangers).text


def test_another_address_is_the_accounts_once_it_is_confirmed_there(app, people, mail, run_jobs):
    person, other = people.make(), people.make()
    own, elsewhere = browser_of(app, person), browser_of(app, person)
    wish = {"email": "Asha@New.example", "password": PASSWORD}
    own.get("/settings")
    assert own.send("/settings/address", **{**wish, "password": NEW}).status_code == 422
    assert "This is not your present password." in own.body
    assert 'value="Asha@New.example"' in own.body
    assert own.send("/settings/address", **{**wish, "email": person.email}).status_code == 422
    asked = own.send("/settings/address", **wish).headers["Location"]
    assert "on its way to asha@new.example" in own.get(asked).text
    # Of an address that is taken only its owner is told.
    taken = own.send("/settings/address", email=other.email, password=PASSWORD)
    assert taken.headers["Location"].startswith("/settings?asked=")
    run_jobs()
    link = re.search(r"/settings/address/confirm\?token=(\S+)", mail.to("asha@new.example")[0].text)
    assert "has an account" in mail.to(other.email)[0].subject
    assert "asha@new.example" in mail.to(person.email)[0].text
    anybody = Browser(app.test_client())
    page = anybody.get(link[0])
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    own.get(link[0])
    assert "Your address is changed" in own.send("/settings/address/confirm", token=link[1]).text
    # Whoever confirms stays signed in; every other session is over, and the link is used up.
    assert "You sign in with asha@new.example" in own.get("/settings").text
    assert elsewhere.get("/settings").status_code == 303
    again = anybody.send("/settings/address/confirm", token=link[1])
    assert (again.status_code, "Otherwise your address is as it was" in again.text) == (422, True)
    signed = filled(anybody, "/sign-in", email="asha@new.example", password=PASSWORD)
    assert signed.status_code == 303
    run_jobs()
    assert "has another e-mail address" in mail.to(person.email)[-1].subject


def test_what_was_typed_outlives_the_session_that_it_was_typed_in(app, people, place):
    person = people.make("trainee")
    own, ours = browser_of(app, person), {"Origin": "http://localhost"}
    wish = {"first_day": str(FIRST_DAY), "weeks": "4", "note": "What I would like to learn there."}
    own.get("/settings")
    marks, hold = own.hidden, f"/listings/{place.listing_id}/hold"
    own.send("/sign-out")
    # Another site's form is kept for nobody.
    assert own.client.post(hold, data={**wish, **marks}).status_code == 303
    stopped = own.client.post(hold, data={**wish, **marks}, headers=ours)
    own._seen(stopped)
    assert (stopped.status_code, "What you typed is kept" in own.body) == (401, True)
    kept = unescape(re.search(r'name="kept" value="([^"]*)"', own.body)[1])
    mine = {"email": person.email, "next": "/rotations", "kept": kept}
    assert 'name="kept"' in own.send("/sign-in", **mine, password=NEW).text
    signed = own.send("/sign-in", **mine, password=PASSWORD)
    assert (signed.status_code, "You are signed in again" in own.body) == (200, True)
    assert f'action="{hold}"' in own.body
    assert "<blockquote>What I would like to learn there.</blockquote>" in own.body
    for name, text in wish.items():
        assert f'<input type="hidden" name="{name}" value="{text}">' in own.body
    # A form that was drawn for the session before is not taken, and not lost either.
    stale = own.client.post(hold, data={**wish, **marks}, headers=ours)
    assert (stale.status_code, f'action="{hold}"' in stale.text) == (403, True)
    secret = {"current": PASSWORD, "new": NEW, **marks}
    assert PASSWORD not in own.client.post("/settings/password", data=secret, headers=ours).text


def test_what_the_database_would_know_is_not_asked_of_it_while_it_is_away(app, people, monkeypatch):
    own = browser_of(app, people.make("trainee"))

    def away(*_: object, **_named: object) -> None:
        raise OperationalError("SELECT", {}, ConnectionError("the server is gone"))

    own.get("/settings")
    monkeypatch.setattr(setting.AccountDatastore, "find_user", away)
    kept = {"name": "Asha", "locale": "es", **own.hidden}
    stopped = own.client.post("/settings", data=kept, headers={"Origin": "http://localhost"})
    assert (stopped.status_code, stopped.mimetype) == (503, "text/html")
    assert stopped.headers["Retry-After"]
    assert 'href="/sign-in"' not in stopped.text
    # The very same form, should it have been taken after all.
    assert f'name="once" value="{kept["once"]}"' in stopped.text
    assert '<input type="hidden" name="locale" value="es">' in stopped.text
