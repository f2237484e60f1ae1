"""Erasing a person's files: those of messages too, while the messages stay as they were written."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.object_store import FileStore
from marketplace.adapters.queue import Context
from marketplace.app import sessions_of
from marketplace.booking import tasks
from marketplace.booking.service import mailed_files
from marketplace.compliance.gateway import DocumentVault
from marketplace.core.errors import Unavailable
from marketplace.core.ports import ObjectStore
from tests.integration.booking import test_messages
from tests.integration.booking.test_messages import API, PDF

# The same people and thread.
talk = test_messages.talk


def put(talk, who):
    file_id = uuid4()
    sent = {"data": PDF, "headers": {**who.headers, "Content-Type": "application/pdf"}}
    answer = talk.client.put(f"{talk.path}/files/{file_id}?filename=passport.pdf", **sent)
    assert answer.status_code == 200, answer.json
    return str(file_id)


def erase(talk, who, path, **sent):
    answer = talk.client.post(f"{API}{path}/documents/erasure", headers=who.headers, **sent)
    assert answer.status_code == 200, answer.json
    return answer.json["also"]


def test_files_of_messages_are_erased_with_a_persons_documents(talk, session, parts, run_jobs):
    store = FileStore("memory://")
    parts.add(ObjectStore, store)
    sent, unsent, hosts = put(talk, talk.trainee), put(talk, talk.trainee), put(talk, talk.host)
    talk.say(talk.trainee, "My passport.", file_ids=[sent])
    talk.say(talk.host, "The map.", file_ids=[hosts])
    rows = session.execute(text("SELECT object_key, sealed_key FROM message_file")).all()
    copies = {key: store.get(key) for key, _ in rows}
    session.rollback()

    # Their booking is under way: what was sent for it is needed.
    own = erase(talk, talk.trainee, "")
    assert own == [{"what": "message_files", "erased": 0, "kept": 2}]
    operator = talk.people.make("operator")
    path = f"/operator/accounts/{talk.trainee.id}"
    for erased in (2, 0):
        done = erase(talk, operator, path, json={"reason": "Asked by letter."})
        assert done == [{"what": "message_files", "erased": erased, "kept": 0}]
    run_jobs()
    assert len(store.keys("documents")) == 1

    # Neither a copy of the store nor one of the database as it is opens them.
    left = session.execute(text("SELECT sealed_key FROM message_file")).scalars().all()
    session.rollback()
    (kept,) = [key for key in left if key is not None]
    gone = [key for key, sealed in rows if bytes(sealed) != bytes(kept)]
    for label in gone:
        with pytest.raises(Unavailable):
            list(parts.get(DocumentVault).open(label, bytes(kept), [copies[label]]))
    for who in (talk.trainee, talk.host):
        assert talk.link(who, sent, 409)["code"] == "file_gone"
    assert talk.read(talk.trainee, hosts).data == PDF
    refused = talk.say(talk.trainee, "Again.", 422, file_ids=[unsent])
    assert refused["code"] == "file_not_there"

    # That it was written, and with which file, stays.
    page = talk.call(talk.host, "GET")["items"]
    assert [one["body"] for one in page] == ["The map.", "My passport."]
    (file,) = page[1]["files"]
    assert (file["filename"], file["gone_at"] is None) == ("passport.pdf", False)
    assert page[0]["files"][0]["gone_at"] is None
    trail = session.execute(
        text("SELECT detail FROM audit_entry WHERE action = 'message_files.erased'")
    ).scalars()
    assert list(trail) == [{"files": 2, "reason": "Asked by letter."}]
    for change in (
        "UPDATE message_file SET filename = 'x' WHERE gone_at IS NULL",
        "UPDATE message_file SET sealed_key = '', gone_at = NULL WHERE gone_at IS NOT NULL",
        "UPDATE message_file SET sealed_key = NULL, gone_at = now(), size = 1",
        "DELETE FROM message_file",
    ):
        with pytest.raises(IntegrityError, match="history"), session.begin_nested():
            session.execute(text(change))


def test_once_the_booking_is_over_its_trainee_erases_them_alone(talk, parts):
    parts.add(ObjectStore, FileStore("memory://"))
    talk.say(talk.trainee, "My passport.", file_ids=[put(talk, talk.trainee)])
    path = f"{API}/bookings/{talk.booking}"
    headers = talk.trainee.headers
    quote = talk.client.post(f"{path}/cancellation-quote", json={}, headers=headers)
    assert quote.status_code == 200, quote.json
    done = talk.client.post(
        f"{path}/cancel", json={"quote": quote.json["quote"], "reason": "Ill."}, headers=headers
    )
    assert done.status_code == 200, done.json
    assert erase(talk, talk.trainee, "") == [{"what": "message_files", "erased": 1, "kept": 0}]


def test_what_is_put_there_and_not_sent_goes_after_a_week(talk, parts, app, monkeypatch):
    parts.add(ObjectStore, FileStore("memory://"))
    monkeypatch.setattr(mailed_files, "MOST_UNSENT", 2)
    sent, unsent = put(talk, talk.trainee), put(talk, talk.trainee)
    full = {"data": PDF, "headers": {**talk.trainee.headers, "Content-Type": "application/pdf"}}
    more = talk.client.put(f"{talk.path}/files/{uuid4()}?filename=a.pdf", **full)
    assert (more.status_code, more.json["code"]) == (409, "too_many_files")
    again = talk.client.put(f"{talk.path}/files/{unsent}?filename=passport.pdf", **full)
    assert again.status_code == 200
    talk.say(talk.trainee, "My passport.", file_ids=[sent])
    job = Context(app.extensions["marketplace.parts"], sessions_of(app))
    tasks.tidy_files(job)
    assert talk.read(talk.trainee, unsent).data == PDF
    talk.stage.clock.advance(timedelta(days=8))
    tasks.tidy_files(job)
    assert talk.link(talk.trainee, unsent, 409)["code"] == "file_gone"
    assert talk.read(talk.host, sent).data == PDF
