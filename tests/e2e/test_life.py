"""One booking from the application to the certificate, as its four people live it.

The clock of the whole product is moved to the rotation's days, so the product is the test's own.
"""

import base64
import json
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.e2e.site import FIRST_DAY, WEEK, Site
from tests.smoke.clients import Api, pay, until
from tests.smoke.story import PDF

LAST_FRIDAY = FIRST_DAY + 4 * WEEK - timedelta(days=3)
QUESTIONS = [
    {"key": "why_here", "text": "Why our hospital?", "kind": "text", "longest": 200},
    {"key": "months", "text": "Months on a ward?", "kind": "number", "least": 0, "whole": True},
]
SKILLS = (
    "patient_care", "medical_knowledge", "practice_based_learning", "communication",
    "professionalism", "systems_based_practice",
)  # fmt: skip


@pytest.fixture
def cast(own_site: Site) -> SimpleNamespace:
    """A place whose host decides, and everybody who has to do with a booking there."""
    site = own_site
    place = site.stage.place(
        approval="request",
        first_start=FIRST_DAY.isoformat(),
        last_start=(FIRST_DAY + 20 * WEEK).isoformat(),
    )
    made = site.people.make
    return SimpleNamespace(
        site=site,
        place=place,
        path=f"/sites/{place.site_id}",
        trainee=site.trainee(),
        host=site.signed_in(made("coordinator", site_id=place.site_id, name="Cora Diaz")),
        preceptor=site.signed_in(made("preceptor", site_id=place.site_id, name="Dr. Amara Okafor")),
        operator=site.signed_in(made("operator", name="Olga Staff")),
    )


def test_from_the_application_to_the_certificate(cast: SimpleNamespace):
    site: Site = cast.site
    ask_for_things(cast)
    booking = apply_and_be_approved(site, cast)
    pay_all(site, cast.trainee, booking)
    told = site.mail.wait(cast.host.person.email, "has booked and paid")
    assert cast.trainee.person.name in told["subject"]
    clear(cast, booking)
    letters(site, cast, booking)
    days(site, cast, booking)
    certificate(site, cast, booking)
    story = cast.operator("GET", f"/operator{booking}/story")
    assert story["replay"]["agrees"], story["replay"]
    balance = cast.operator("GET", "/operator/ledger/trial-balance")
    assert all(one["amount"] == 0 for one in balance["sums"])
    site.terminal.together(("check",), ("check", "bookings"))


def ask_for_things(cast: SimpleNamespace) -> None:
    """The host's own questions, and a test for tuberculosis."""
    listing = f"{cast.path}/listings/{cast.place.listing_id}"
    cast.host.update("PUT", f"{listing}/questions", {"questions": QUESTIONS})
    tag = cast.host.send("GET", f"{cast.path}/requirements").headers["ETag"]
    cast.host(
        "POST",
        f"{cast.path}/requirements/adoption",
        {"keys": ["tb_test"]},
        headers={"If-Match": tag},
    )


def apply_and_be_approved(site: Site, cast: SimpleNamespace) -> str:
    """The path of a booking that its host has agreed to, after it has asked for more."""
    trainee, host = cast.trainee, cast.host
    path = f"/bookings/{site.hold(trainee, cast.place)['id']}"
    trainee("POST", f"{path}/extend")
    assert trainee("POST", f"{path}/extend", expect=409)["code"] == "already_extended"
    # A seat that is only held is not the host's to decide on.
    assert host("POST", f"{path}/approve", expect=409)["state"] == "held"
    unfit = {"questions_version": 1, "answers": {"why_here": "To learn.", "months": "three"}}
    refused = trainee("POST", f"{path}/submit", unfit, expect=422)
    assert list(refused["fields"]) == ["answers.months"]
    given = {"questions_version": 1, "answers": {"why_here": "To learn.", "months": 3}}
    trainee("POST", f"{path}/submit", given)
    (entry,) = host("GET", f"{cast.path}/applications")["items"]
    assert [one["answer"] for one in entry["answers"]] == ["To learn.", 3]
    assert cast.preceptor("POST", f"{path}/approve", expect=403)["code"] == "forbidden"
    host("POST", f"{path}/ask-for-more", {"text": "Which months?"})
    site.mail.wait(trainee.person.email, "Which months?")
    trainee("POST", f"{path}/answer", {"text": "June and July.", "answers": {"months": 2}})
    host("POST", f"{path}/approve")
    second = host("POST", f"{path}/decline", {"code": "no_capacity"}, expect=409)
    assert (second["code"], second["decided_by"]) == ("decided_already", "Cora Diaz")
    return path


def pay_all(site: Site, trainee: Api, path: str) -> None:
    """The deposit, then the balance: two payments that are found again."""
    for _ in range(2):
        asked = trainee("POST", f"{path}/payments", {}, expect=201)["payment_id"]
        pay(site.page(trainee, f"/payments/{asked}"))
        until(
            "the money",
            lambda asked=asked: trainee("GET", f"/payments/{asked}")["status"] == "settled",
        )
    assert trainee("POST", f"{path}/payments", {}, expect=409)["detail"] == "This booking is paid."
    paid = trainee("GET", f"{path}/payments")["items"]
    assert [one["purpose"] for one in paid] == ["deposit", "balance"]
    total = trainee("GET", path)["total"]["amount"]
    assert sum(one["amount"]["amount"] for one in paid) == total


def upload(trainee: Api, **wish: Any) -> str:
    """Upload a test for tuberculosis; the document's id."""
    about = {"kind": "tb_test", "filename": "tb.pdf", "media_type": "application/pdf"}
    issued = {"facts": {"issued_on": date.today().isoformat()}}
    asked = trainee("POST", "/documents/uploads", {**about, **issued, "size": len(PDF), **wish})
    taken = httpx.put(asked["url"], content=PDF, headers={"Content-Type": about["media_type"]})
    assert taken.json()["state"] == "taken", taken.text
    return str(taken.json()["document_id"])


def clear(cast: SimpleNamespace, path: str) -> None:
    """Hand over, be rejected with a reason, send a better one, be cleared; the calendar says so."""
    trainee, host = cast.trainee, cast.host
    missing = trainee("POST", f"{path}/papers", {"kind": "visa_letter"}, expect=409)
    assert missing["missing"] == ["Tuberculosis test"]
    document = upload(trainee)
    trainee("POST", f"{path}/documents", {"document_ids": [document]})
    (waiting,) = host("GET", f"{cast.path}/documents")["items"]
    assert waiting["document_id"] == document
    desk = f"{cast.path}/documents/{document}"
    link = host("POST", f"{desk}/links", {"version": 1})["url"]
    assert httpx.get(link).content == PDF
    assert httpx.get(link).status_code == 410
    no = {"decision": "rejected", "version": 1, "reason": "The name is not yours."}
    host("POST", f"{desk}/decisions", no)
    (item,) = trainee("GET", f"{path}/clearance")["items"]
    assert (item["state"], item["reason"]) == ("rejected", "The name is not yours.")
    upload(trainee, document_id=document)
    stale = host("POST", f"{desk}/decisions", {**no, "decision": "accepted"}, expect=409)
    assert stale["code"] == "newer_version"
    host("POST", f"{desk}/decisions", {"decision": "accepted", "version": 2})
    assert trainee("GET", f"{path}/clearance")["complete"]
    read = [one["action"] for one in trainee("GET", f"/documents/{document}/trail")["items"]]
    assert read.count("document.read") == 1
    steps = {one["key"]: one["state"] for one in trainee("GET", f"{path}/path")["steps"]}
    assert (steps["tb_test"], steps["balance"], steps["start"]) == ("done", "done", "open")
    assert b"BEGIN:VEVENT" in trainee.send("GET", f"{path}/path.ics").content


def letters(site: Site, cast: SimpleNamespace, path: str) -> None:
    """The acceptance came by itself; the letter for the visa is given now, and not twice."""
    letter = cast.trainee("POST", f"{path}/papers", {"kind": "visa_letter"})
    again = cast.trainee("POST", f"{path}/papers", {"kind": "visa_letter"})
    assert letter["id"] == again["id"]
    issued = {one["kind"] for one in cast.trainee("GET", f"{path}/papers")["items"]}
    assert issued == {"acceptance_letter", "visa_letter"}
    mail = site.mail.wait(cast.trainee.person.email, letter["number"])
    assert site.mail.attachment(mail).startswith(b"%PDF")


def days(site: Site, cast: SimpleNamespace, path: str) -> None:
    """Present on five days, forty hours signed, and what the site notes for itself."""
    trainee, host, preceptor = cast.trainee, cast.host, cast.preceptor
    assert host("POST", f"{path}/complete", expect=409)["from"] == "confirmed"
    at(site, FIRST_DAY)
    site.terminal("jobs", "run", "booking.start_due")
    assert trainee("GET", path)["state"] == "in_progress"
    at(site, LAST_FRIDAY)
    week = [(FIRST_DAY + timedelta(days=day)).isoformat() for day in range(5)]
    host("POST", f"{path}/attendance", {"days": [{"day": one, "mark": "present"} for one in week]})
    logged = [{"day": one, "minutes": 480, "activity": "Ward rounds."} for one in week]
    trainee("POST", f"{path}/hours", {"days": logged})
    entries = [one["id"] for one in preceptor("GET", f"{path}/hours")["days"]]
    trainee("POST", f"{path}/hours", {"days": [{**logged[0], "minutes": 240}]})
    changed = preceptor("POST", f"{path}/hours/signatures", {"entries": entries}, expect=409)
    assert changed["code"] == "hours_changed"
    entries = [one["id"] for one in preceptor("GET", f"{path}/hours")["days"]]
    signed = preceptor("POST", f"{path}/hours/signatures", {"entries": entries})
    assert signed["signed_minutes"] == signed["minutes"] == 4 * 480 + 240
    happened = {"happened_on": week[0], "body": "A needle."}
    preceptor("POST", f"{path}/incidents", happened)
    assert trainee.send("GET", f"{path}/incidents").status_code == 404
    trainee("POST", f"{path}/safety-reports", happened)
    assert host.send("GET", f"{path}/safety-reports").status_code == 404
    assert len(cast.operator("GET", f"{path}/safety-reports")["items"]) == 1
    assert host("POST", f"{path}/complete")["state"] == "completed"


def certificate(site: Site, cast: SimpleNamespace, path: str) -> None:
    """Evaluated, attested, certified; strangers can check the paper, and wallets the badge."""
    scores = dict.fromkeys(SKILLS, 4)
    form = {"scores": scores, "comments": "Careful.", "shown_to_trainee": True}
    cast.preceptor("POST", f"{path}/evaluations", form)
    (shown,) = cast.trainee("GET", f"{path}/evaluations")["items"]
    assert shown["scores"] == scores
    duties = {"duties": ["history_taking", "physical_examination"], "in_person": True}
    assert cast.trainee("POST", f"{path}/attestation", duties)["direct_contact"]
    paper = until(
        "the certificate",
        lambda: next(
            (
                one
                for one in cast.trainee("GET", f"{path}/papers")["items"]
                if one["has_credential"] and one["ready"]
            ),
            None,
        ),
    )
    link = cast.trainee("POST", f"/papers/{paper['id']}/links")["url"]
    assert httpx.get(link).content.startswith(b"%PDF")
    page = httpx.get(paper["check_address"])
    assert page.status_code == 200
    assert paper["number"] in page.text
    assert cast.trainee.person.email not in page.text
    token = cast.trainee.send("GET", f"/papers/{paper['id']}/credential").text
    assert verified(site, token)["credentialSubject"]["type"] == ["AchievementSubject"]
    period = {"from": FIRST_DAY.isoformat(), "to": LAST_FRIDAY.isoformat()}
    taught = cast.preceptor("POST", f"{cast.path}/teaching-certificates", period)
    page = httpx.get(taught["check_address"]).text
    assert "Dr. Amara Okafor" in page
    assert cast.trainee.person.name not in page


def verified(site: Site, token: str) -> Any:
    """The content of a signed badge, checked against the published key that it names."""
    head, body, signature = token.strip().split(".")
    name = json.loads(_decoded(head))["kid"].rsplit("/", 1)[-1]
    published = httpx.get(f"{site.base}/api/v1/public/badges/keys").json()["keys"]
    key = next(one for one in published if one["kid"] == name)
    modulus, exponent = (int.from_bytes(_decoded(key[part]), "big") for part in ("n", "e"))
    RSAPublicNumbers(exponent, modulus).public_key().verify(
        _decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256()
    )
    return json.loads(_decoded(body))


def at(site: Site, day: date) -> None:
    """Move everybody's clock to the afternoon of a day in Chicago."""
    moment = datetime.combine(day, time(20), UTC)
    site.terminal("clock", "set", f"{moment:%Y-%m-%dT%H:%M}")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
