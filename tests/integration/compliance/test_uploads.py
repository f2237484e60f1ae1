"""The ways in: our own address streams, the store's own is looked at afterwards; both refuse early."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Response
from sqlalchemy import text
from werkzeug.test import EnvironBuilder

from marketplace.adapters.object_store import FileStore
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from tests.integration.compliance.conftest import API, PDF, SECRET, TYPE
from tests.unit.compliance.test_files import a_jpeg, a_png, a_zip

GIB = 2**30


class Endless:
    """A body of 1 GiB that is made as it is read, and counts what was read of it."""

    def __init__(self):
        self.read_bytes = 0

    def read(self, size=-1):
        size = min(size if size >= 0 else GIB, GIB - self.read_bytes)
        begins = b"" if self.read_bytes else b"%PDF-1.7 stream\n"[:size]
        self.read_bytes += size
        return begins + b"x" * (size - len(begins))


class Signing:
    """A store that signs addresses, as those of the clouds do: what is sent there is not looked at."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def signed_upload(self, key, life):
        return f"https://store.example/{key}?expires={life.total_seconds():.0f}"

    def receive(self, url, content):
        self.inner.put(urlsplit(url).path[1:], content)


@pytest.fixture
def store(parts):
    fresh = FileStore("memory://")
    parts.add(ObjectStore, fresh)
    return fresh


@pytest.fixture
def signing(parts, store):
    made = Signing(store)
    parts.add(ObjectStore, made)
    return made


def streamed(desk, url, body, **environ):
    """Send a body without looking at it first, as a server hands it over."""
    plain = EnvironBuilder(urlsplit(url).path, method="PUT", content_type=TYPE).get_environ()
    app = desk.client.application
    return Response.from_app(app, {**plain, "wsgi.input": body, **environ}, buffered=True)


def kept(store):
    return [*store.keys("documents"), *store.keys("incoming")]


def counted(session):
    return session.execute(text("SELECT count(*) FROM document")).scalar_one()


@pytest.mark.fault(47)
@pytest.mark.parametrize(
    ("changes", "status", "fault"),
    [
        ({"size": GIB}, 413, "file_too_large"),
        ({"filename": "../../etc/passwd.pdf"}, 422, "file_name"),
        ({"filename": "tb.zip"}, 422, "file_name"),
        ({"media_type": "application/zip"}, 422, "file_type"),
        ({"size": 0}, 422, "file_empty"),
    ],
)
def test_what_is_announced_wrong_gets_no_address(desk, store, session, changes, status, fault):
    problem = desk.address(status=status, **changes).get_json()
    assert problem["fault"] == fault
    assert session.execute(text("SELECT count(*) FROM document_upload")).scalar_one() == 0


@pytest.mark.fault(47)
@pytest.mark.parametrize(
    ("content", "media_type", "fault"),
    [
        (a_zip(), TYPE, "file_type"),
        (PDF + a_zip(), TYPE, "file_two_things"),
        (a_png(60_000, 60_000), "image/png", "file_picture_too_large"),
        (a_jpeg(comment=b"%PDF-1.7"), "image/jpeg", "file_two_things"),
        (PDF + b"%%EOF", TYPE, "file_other"),
        (a_png(), "image/png", "file_other"),
    ],
)
def test_a_file_that_is_no_document_leaves_nothing(
    desk, store, session, content, media_type, fault
):
    suffix = {"image/png": "png", "image/jpeg": "jpg"}.get(media_type, "pdf")
    size, announced = len(content), media_type
    if fault == "file_other":
        size, announced, suffix = len(PDF), TYPE, "pdf"
    asked = desk.address(size=size, media_type=announced, filename=f"x.{suffix}").get_json()
    problem = desk.send(asked["url"], content, 422, media_type).get_json()
    assert (problem["code"], problem["fault"]) == ("document_refused", fault)
    assert kept(store) == []
    assert counted(session) == 0


@pytest.mark.fault(47)
def test_a_gibibyte_is_refused_before_it_is_read(desk, store):
    url = desk.address().get_json()["url"]
    body = Endless()
    answer = streamed(desk, url, body, CONTENT_LENGTH=str(GIB))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "document_too_large")
    assert body.read_bytes == 0
    assert kept(store) == []


@pytest.mark.fault(47)
def test_a_gibibyte_that_does_not_say_so_is_cut_off_at_the_limit(desk, store):
    url = desk.address().get_json()["url"]
    body = Endless()
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = streamed(desk, url, body, **chunked)
    assert answer.status_code == 413
    assert body.read_bytes < 22 * 2**20
    assert kept(store) == []


def test_an_address_takes_one_file_for_fifteen_minutes(desk, store):
    url = desk.address().get_json()["url"]
    assert desk.send(url).get_json()["state"] == "taken"
    again = desk.send(url, status=409).get_json()
    assert again["code"] == "upload_used"
    assert len(kept(store)) == 1
    late = desk.address().get_json()["url"]
    desk.stage.clock.advance(timedelta(minutes=15))
    desk.send(late, status=404)
    desk.send(late[:-4] + "AAAA", status=404)
    assert len(kept(store)) == 1


def test_other_peoples_uploads_are_not_there(desk, store):
    asked = desk.address().get_json()
    path = f"/documents/uploads/{asked['upload']['id']}"
    desk.call(desk.trainee, "GET", path)
    for who in (desk.rival, desk.coordinator, desk.operator):
        desk.call(who, "GET", path, 404)
        desk.call(who, "POST", f"{path}/completion", 404)
    document = desk.upload()
    desk.address(desk.rival, document_id=document, status=404)


def test_an_address_is_not_kept_with_the_answers_that_are_given_again(desk, store, session):
    headers = {"Idempotency-Key": "the-same"}
    wish = {"kind": "cv", "filename": "cv.pdf", "media_type": TYPE, "size": 10}
    answer = desk.call(desk.trainee, "POST", "/documents/uploads", 201, json=wish, headers=headers)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert session.execute(text("SELECT count(*) FROM remembered_answer")).scalar_one() == 0


def test_a_store_that_signs_takes_the_file_itself(desk, signing, run_jobs):
    asked = desk.address().get_json()
    path = f"/documents/uploads/{asked['upload']['id']}"
    assert asked["direct"]
    signing.receive(asked["url"], PDF)
    for _ in range(2):
        desk.call(desk.trainee, "POST", f"{path}/completion", 202)
    run_jobs()
    upload = desk.call(desk.trainee, "GET", path).get_json()
    assert upload["state"] == "taken"
    (key,) = kept(signing)
    assert key.startswith("documents/")
    assert SECRET not in signing.get(key)
    assert desk.read(desk.trainee, upload["document_id"]) == PDF
    # Sent again to the same address, it becomes nothing and is cleared up.
    signing.receive(asked["url"], PDF)
    desk.call(desk.trainee, "POST", f"{path}/completion", 202)
    run_jobs()
    assert len(desk.call(desk.trainee, "GET", "/documents").get_json()["items"]) == 1


@pytest.mark.fault(47)
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (PDF + a_zip(), "file_two_things"),
        (PDF[: len(PDF) - 1], "file_other"),
        (b"%PDF-" + b"\x00" * (21 * 2**20), "file_too_large"),
        (None, "file_missing"),
    ],
)
def test_what_was_sent_to_the_store_is_looked_at_and_refused(
    desk, signing, run_jobs, content, fault
):
    size = len(content) if fault == "file_two_things" else len(PDF)
    asked = desk.address(size=size).get_json()
    path = f"/documents/uploads/{asked['upload']['id']}"
    if content is not None:
        signing.receive(asked["url"], content)
    desk.call(desk.trainee, "POST", f"{path}/completion", 202)
    run_jobs()
    upload = desk.call(desk.trainee, "GET", path).get_json()
    assert (upload["state"], upload["fault"]["code"]) == ("refused", fault)
    assert kept(signing) == []


def test_what_uploads_leave_behind_is_cleared_up(desk, signing, jobs):
    document = desk.call(desk.trainee, "GET", "/documents").get_json()["items"]
    assert document == []
    left = desk.address().get_json()
    signing.receive(left["url"], PDF)
    # A process that died between storing and the commit leaves a sealed file that nobody owns.
    signing.put(f"documents/{left['upload']['id']}/0", b"sealed")
    desk.stage.clock.advance(timedelta(minutes=14))
    jobs.tidy()
    assert len(kept(signing)) == 2
    desk.stage.clock.advance(timedelta(minutes=12))
    jobs.tidy()
    assert kept(signing) == []


def test_what_nobody_will_look_at_stands_unsealed_for_minutes_only(desk, signing, jobs, run_jobs):
    taken, waits = desk.address().get_json(), desk.address().get_json()
    path = f"/documents/uploads/{taken['upload']['id']}/completion"
    signing.receive(taken["url"], PDF)
    desk.call(desk.trainee, "POST", path, 202)
    run_jobs()
    # Sent once more to the address, which the store still takes; of an upload that a database
    # which was set back has forgotten; and of one that is under way.
    signing.receive(taken["url"], PDF)
    signing.put("incoming/0198c0de-0000-7000-8000-000000000001", PDF)
    signing.put("incoming/no-upload", PDF)
    signing.receive(waits["url"], PDF)
    jobs.tidy()
    assert list(signing.keys("incoming")) == [urlsplit(waits["url"]).path[1:]]
    path = f"/documents/uploads/{waits['upload']['id']}/completion"
    desk.call(desk.trainee, "POST", path, 202)
    desk.stage.clock.advance(timedelta(hours=3))
    jobs.tidy()
    assert len(signing.keys("incoming")) == 1
    run_jobs()
    assert signing.keys("incoming") == []
    assert counted_of(desk) == 2


def counted_of(desk):
    return len(desk.call(desk.trainee, "GET", "/documents").get_json()["items"])


def test_an_operator_can_have_every_file_sealed_before_it_is_stored(desk, signing, parts):
    parts.add(Settings, replace(parts.get(Settings), direct_uploads=False))
    asked = desk.address().get_json()
    assert not asked["direct"]
    assert desk.send(asked["url"]).get_json()["state"] == "taken"
    (key,) = kept(signing)
    assert key.startswith("documents/")
    assert SECRET not in signing.get(key)


def test_an_address_of_a_store_is_signed_by_its_own_rules(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    url = FileStore("s3://bucket").signed_upload("incoming/1", timedelta(minutes=15))
    assert "/incoming/1?" in url
    assert "X-Amz-Expires=900" in url
    assert FileStore("memory://").signed_upload("incoming/1", timedelta(minutes=15)) is None


def test_the_address_is_ours_below_the_public_one(desk, store):
    asked = desk.address().get_json()
    assert not asked["direct"]
    assert asked["url"].startswith(f"http://marketplace.test{API}/uploads/")
