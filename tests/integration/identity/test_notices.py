from datetime import timedelta
from uuid import uuid4

import pytest
from jinja2 import UndefinedError
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import edge
from marketplace.core.errors import NotFound, Unavailable
from marketplace.core.ports import Mailer, ObjectStore
from marketplace.identity import tasks
from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.models import Notice
from marketplace.identity.service import notices

BOOKED = {
    "listing_title": "Inpatient medicine",
    "site_name": "Mercy General",
    "first_day": "2027-01-04",
    "last_day": "2027-01-29",
    "paid": {"amount": 125000, "currency": "USD"},
    "booking_id": "b1",
}


class NoServer:
    def send(self, message):
        raise Unavailable("the mail server does not answer")


class Files:
    def __init__(self, **content):
        self.content = {key.replace("__", "/"): value for key, value in content.items()}

    def get(self, key):
        if key not in self.content:
            raise NotFound
        return self.content[key]


def send_again(app, sessions, notice):
    from marketplace.adapters.queue import Context

    context = Context(app.extensions["marketplace.parts"], sessions)
    tasks.send_notice(context, str(notice.id))


def test_a_notice_goes_out_with_its_attachment(session, people, parts, clock, mail, run_jobs):
    person = people.make(locale="es")
    parts.add(ObjectStore, Files(**{"receipts__r-1.pdf": b"%PDF-1.7"}))
    with edge(session):
        notices.notify(
            session, person.id, "booking_confirmed", BOOKED, ["receipts/r-1.pdf"], now=clock.now()
        )
    assert mail.sent == []
    run_jobs()
    (message,) = mail.to(person.email)
    assert message.subject == "Su rotación está confirmada: Inpatient medicine"
    assert "del 4 de enero de 2027 al 29 de enero de 2027" in message.text
    assert "1.250,00 USD" in message.text
    (file,) = message.attachments
    assert (file.filename, file.media_type, file.content) == (
        "r-1.pdf",
        "application/pdf",
        b"%PDF-1.7",
    )


def test_a_rollback_sends_nothing(session, people, clock, mail, run_jobs):
    person = people.make()
    with pytest.raises(RuntimeError), edge(session):
        notices.notify(session, person.id, "password_changed", {}, now=clock.now())
        raise RuntimeError
    assert run_jobs() == 0
    assert session.query(Notice).count() == 0


@pytest.mark.fault(38)
def test_the_job_run_twice_sends_once(app, sessions, session, people, clock, mail, run_jobs):
    person = people.make()
    with edge(session):
        notice = notices.notify(session, person.id, "password_changed", {}, now=clock.now())
    run_jobs()
    send_again(app, sessions, notice)
    assert len(mail.sent) == 1


@pytest.mark.fault(38)
def test_a_message_sent_twice_has_one_id(app, sessions, session, people, clock, mail, run_jobs):
    """The process died after the server took the message, before that was written down."""
    person = people.make()
    with edge(session):
        notice = notices.notify(session, person.id, "password_changed", {}, now=clock.now())
    run_jobs()
    session.refresh(notice)
    with edge(session):
        notice.state, notice.sent_at = "queued", None
    send_again(app, sessions, notice)
    assert len(mail.sent) == 2
    assert {message.message_id for message in mail.sent} == {f"<{notice.id}@marketplace.test>"}


def test_a_server_that_does_not_answer_is_noted_and_tried_again(
    app, sessions, session, people, parts, clock, mail
):
    person = people.make()
    with edge(session):
        notice = notices.notify(
            session, person.id, "confirm", {}, now=clock.now(), secret={"token": "t"}
        )
    parts.add(Mailer, NoServer())
    for _ in range(2):
        with pytest.raises(Unavailable):
            send_again(app, sessions, notice)
    session.refresh(notice)
    assert (notice.state, notice.attempts) == ("queued", 2)
    assert "does not answer" in notice.failure
    parts.add(Mailer, mail)
    send_again(app, sessions, notice)
    session.refresh(notice)
    assert (notice.state, notice.attempts, notice.secret) == ("sent", 3, None)
    assert notice.failure is None


def test_after_the_last_attempt_it_has_failed(app, sessions, session, people, parts, clock):
    person = people.make()
    with edge(session):
        notice = notices.notify(session, person.id, "password_changed", {}, now=clock.now())
    parts.add(Mailer, NoServer())
    for _ in range(tasks.SENDING.attempts):
        with pytest.raises(Unavailable):
            send_again(app, sessions, notice)
    session.refresh(notice)
    assert notice.state == "failed"


def test_an_operator_sees_what_failed_and_sends_it_again(
    app, client, sessions, session, people, clock, mail, run_jobs
):
    operator, person = people.make("operator"), people.make()
    with edge(session):
        plain = notices.notify(session, person.id, "password_changed", {}, now=clock.now())
        link = notices.notify(
            session, person.id, "confirm", {}, now=clock.now(), secret={"token": "t"}
        )
        plain.state = link.state = "failed"
        plain.failure, link.secret = "Unavailable: gone", None
    run_jobs()
    assert mail.sent == []
    route = "/api/v1/operator/notices"
    listed = client.get(f"{route}?state=failed&limit=1", headers=operator.headers).json
    rest = client.get(
        f"{route}?state=failed&cursor={listed['next_cursor']}", headers=operator.headers
    ).json
    found = {row["id"]: row for row in listed["items"] + rest["items"]}
    assert found[str(plain.id)]["failure"] == "Unavailable: gone"
    assert not {"data", "secret"} & set(found[str(link.id)])
    mine = client.get(f"{route}?account_id={operator.id}", headers=operator.headers).json
    assert mine["items"] == []

    def send(notice):
        return client.post(f"{route}/{notice.id}/send", headers=operator.headers)

    assert send(plain).status_code == 202
    assert send(plain).json["code"] == "notice_not_failed"
    assert send(link).json["code"] == "notice_stale"
    run_jobs()
    assert [message.subject for message in mail.to(person.email)] == ["Your password was changed"]
    assert client.post(f"{route}/{uuid4()}/send", headers=operator.headers).status_code == 404
    assert client.get(route, headers=person.headers).status_code == 403


def test_what_could_not_be_sent_keeps_no_secret_for_long(
    app, sessions, session, people, clock, worker_app
):
    from marketplace.adapters.queue import Context

    person = people.make()
    with edge(session):
        notice = notices.notify(
            session, person.id, "confirm", {}, now=clock.now(), secret={"token": "t"}
        )
    context = Context(app.extensions["marketplace.parts"], sessions)
    clock.advance(tasks.KEEP_SECRETS)
    tasks.forget_secrets(context)
    session.refresh(notice)
    assert notice.secret == {"token": "t"}
    clock.advance(timedelta(seconds=1))
    tasks.forget_secrets(context)
    session.refresh(notice)
    assert (notice.secret, notice.state) == (None, "failed")


def test_mistakes_are_found_where_the_notice_is_asked_for(session, people, clock):
    person = people.make()
    with pytest.raises(TemplateUnknown), edge(session):
        notices.notify(session, person.id, "no_such", {}, now=clock.now())
    with pytest.raises(UndefinedError), edge(session):
        notices.notify(session, person.id, "booking_confirmed", {}, now=clock.now())
    with pytest.raises(NotFound), edge(session):
        notices.notify(session, uuid4(), "password_changed", {}, now=clock.now())


def test_somebody_without_an_account_is_written_to(session, clock, mail, run_jobs):
    with edge(session):
        notices.notify_address(
            session,
            "dr@example.org",
            "confirm",
            {},
            now=clock.now(),
            name="Dr. Lee",
            secret={"token": "only-for-them"},
        )
    run_jobs()
    (message,) = mail.to("dr@example.org")
    assert message.text.startswith("Hello Dr. Lee,")
    assert "only-for-them" in message.text


def test_the_database_keeps_no_secret_of_a_sent_notice(session, people, clock):
    person = people.make()
    with pytest.raises(IntegrityError, match="ck_notice_secret"), edge(session):
        notice = notices.notify(
            session, person.id, "confirm", {}, now=clock.now(), secret={"token": "t"}
        )
        notice.state, notice.sent_at = "sent", clock.now()
        session.flush()
