"""Every way in for a file goes past the virus scanner: a new one that does not fails here."""

import ast
import socket
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from marketplace.adapters.virus_scanner import ClamdScanner
from marketplace.core.scanning import VirusScanner
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from tests.factories.schools import a_school
from tests.fakes.clamd import EICAR, clamd
from tests.integration.booking.test_messages import hand_on, reply_address
from tests.integration.outcomes.conftest import PDF

ROOT = Path(__file__).parents[3]
API = "/api/v1"
BAD = PDF + EICAR + b"\n%%EOF\n"
TABLE = b"email\n" + EICAR + b"\n"
READERS = {"data", "files", "get_data", "input_stream", "stream"}
# Who reads a body: the one module for files, who compares requests, and what Stripe has signed.
# Forms that were sent before are told apart by a digest of their files; of a form that is kept to be
# sent again it is said whether files were in it.
BODIES = {
    "pages/again.py",
    "pages/once.py",
    "web/idempotency.py",
    "web/uploads.py",
    "payments/routes/__init__.py",
}
# Of a mail that came back a status is read, and nothing is kept that anybody opens.
NOT_KEPT = {("POST", "/api/v1/mail/bounces")}


def refused(answer):
    assert (answer.status_code, answer.json["code"]) == (422, "virus_found"), answer.json
    assert answer.json["virus"] == "Eicar-Test-Signature"


def unread(answer):
    assert (answer.status_code, answer.json["code"]) == (409, "file_infected"), answer.json


def document(scene):
    wish = {"kind": "cv", "filename": "cv.pdf", "media_type": "application/pdf", "size": len(BAD)}
    asked = scene.send(scene.trainee, "POST", "/documents/uploads", json={**wish, "facts": {}})
    path = urlsplit(asked.json["url"]).path.removeprefix(API)
    taken = scene.send(None, "PUT", path, data=BAD, content_type="application/pdf").json
    link = f"/documents/{taken['document_id']}/links"
    ask = {"json": {"version": 1}}
    assert scene.send(scene.trainee, "POST", link, **ask).json["code"] == "file_not_scanned"
    scene.run_jobs()
    unread(scene.send(scene.trainee, "POST", link, **ask))


def message_file(scene):
    path = f"/bookings/{scene.booking}/messages/files/{uuid4()}"
    sent = {"data": BAD, "content_type": "application/pdf"}
    assert scene.send(scene.trainee, "PUT", f"{path}?filename=a.pdf", **sent).status_code == 200
    link = f"{path}/links"
    assert scene.send(scene.trainee, "POST", link).json["code"] == "file_not_scanned"
    scene.run_jobs()
    unread(scene.send(scene.trainee, "POST", link))


def mailed(scene):
    thread = f"/bookings/{scene.booking}/messages"
    scene.send(scene.host, "POST", thread, json={"body": "When do you come?"})
    scene.run_jobs()
    mail = EmailMessage()
    mail["From"], mail["Message-ID"], mail["Subject"] = scene.trainee.email, "<a@x>", "Re: x"
    mail.set_content("Here it is.")
    mail.add_attachment(BAD, maintype="application", subtype="pdf", filename="map.pdf")
    to = reply_address(scene.mail, scene.trainee.email)
    assert hand_on(scene, to, mail.as_bytes()).json == {"outcome": "posted"}
    (file,) = scene.send(scene.host, "GET", thread).json["items"][0]["files"]
    scene.run_jobs()
    unread(scene.send(scene.host, "POST", f"{thread}/files/{file['id']}/links"))


def letter(scene):
    path = f"/letters/uploads/{scene.token}"
    sent = {"data": BAD, "content_type": "application/pdf"}
    refused(scene.send(None, "PUT", path, **sent))
    assert scene.send(None, "GET", path).json["state"] == "agreed"


def sheet(path):
    def send(scene):
        sent = {"data": TABLE, "content_type": "text/csv"}
        once = {"headers": {"Idempotency-Key": str(uuid4())}}
        refused(scene.send(scene.host, "POST", f"/sites/{scene.site}/{path}", **sent, **once))

    return send


def large_sheet(scene):
    path = f"/sites/{scene.site}/imports/{uuid4()}"
    sent = {"data": TABLE, "content_type": "text/csv"}
    assert scene.send(scene.host, "PUT", f"{path}?commit=true", **sent).status_code == 202
    scene.run_jobs()
    found = scene.send(scene.host, "GET", path).json
    assert (found["state"], found["failure"]["code"]) == ("failed", "virus_found")


def students(scene):
    path = f"/schools/{scene.school}/students/sheet"
    refused(scene.send(scene.school_host, "POST", path, data=TABLE, content_type="text/csv"))


def corrections(scene):
    sent = {"data": TABLE, "content_type": "text/csv"}
    refused(scene.send(scene.analyst, "POST", "/match-outcomes/corrections", **sent))


WAYS = {
    ("PUT", "/api/v1/uploads/{token}"): document,
    ("PUT", "/api/v1/bookings/{booking_id}/messages/files/{file_id}"): message_file,
    ("POST", "/api/v1/mail/replies"): mailed,
    ("PUT", "/api/v1/letters/uploads/{token}"): letter,
    ("POST", "/api/v1/sites/{site_id}/listings/import"): sheet("listings/import"),
    ("POST", "/api/v1/sites/{site_id}/calendar/import"): sheet("calendar/import"),
    ("PUT", "/api/v1/sites/{site_id}/imports/{import_id}"): large_sheet,
    ("POST", "/api/v1/schools/{school_id}/students/sheet"): students,
    ("POST", "/api/v1/match-outcomes/corrections"): corrections,
}


@pytest.fixture
def scene(done, link_of, run_jobs, stage, mail, parts):
    """Somebody for each way in. The letter is asked for before there is a scanner: it needs none."""
    letter_id = done.ask()["id"]
    done.agree(letter_id)
    school = a_school(stage)
    school_host = done.people.make(name="Sara Khan")
    with stage.transaction() as session:
        memberships.grant_role(
            session, school_host.id, Role.SCHOOL_COORDINATOR, school_id=school, now=stage.now
        )

    def send(who, method, path, **sent):
        headers = {**(who.headers if who else {}), **sent.pop("headers", {})}
        return done.client.open(API + path, method=method, headers=headers, **sent)

    return SimpleNamespace(
        send=send, trainee=done.trainee, host=done.coordinator, site=done.place.site_id,
        booking=done.booking_id, token=link_of(done.author), school=school, mail=mail,
        analyst=done.people.make("analyst"), school_host=school_host, run_jobs=run_jobs, client=done.client, stage=stage, parts=parts,
    )  # fmt: skip


def test_every_file_that_is_sent_is_looked_at(scene, app, client):
    document = client.get(f"{API}/openapi.json").json
    there = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict)
        and set(operation.get("requestBody", {}).get("content", ())) - {"application/json"}
    }
    assert there == WAYS.keys() | NOT_KEPT, "say here how a file that comes this way is looked at"
    with clamd() as server:
        scene.parts.add(VirusScanner, ClamdScanner(server.url))
        for way, send in WAYS.items():
            server.streams.clear()
            send(scene)
            assert any(EICAR in stream for stream in server.streams), way


def test_what_is_clean_is_used_and_used_once(scene):
    """Whatever was read before the look is read anew after it."""
    exported = scene.send(scene.host, "GET", f"/sites/{scene.site}/listings/export").get_data()
    ways = {
        f"/sites/{scene.site}/listings/import?commit=true": (scene.host, exported),
        f"/schools/{scene.school}/students/sheet": (scene.school_host, b"email\na@grant.example\n"),
    }
    with clamd() as server:
        scene.parts.add(VirusScanner, ClamdScanner(server.url))
        for path, (who, content) in ways.items():
            key = {"Idempotency-Key": str(uuid4())}
            sent = {"data": content, "content_type": "text/csv", "headers": key}
            first = scene.send(who, "POST", path, **sent)
            assert first.status_code == 200, first.json
            again = scene.send(who, "POST", path, **sent)
            assert (again.json, again.headers["Idempotent-Replayed"]) == (first.json, "true")
        assert server.streams == [content for _, content in ways.values()]


def test_no_other_module_reads_a_body():
    found = set()
    for path in (ROOT / "marketplace").rglob("*.py"):
        name = str(path.relative_to(ROOT / "marketplace"))
        source = path.read_text()
        if name.startswith("embedded/") or "request." not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in READERS
                and ast.unparse(node.value) in {"request", "flask.request"}
            ):
                found.add(name)
    assert found == BODIES


def test_while_the_scanner_is_away_nothing_is_used_and_what_is_kept_waits(scene):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    scene.parts.add(VirusScanner, ClamdScanner(f"tcp://127.0.0.1:{port}"))
    table = {"data": b"email\na@grant.example\n", "content_type": "text/csv"}
    away = scene.send(scene.school_host, "POST", f"/schools/{scene.school}/students/sheet", **table)
    assert (away.status_code, away.json["code"]) == (503, "virus_scanner_unavailable")
    assert "Send it again" in away.json["detail"]
    path, sent = f"/letters/uploads/{scene.token}", {"content_type": "application/pdf"}
    # Neither a good letter nor a bad one is lost; none is read or confirmed.
    taken = scene.send(None, "PUT", path, data=BAD, **sent)
    assert taken.json["state"] == "uploaded"
    early = scene.send(None, "POST", f"{path}/confirmation")
    assert (early.status_code, early.json["code"]) == (409, "file_not_scanned")
    with clamd(port):
        scene.run_jobs()
    assert scene.send(None, "POST", f"{path}/confirmation").status_code == 404
    scene.run_jobs()
    told = scene.mail.to("dr.okafor@hospital.example")[-1]
    assert "could not be kept" in told.subject
    token = told.text.rsplit("/uploads/", 1)[1].split()[0]
    with clamd(port):
        again = scene.send(None, "PUT", f"/letters/uploads/{token}", data=PDF, **sent)
        assert again.json["state"] == "uploaded"
        confirmed = scene.send(None, "POST", f"/letters/uploads/{token}/confirmation")
        assert confirmed.json["state"] == "confirmed"
