"""How people want to be written to is kept to; what must be sent is sent."""

import re
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.queue import Context
from marketplace.app import sessions_of
from marketplace.core.db import edge
from marketplace.core.ports import AddressRefused, Mailer
from marketplace.identity import tasks
from marketplace.identity.models import NoticePreference, RefusedAddress
from marketplace.identity.queries import contact
from marketplace.identity.queries import notices as queries
from marketplace.identity.service import notices

EXPIRES = {"document": "TB test", "expires_on": "2027-02-11", "document_id": "d1"}
PREFERENCES = "/api/v1/me/notice-preferences"


class Refusing:
    def send(self, message):
        raise AddressRefused("550 no such mailbox")


@pytest.fixture
def remind(session, clock):
    def ask(person, template="document_expires", data=EXPIRES):
        with edge(session):
            return notices.notify(session, person.id, template, data, now=clock.now())

    return ask


def test_what_is_not_wanted_is_not_sent_and_the_record_says_so(
    client, people, mail, run_jobs, remind
):
    person = people.make()
    shown = client.get(PREFERENCES, headers=person.headers).json
    assert shown == {
        "choices": {"messages": "each", "reminders": "each", "news": "each", "surveys": "each"},
        "always": ["security", "money", "decisions"],
        "address_refused_at": None,
    }
    changed = client.patch(PREFERENCES, json={"reminders": "off"}, headers=person.headers)
    assert changed.json["choices"]["reminders"] == "off"
    assert changed.json["choices"]["news"] == "each"
    remind(person)
    remind(person, "password_changed", {})
    run_jobs()
    assert [one.subject for one in mail.to(person.email)] == ["Your password was changed"]
    listed = client.get("/api/v1/me/notices", headers=person.headers).json["items"]
    assert {row["template"]: row["state"] for row in listed} == {
        "document_expires": "off",
        "password_changed": "sent",
    }


def test_one_mail_a_day_for_who_wants_it_so(client, people, mail, run_jobs, remind, app, clock):
    job = Context(app.extensions["marketplace.parts"], sessions_of(app))

    def digests():
        for _ in range(2):
            tasks.send_digests(job)
        run_jobs()
        return [one for one in mail.to(person.email) if "for you today" in one.subject]

    person = people.make()
    client.patch(PREFERENCES, json={"reminders": "daily"}, headers=person.headers)
    clock.at = clock.at.replace(hour=3)
    for document in ("TB test", "passport"):
        remind(person, data={**EXPIRES, "document": document})
    remind(person, "password_changed", {})
    run_jobs()
    assert [one.subject for one in mail.to(person.email)] == ["Your password was changed"]
    assert digests() == []  # It is night.
    clock.advance(timedelta(hours=6))
    (found,) = digests()
    assert found.subject == "2 notices for you today"
    for words in ("TB test", "passport", "/documents/d1", "No more reminders: "):
        assert words in found.text
    states = client.get("/api/v1/me/notices", headers=person.headers).json["items"]
    assert [row["state"] for row in states if row["template"] == "document_expires"] == [
        "gathered",
        "gathered",
    ]
    remind(person)
    assert len(digests()) == 1  # One a day.
    clock.advance(timedelta(days=1))
    assert [one.subject for one in digests()] == [
        "2 notices for you today",
        "One notice for you today",
    ]
    stop = re.search(r"No more reminders: http://[^/]+(/\S+)", found.text)
    assert client.post(stop[1]).status_code < 400
    shown = client.get(PREFERENCES, headers=person.headers).json
    assert shown["choices"]["reminders"] == "off"


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"money": "off"}, "money"),
        ({"reminders": "never"}, "reminders"),
        ({"news": "brief"}, "news"),
    ],
)
def test_what_must_be_sent_can_not_be_switched_off(client, people, wishes, field):
    person = people.make()
    refused = client.patch(PREFERENCES, json=wishes, headers=person.headers)
    assert refused.status_code == 422
    assert field in str(refused.json["fields"])


@pytest.mark.parametrize(("kind", "choice"), [("money", "off"), ("news", "brief"), ("news", "x")])
def test_the_database_takes_no_other_wish(session, people, clock, kind, choice):
    person = people.make()
    with pytest.raises(IntegrityError, match="ck_notice_preference"), edge(session):
        session.add(
            NoticePreference(account_id=person.id, kind=kind, choice=choice, changed_at=clock.now())
        )


def test_one_click_ends_a_kind_and_a_look_ends_nothing(client, people, mail, run_jobs, remind):
    person = people.make(locale="es")
    remind(person)
    remind(person, "password_changed", {})
    run_jobs()
    by_subject = {one.subject: one for one in mail.to(person.email)}
    reminder = by_subject["Un documento suyo vence pronto: TB test"]
    assert by_subject["Su contraseña ha cambiado"].unsubscribe is None
    assert "No recibir más correos de este tipo" in reminder.text
    assert reminder.unsubscribe in reminder.text
    path = reminder.unsubscribe.removeprefix("http://marketplace.test")
    page = client.get(path, headers={"Accept": "text/html", "Accept-Language": "es"})
    assert "¿Dejar de recibir correos de este tipo?" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert client.get(PREFERENCES, headers=person.headers).json["choices"]["reminders"] == "each"
    for _ in range(2):
        # As mail programs send it (RFC 8058).
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.get(PREFERENCES, headers=person.headers).json["choices"]["reminders"] == "off"
    assert remind(person).state == "off"
    forged = re.sub(r"token=...", "token=abc", path)
    assert client.post(forged).status_code == 404
    assert client.get(forged).status_code == 404


def test_an_address_that_is_refused_for_good_is_left_alone_until_it_takes_mail(
    app, sessions, session, client, people, parts, mail, remind, run_jobs
):
    person = people.make()
    first = remind(person)
    parts.add(Mailer, Refusing())
    run_jobs()
    session.refresh(first)
    assert (first.state, first.failure, first.attempts) == ("refused", "550 no such mailbox", 1)
    assert client.get(PREFERENCES, headers=person.headers).json["address_refused_at"]
    assert remind(person).state == "off"
    parts.add(Mailer, mail)
    remind(person, "password_changed", {})
    run_jobs()
    assert session.get(RefusedAddress, person.email) is None
    assert remind(person).state == "queued"
    operator = people.make("operator")
    again = client.post(f"/api/v1/operator/notices/{first.id}/send", headers=operator.headers)
    assert again.status_code == 202


def test_many_are_asked_for_their_wishes_at_once(session, people, clock, count_queries, client):
    some = [people.make() for _ in range(3)]
    client.patch(PREFERENCES, json={"reminders": "off"}, headers=some[0].headers)
    contacts = [contact(session, person.id) for person in some]
    with edge(session), count_queries() as seen:
        notices.notify_all(session, contacts, "document_expires", EXPIRES, now=clock.now())
    assert len(seen) == 2
    page = queries.notices(session, state="off", account_id=None, limit=9, cursor=None)
    assert [one.account_id for one in page.items] == [some[0].id]


def test_one_reads_ones_mails_again_but_for_their_secrets(
    client, session, people, clock, run_jobs, remind
):
    person, other = people.make(), people.make()
    plain = remind(person)
    with edge(session):
        link = notices.notify(
            session, person.id, "confirm", {}, now=clock.now(), secret={"token": "t-1"}
        )
    run_jobs()
    route = f"/api/v1/me/notices/{plain.id}"
    shown = client.get(route, headers=person.headers).json
    assert shown["subject"] == "A document of yours expires soon: TB test"
    assert "February 11, 2027" in shown["text"]
    assert len(shown["version"]) == 12
    secret = client.get(f"/api/v1/me/notices/{link.id}", headers=person.headers).json
    assert (secret["text"], secret["subject"], secret["state"]) == (None, None, "sent")
    assert "t-1" not in str(secret)
    assert client.get(route, headers=other.headers).status_code == 404
    session.refresh(plain)
    with edge(session):
        plain.version = "anotherone00"
    assert client.get(route, headers=person.headers).json["text"] is None


def test_operators_see_each_notice_as_it_looks(client, people):
    operator, person = people.make("operator"), people.make()
    route = "/api/v1/operator/notices/templates"
    items = client.get(route, headers=operator.headers).json["items"]
    found = {one["name"]: one for one in items}
    assert found["payment_receipt"]["always"] is True
    assert found["document_expires"]["always"] is False
    assert set(found["confirm"]["versions"]) == {"en", "es"}
    page = client.get(f"{route}/booking_confirmed?locale=es", headers=operator.headers)
    assert "480,00 USD" in page.text
    assert page.headers["Content-Security-Policy"].endswith("sandbox")
    text = client.get(f"{route}/booking_starts_soon?form=text", headers=operator.headers)
    assert text.text.startswith("Your rotation begins soon")
    assert "Stop mails of this kind" in text.text
    assert client.get(f"{route}/no_such", headers=operator.headers).status_code == 404
    assert client.get(f"{route}/booking_confirmed", headers=person.headers).status_code == 403


def test_a_written_file_goes_out_with_the_mail(
    app, sessions, session, people, clock, mail, run_jobs
):
    person = people.make()
    calendar = notices.TextFile("rotation.ics", "text/calendar; method=PUBLISH", "BEGIN:VCALENDAR")
    with edge(session):
        notice = notices.notify(
            session,
            person.id,
            "document_expires",
            EXPIRES,
            now=clock.now(),
            files=[calendar],
            headers={"Reply-To": "x@reply.example"},
        )
    run_jobs()
    (message,) = mail.to(person.email)
    assert message.headers == {"Reply-To": "x@reply.example"}
    (file,) = message.attachments
    assert (file.filename, file.content) == ("rotation.ics", b"BEGIN:VCALENDAR")
    tasks.send_notice(Context(app.extensions["marketplace.parts"], sessions), str(notice.id))
    assert len(mail.sent) == 1
