"""Erasing a person's documents: with their keys gone no copy of a file can be opened."""

from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from marketplace.compliance.events import DocumentsChanged
from marketplace.compliance.gateway import DocumentVault
from marketplace.core import events
from marketplace.core.errors import Unavailable
from marketplace.core.ports import ObjectStore
from tests.integration.compliance.conftest import API, PDF

NO_FILES = [{"what": "message_files", "erased": 0, "kept": 0}]


def sealed(session, parts):
    """What a backup of the store has of each document, by its key."""
    keys = session.execute(text("SELECT object_key FROM document_content")).scalars().all()
    session.rollback()
    return {key: parts.get(ObjectStore).get(key) for key in keys}


def test_the_holder_erases_all_that_no_booking_needs(desk, booked, session, parts, run_jobs):
    needed, other = desk.upload(), desk.upload(kind="cv")
    desk.release(booked, needed)
    copies = sealed(session, parts)
    done = desk.call(desk.trainee, "POST", "/documents/erasure").get_json()
    assert done == {"erased": 1, "kept": [needed], "also": NO_FILES}
    run_jobs()
    left = sealed(session, parts)
    assert len(left) == 1
    (gone,) = copies.keys() - left.keys()
    assert not parts.get(ObjectStore).exists(gone)
    assert desk.read(desk.trainee, needed) == PDF
    assert desk.link(desk.trainee, other, 409).get_json()["code"] == "document_deleted"
    trail = desk.call(desk.trainee, "GET", f"/documents/{other}/trail").get_json()["items"]
    assert trail[0]["action"] == "document.erased"


def test_an_operator_erases_everything_at_a_persons_wish(desk, booked, session, parts, run_jobs):
    document = desk.upload()
    desk.upload(document_id=document)
    desk.release(booked, document)
    rivals = desk.upload(desk.rival)
    open_address = desk.address().get_json()["url"]
    link = desk.link(desk.coordinator, document, version=2).get_json()["url"]
    copies = sealed(session, parts)
    path = f"/operator/accounts/{desk.trainee.id}/documents/erasure"
    desk.call(desk.coordinator, "POST", path, 403, json={"reason": "No."})
    desk.call(desk.operator, "POST", path, 422, json={})
    heard = []
    bus = session.info[events.BUS]

    def hear(_session, event):
        heard.append(event)

    bus.subscribe(DocumentsChanged, hear)
    for erased in (1, 0):
        done = desk.call(desk.operator, "POST", path, json={"reason": "Asked by letter."})
        assert done.get_json() == {"erased": erased, "kept": [], "also": NO_FILES}
    bus.unsubscribe(DocumentsChanged, hear)
    # The site is told that it has it no more: once, for the booking that it was handed over for.
    assert [(one.reference, one.cause) for one in heard] == [(booked, "taken_back")]
    run_jobs()
    left = sealed(session, parts)
    assert len(left) == 1
    # A copy of the file and one of the database as it is now open nothing.
    kept = session.execute(text("SELECT sealed_key FROM document_content")).scalars().all()
    vault = parts.get(DocumentVault)
    for label in copies.keys() - left.keys():
        for key in kept:
            with pytest.raises(Unavailable):
                list(vault.open(label, key, [copies[label]]))
    session.rollback()
    desk.call(None, "GET", urlsplit(link).path.removeprefix(API), 404)
    desk.send(open_address, status=409)
    assert desk.state_of(booked) == "missing"
    assert desk.call(desk.rival, "GET", f"/documents/{rivals}").get_json()["state"] == "uploaded"
    assert desk.call(desk.coordinator, "GET", f"{desk.site}/documents").get_json()["items"] == []


def test_nobody_else_is_erased(desk):
    unknown = "/operator/accounts/00000000-0000-7000-8000-000000000000/documents/erasure"
    desk.call(desk.operator, "POST", unknown, 404, json={"reason": "x"})
    assert desk.call(desk.trainee, "POST", "/documents/erasure").get_json()["erased"] == 0
