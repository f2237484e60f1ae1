"""Messages: who reads and writes them, that they stay, and that they are answered by mail."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.reply_signer import signed
from marketplace.booking import queries
from marketplace.booking.gateway import ReplySigner
from marketplace.booking.rules.replies import LARGEST
from marketplace.booking.service import file_links, mailed_files, messages
from marketplace.compliance.errors import LinkUsed
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.service.files import Stored
from tests.settings import ENVIRONMENT

API = "/api/v1"
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@pytest.fixture
def talk(client, stage, people):
    place = stage.place()
    trainee = people.trainee(visa_type="b1_b2")
    host = people.make("coordinator", site_id=place.site_id, name="Cora Diaz")
    booking = stage.confirmed(place, trainee.id)
    path = f"{API}/bookings/{booking}/messages"

    def call(who, method, where="", status=200, **sent):
        answer = client.open(f"{path}{where}", method=method, headers=who.headers, **sent)
        assert answer.status_code == status, (answer.status_code, answer.get_data())
        return answer.get_json(silent=True)

    def say(who, body="When do we meet?", status=201, **more):
        return call(who, "POST", "", status, json={"body": body, **more})

    def link(who, file_id, status=201):
        """The path of a link to a file; the whole answer where there is none."""
        found = call(who, "POST", f"/files/{file_id}/links", status)
        return found["url"].partition(API)[2] if status == 201 else found

    def read(who, file_id):
        return client.get(API + link(who, file_id))

    return SimpleNamespace(
        place=place, trainee=trainee, host=host, booking=booking, path=path, call=call, say=say,
        client=client, people=people, stage=stage, link=link, read=read,
    )  # fmt: skip


def reply_address(mail, address):
    return mail.to(address)[-1].headers["Reply-To"]


def hand_on(talk, to, content, *, secret=ENVIRONMENT["INBOUND_MAIL_SECRET"], at=None):
    # Signatures keep real time, wherever the domain's clock is.
    stamp = str(int(at or time.time()))
    return talk.client.post(
        f"{API}/mail/replies",
        query_string={"to": to},
        data=content,
        headers={
            "Content-Type": "message/rfc822",
            "Mail-Signature": f"{stamp}.{signed(secret, stamp, content)}",
        },
    )


def a_mail(sender, body="At seven.\n\n> -- Reply above this line --\n> Hello", **headers):
    head = {"From": sender, "Message-ID": f"<{uuid4()}@x>", "Subject": "Re: x", **headers}
    return ("\r\n".join(f"{k}: {v}" for k, v in head.items()) + "\r\n\r\n" + body).encode()


def test_both_sides_write_and_see_who_has_read(talk, mail, run_jobs):
    first = talk.say(talk.trainee)
    assert (first["number"], first["role"], first["read_by"]) == (1, "trainee", [])
    run_jobs()
    (told,) = [
        one for one in mail.to(talk.host.email) if "ha" in one.text or "written" in one.text
    ][-1:]
    assert "When do we meet?" in told.text
    assert "-- Reply above this line --" in told.text
    assert (
        talk.client.get(f"{API}/me/messages", headers=talk.host.headers).json["items"][0]["unread"]
        == 1
    )
    talk.call(talk.host, "PUT", "/read", 204, json={"number": 1})
    talk.call(talk.host, "PUT", "/read", 204, json={"number": 1})
    second = talk.say(talk.host, "At seven.")
    page = talk.call(talk.trainee, "GET", "?limit=1")
    assert [one["id"] for one in page["items"]] == [second["id"]]
    older = talk.call(talk.trainee, "GET", f"?limit=1&cursor={page['next_cursor']}")["items"]
    assert older[0]["read_by"] == [str(talk.host.id)]
    found = talk.client.get(f"{API}/me/messages?unread=true", headers=talk.host.headers).json
    assert found["items"] == []


def test_nobody_else_knows_of_a_thread(talk):
    talk.say(talk.trainee)
    rival = talk.people.make("coordinator", site_id=talk.stage.place().site_id)
    preceptor = talk.people.make("preceptor", site_id=talk.place.site_id)
    for who in (rival, preceptor, talk.people.trainee()):
        for method, where in (("GET", ""), ("POST", ""), ("PUT", "/read")):
            sent = (
                {} if method == "GET" else {"json": {"body": "x"} if not where else {"number": 1}}
            )
            talk.call(who, method, where, 404, **sent)
    assert talk.client.get(talk.path).status_code == 401


def test_an_operator_joins_in_the_open(talk, mail, run_jobs):
    talk.say(talk.trainee)
    operator = talk.people.make("operator")
    assert talk.call(operator, "GET", "", 403)["code"] == "not_joined"
    assert talk.say(operator, status=403)["code"] == "not_joined"
    joined = talk.call(operator, "POST", "/presence", 201)
    assert talk.call(operator, "POST", "/presence", 201)["id"] == joined["id"]
    assert (joined["kind"], joined["role"], joined["number"]) == ("joined", "operator", 2)
    assert talk.call(talk.trainee, "GET")["items"][0]["kind"] == "joined"
    assert talk.say(operator, "May I help?")["role"] == "operator"
    talk.call(talk.host, "POST", "/presence", 403)
    talk.say(talk.host, "Thank you.")
    run_jobs()
    assert "Thank you." in mail.to(operator.email)[-1].text


def test_what_was_written_stays(talk, session):
    talk.say(talk.trainee)
    for change in ("UPDATE booking_message SET body = 'x'", "DELETE FROM booking_message"):
        with pytest.raises(IntegrityError, match="history"), session.begin_nested():
            session.execute(text(change))


def test_one_who_wants_it_brief_is_not_told_the_words(talk, mail, run_jobs):
    run_jobs()
    for choice in ("brief", "off"):
        talk.client.patch(
            f"{API}/me/notice-preferences", json={"messages": choice}, headers=talk.host.headers
        )
        before = len(mail.to(talk.host.email))
        talk.say(talk.trainee, "A secret word")
        run_jobs()
        new = mail.to(talk.host.email)[before:]
        assert len(new) == (1 if choice == "brief" else 0)
        assert all("A secret word" not in one.text for one in new)


def test_each_is_told_once_however_often_the_job_runs(talk, mail, run_jobs, stage, parts):
    said = talk.say(talk.trainee)
    run_jobs()
    before = len(mail.sent)
    with stage.transaction() as session:
        messages.tell(session, parts.get(ReplySigner), UUID(said["id"]), stage.now)
    run_jobs()
    assert len(mail.sent) == before


def test_a_host_is_not_written_to_about_a_seat_that_is_only_held(talk):
    other = talk.people.trainee(visa_type="b1_b2")
    place = talk.stage.place()
    booking = talk.stage.hold(other.id, place)
    route = f"{API}/bookings/{booking}/messages"
    answer = talk.client.post(route, json={"body": "x"}, headers=other.headers)
    assert answer.json["code"] == "not_open_for_this"
    # Nor once it was given up, or a payment was begun that may never come.
    talk.client.post(f"{API}/bookings/{booking}/payments", json={}, headers=other.headers)
    answer = talk.client.post(route, json={"body": "x"}, headers=other.headers)
    assert answer.json["code"] == "not_open_for_this"
    talk.client.post(f"{API}/bookings/{booking}/withdraw", json={}, headers=other.headers)
    answer = talk.client.post(route, json={"body": "x"}, headers=other.headers)
    assert answer.json["code"] == "not_open_for_this"


def test_thirty_in_an_hour_are_enough(talk):
    for number in range(messages.MOST_AN_HOUR):
        talk.say(talk.trainee, f"{number}")
    assert talk.say(talk.trainee, status=409)["code"] == "too_many_messages"
    talk.stage.clock.advance(timedelta(hours=1))
    talk.say(talk.trainee)


def test_an_answer_by_mail_is_a_message(talk, mail, run_jobs):
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    content = a_mail(f"Cora <{talk.host.email.upper()}>")
    assert hand_on(talk, to.upper(), content).json == {"outcome": "posted"}
    assert hand_on(talk, to, content).json == {"outcome": "repeated"}
    newest = talk.call(talk.trainee, "GET")["items"][0]
    assert (newest["body"], newest["by_mail"], newest["role"]) == ("At seven.", True, "host")
    run_jobs()
    assert "At seven." in mail.to(talk.trainee.email)[-1].text


def test_programs_are_not_answered_and_forged_senders_are_told_of(talk, mail, run_jobs):
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    away = a_mail(talk.host.email, **{"Auto-Submitted": "auto-replied"})
    assert hand_on(talk, to, away).json == {"outcome": "ignored"}
    forged = a_mail("evil@example.org")
    before = len(mail.sent)
    assert hand_on(talk, to, forged).json == {"outcome": "refused"}
    run_jobs()
    (told,) = mail.sent[before:]
    assert told.to == talk.host.email
    assert "another address than that of your account" in told.text
    assert hand_on(talk, to, a_mail(talk.host.email, "> quoted")).json == {"outcome": "refused"}
    assert len(talk.call(talk.trainee, "GET")["items"]) == 1


def test_only_our_mail_server_hands_on_and_only_to_addresses_of_ours(talk, mail, run_jobs):
    talk.say(talk.trainee)
    run_jobs()
    to, content = reply_address(mail, talk.host.email), a_mail(talk.host.email)
    assert hand_on(talk, to, content, secret="another").json["code"] == "mail_not_ours"
    old = time.time() - 301
    assert hand_on(talk, to, content, at=old).status_code == 403
    for strange in ("r.aaaa@reply.marketplace.test", to.replace("r.", "r.a", 1), "x@y", "r.é@x"):
        assert hand_on(talk, strange, content).status_code == 404
    for wrong in ("", "x", "1.", "9" * 400 + ".a", "١.x"):
        answer = talk.client.post(
            f"{API}/mail/replies?to=x@y", data=b"x", headers={"Mail-Signature": wrong.encode()}
            if wrong.isascii() else {},
        )  # fmt: skip
        assert answer.status_code == 403
    with talk.stage.transaction() as session:
        session.execute(
            text("UPDATE membership SET revoked_at = now() WHERE account_id = :id"),
            {"id": talk.host.id},
        )
    assert hand_on(talk, to, content).status_code == 404


def test_a_mail_that_is_too_large_is_refused(talk, mail, run_jobs):
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    assert hand_on(talk, to, a_mail(talk.host.email, "a" * LARGEST)).status_code == 413


def test_a_file_is_inspected_sent_once_and_read_by_the_others_only(talk, session):
    file_id = uuid4()
    where = f"/files/{file_id}?filename=map.pdf"
    sent = {"data": PDF, "content_type": "application/pdf"}
    assert talk.call(talk.host, "PUT", where, **sent)["size"] == len(PDF)
    talk.call(talk.host, "PUT", where, **sent)
    other = {"data": PDF + b"%more\n%%EOF\n", "content_type": "application/pdf"}
    assert talk.call(talk.host, "PUT", where, 409, **other)["code"] == "file_id_taken"
    page = {"data": b"<html>", "content_type": "application/pdf"}
    assert talk.call(talk.host, "PUT", f"/files/{uuid4()}?filename=a.pdf", 422, **page)
    talk.link(talk.trainee, file_id, 404)
    assert talk.say(talk.trainee, status=422, file_ids=[str(file_id)])["code"] == "file_not_there"
    message = talk.say(talk.host, file_ids=[str(file_id)])
    assert [one["filename"] for one in message["files"]] == ["map.pdf"]
    answer = talk.read(talk.trainee, file_id)
    assert answer.data == PDF
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert talk.say(talk.host, status=422, file_ids=[str(file_id)])["code"] == "file_not_there"
    rows = session.execute(
        text("SELECT count(*) FROM audit_entry WHERE action = 'message_file.read'")
    ).scalar_one()
    assert rows == 1


def test_a_file_is_read_once_soon_and_by_who_is_still_in_the_thread(talk, session):
    file_id = uuid4()
    sent = {"data": PDF, "content_type": "application/pdf"}
    talk.call(talk.trainee, "PUT", f"/files/{file_id}?filename=a.pdf", **sent)
    talk.say(talk.trainee, file_ids=[str(file_id)])

    def get(link, method="GET"):
        return talk.client.open(API + link, method=method)

    def readings():
        return session.execute(
            text("SELECT actor_id FROM audit_entry WHERE action = 'message_file.read' ORDER BY id")
        ).scalars().all()  # fmt: skip

    # Being signed in opens nothing: there is no other way than the link.
    old = talk.client.get(f"{talk.path}/files/{file_id}", headers=talk.host.headers)
    assert old.status_code == 405
    talk.link(talk.people.trainee(), file_id, 404)
    talk.link(talk.people.make("operator"), file_id, 403)
    link = talk.link(talk.host, file_id)
    looked = get(link, "HEAD")
    assert (looked.status_code, looked.content_length, readings()) == (200, len(PDF), [])
    assert get(link).data == PDF
    assert get(link).json["code"] == "link_used"
    assert readings() == [talk.host.id]
    assert get(link[:-2] + "AA").status_code == 404

    late = talk.link(talk.host, file_id)
    talk.stage.clock.advance(timedelta(minutes=2))
    assert get(late).json["code"] == "link_expired"

    mine, theirs = talk.link(talk.trainee, file_id), talk.link(talk.host, file_id)
    with talk.stage.transaction() as changed:
        changed.execute(
            text("UPDATE membership SET revoked_at = now() WHERE account_id = :id"),
            {"id": talk.host.id},
        )
    assert get(theirs).status_code == 404
    assert get(mine).data == PDF
    assert readings() == [talk.host.id, talk.trainee.id]


def test_a_page_takes_the_same_statements_whatever_its_size(talk, count_queries):
    def looks(path):
        with count_queries() as seen:
            assert talk.client.get(path, headers=talk.trainee.headers).status_code == 200
        return len(seen)

    def both():
        return looks(f"{talk.path}?limit=100"), looks(f"{API}/me/messages")

    talk.say(talk.trainee)
    talk.say(talk.host)
    talk.call(talk.trainee, "PUT", "/read", 204, json={"number": 1})
    both()
    one = both()
    for number in range(20):
        talk.say((talk.trainee, talk.host)[number % 2], f"{number}")
    assert both() == one
    assert max(one) <= 6


def test_two_at_once_get_two_numbers(live_stage, live):
    stage = live_stage
    booking_id = stage.confirmed(stage.place())
    trainee = stage.booking(booking_id).trainee_id

    def write(number):
        with live.transaction() as session:
            booking = queries.find(session, booking_id)
            return messages.post(
                session, booking, author_id=trainee, role="trainee", body=str(number),
                now=stage.now,
            ).number  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        numbers = sorted(pool.map(write, range(16)))
    assert numbers == list(range(1, 17))


def test_of_many_who_use_a_link_at_once_one_reads(live_stage, live):
    stage, signer = live_stage, live.parts.get(LinkSigner)
    booking_id = stage.confirmed(stage.place())
    trainee = stage.booking(booking_id).trainee_id
    stored = Stored("documents/a/b", b"key", b"0" * 32, 1, "application/pdf")
    file = mailed_files.made(stored, uuid4(), booking_id, trainee, "a.pdf", stage.now)
    with live.transaction() as session:
        mailed_files.keep(session, file)
        link = file_links.ask(session, signer, booking_id, file.id, trainee, stage.now)

    def read(_):
        try:
            with live.transaction() as session:
                file_links.read(session, signer, link.token, stage.now)
        except LinkUsed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(read, range(8))) == 1
    with live.transaction() as session:
        readings = "SELECT count(*) FROM audit_entry WHERE action = 'message_file.read'"
        assert session.execute(text(readings)).scalar_one() == 1
