"""Files that come by mail: the same checks as for those that are put there, and nothing left over."""

from email.message import EmailMessage
from uuid import uuid4

import pytest

from marketplace.adapters.object_store import FileStore
from marketplace.adapters.virus_scanner import ClamdScanner
from marketplace.booking.service import messages
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import VirusScanner
from tests.fakes.clamd import EICAR, clamd
from tests.integration.booking import test_messages
from tests.integration.booking.test_messages import (
    PDF,
    hand_on,
    reply_address,
)

# The same people and thread.
talk = test_messages.talk


def with_files(sender, *files, body="Here it is."):
    mail = EmailMessage()
    mail["From"], mail["Message-ID"], mail["Subject"] = sender, f"<{uuid4()}@x>", "Re: x"
    mail.set_content(body)
    for name, kind, content in files:
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def stored(parts):
    return parts.get(ObjectStore).keys("documents")


@pytest.mark.fault(47)
def test_files_that_come_by_mail_are_taken_in_as_those_that_are_put_there(
    talk, mail, run_jobs, parts
):
    parts.add(ObjectStore, FileStore("memory://"))
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    logo = b"\x89PNG\r\n\x1a\n"
    content = with_files(
        talk.host.email,
        ("map.pdf", "application/pdf", PDF),
        ("guide.pdf", "application/octet-stream", PDF),
        ("list.xlsx", "application/vnd.ms-excel", b"PK\x03\x04"),
        ("page.pdf", "application/pdf", b"<html>"),
        ("../../up.pdf", "application/pdf", PDF),
        ("cut.png", "image/png", logo),
    )
    assert hand_on(talk, to, content).json == {"outcome": "posted"}
    newest = talk.call(talk.trainee, "GET")["items"][0]
    assert [(one["filename"], one["scan"]) for one in newest["files"]] == [
        ("map.pdf", "not_scanned"),
        ("guide.pdf", "not_scanned"),
    ]
    file_id = newest["files"][0]["id"]
    assert talk.read(talk.trainee, file_id).data == PDF
    assert len(stored(parts)) == 2
    assert all(PDF not in parts.get(ObjectStore).get(key) for key in stored(parts))
    run_jobs()
    told = mail.to(talk.host.email)[-1].text
    for name in ("list.xlsx", "page.pdf", "../../up.pdf", "cut.png"):
        assert name in told
    assert "map.pdf" not in told
    assert hand_on(talk, to, content).json == {"outcome": "repeated"}
    assert len(stored(parts)) == 2


def test_a_mail_of_files_alone_names_them_and_one_of_none_that_can_be_taken_is_refused(
    talk, mail, run_jobs, parts
):
    parts.add(ObjectStore, FileStore("memory://"))
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    quoted = "> -- Reply above this line --\n> Hello"
    alone = with_files(talk.host.email, ("map.pdf", "application/pdf", PDF), body=quoted)
    assert hand_on(talk, to, alone).json == {"outcome": "posted"}
    assert talk.call(talk.trainee, "GET")["items"][0]["body"] == "map.pdf"
    none = with_files(talk.host.email, ("a.exe", "application/x-msdownload", b"MZ"), body=quoted)
    assert hand_on(talk, to, none).json == {"outcome": "refused"}
    many = [(f"{n}.pdf", "application/pdf", PDF) for n in range(messages.MOST_FILES + 2)]
    assert hand_on(talk, to, with_files(talk.host.email, *many)).json == {"outcome": "posted"}
    assert len(talk.call(talk.trainee, "GET")["items"][0]["files"]) == messages.MOST_FILES


def test_files_of_an_answer_that_can_not_be_taken_in_are_not_kept(talk, mail, run_jobs, parts):
    parts.add(ObjectStore, FileStore("memory://"))
    for number in range(messages.MOST_AN_HOUR):
        talk.say(talk.host, f"{number}")
    talk.say(talk.trainee)
    run_jobs()
    to = reply_address(mail, talk.host.email)
    content = with_files(talk.host.email, ("map.pdf", "application/pdf", PDF))
    assert hand_on(talk, to, content).json == {"outcome": "refused"}
    assert stored(parts) == []


def test_a_file_with_a_virus_is_read_by_nobody(talk, mail, run_jobs, parts):
    parts.add(ObjectStore, FileStore("memory://"))
    with clamd() as server:
        parts.add(VirusScanner, ClamdScanner(server.url))
        talk.say(talk.trainee)
        run_jobs()
        to = reply_address(mail, talk.host.email)
        content = with_files(
            talk.host.email,
            ("map.pdf", "application/pdf", PDF),
            ("bad.pdf", "application/pdf", PDF + EICAR + b"\n%%EOF\n"),
        )
        assert hand_on(talk, to, content).json == {"outcome": "posted"}

        def files():
            found = talk.call(talk.trainee, "GET")["items"][0]["files"]
            return {one["filename"]: one for one in found}

        assert {one["scan"] for one in files().values()} == {"waiting"}
        ids = {name: one["id"] for name, one in files().items()}
        for file_id in ids.values():
            refused = talk.link(talk.trainee, file_id, 409)
            assert refused["code"] == "file_not_scanned"
        run_jobs()
    assert {name: one["scan"] for name, one in files().items()} == {
        "map.pdf": "clean",
        "bad.pdf": "infected",
    }
    assert talk.read(talk.trainee, ids["map.pdf"]).status_code == 200
    refused = talk.link(talk.trainee, ids["bad.pdf"], 409)
    assert (refused["code"], refused["virus"]) == ("file_infected", "Eicar-Test-Signature")
    assert len(stored(parts)) == 1
