"""The mail sink's folder and its pages, without a network."""

import json
import threading
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from marketplace.embedded.mail_sink.http import View
from marketplace.embedded.mail_sink.store import MessageStore


@pytest.fixture
def store(tmp_path: Path) -> MessageStore:
    return MessageStore(tmp_path / "messages")


def letter(subject: str = "Receipt", *, html: str = "", attachment: bytes = b"") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.org", "shown@y.org", subject
    message.set_content("Plain text\n")
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        message.add_attachment(
            attachment, maintype="application", subtype="pdf", filename="Reçu 1.pdf"
        )
    return message.as_bytes()


def test_the_envelope_counts_not_the_header(store: MessageStore):
    store.add("a@x.org", ["Real@y.org", "second@y.org"], letter())
    assert [found.recipients for found in store.find(to="real@y.org")] == [
        ["Real@y.org", "second@y.org"]
    ]
    assert store.find(to="shown@y.org") == []


def test_newest_first_and_since(store: MessageStore):
    first, second, third = (store.add(None, ["a@y.org"], letter(f"n{n}")) for n in range(3))
    assert [found.id for found in store.find()] == [third, second, first]
    assert [found.id for found in store.find(since=first)] == [third, second]
    assert [found.id for found in store.find(subject="N1")] == [second]
    assert len(store.find(limit=2)) == 2


def test_messages_outlive_the_process_and_halves_do_not(store: MessageStore):
    kept = store.add(None, ["a@y.org"], letter())
    (store.directory / "1-1.partial").write_text("half")
    again = MessageStore(store.directory)
    assert again.ids() == [kept]
    assert [path.suffix for path in store.directory.iterdir()] == [".eml"]


def test_a_waiter_is_told_at_once(store: MessageStore):
    sender = threading.Timer(0.2, store.add, (None, ["b@y.org"], letter()))
    sender.start()
    begun = time.monotonic()
    assert len(store.wait(10, to="b@y.org")) == 1
    assert time.monotonic() - begun < 5
    sender.join()
    assert store.wait(0.05, to="nobody@y.org") == []


def test_a_name_with_a_path_is_no_message(store: MessageStore):
    (store.directory.parent / "outside.eml").write_text("Subject: x\n\n")
    assert store.get("../outside") is None


def test_json_pages_and_attachments(store: MessageStore):
    view = View(store)
    markup = "<p>Hi<script>alert(1)</script></p>"
    name = store.add(None, ["b@y.org"], letter("<b>Paid</b>", html=markup, attachment=b"%PDF-1"))
    listed = json.loads(view.get("/messages?to=b@y.org&wait=1").body)["messages"][0]
    assert listed["subject"] == "<b>Paid</b>"
    file = view.get(listed["attachments"][0]["path"])
    assert (file.body, file.filename, file.content_type) == (
        b"%PDF-1",
        "Reçu 1.pdf",
        "application/pdf",
    )
    whole = json.loads(view.get(f"/messages/{name}").body)
    assert whole["text"].strip() == "Plain text"
    assert "alert" in whole["html"]
    page = view.get(f"/view/{name}").body.decode()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;Paid" in view.get("/").body.decode()
    assert view.get(f"/messages/{name}/raw").body.startswith(b"X-Envelope-From")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/nothing", 404),
        ("/messages/1-1", 404),
        ("/messages/..%2Fx", 404),
        ("/messages?wait=soon", 400),
        ("/messages?from=x", 400),
    ],
)
def test_statuses(store: MessageStore, path: str, status: int):
    assert View(store).get(path).status == status


def test_clearing(store: MessageStore):
    store.add(None, ["a@y.org"], letter())
    assert store.clear() == 1
    assert store.ids() == []
