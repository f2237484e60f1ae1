"""A completed rotation with its people, and a letter on its way."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from marketplace.booking import queries
from marketplace.booking.service import rotations
from tests.factories.people import People, Person, people  # noqa: F401 - a fixture
from tests.factories.rotations import (  # noqa: F401 - fixtures
    Place,
    Stage,
    live_stage,
    stage,
)

API = "/api/v1"
PDF = b"%PDF-1.7\n1 0 obj<</Secret (She is the best student I have had)>>endobj\n%%EOF\n"
AFTER = datetime(2027, 4, 5, 15, 0, tzinfo=UTC)
DATES = {"opens_on": "2027-04-01", "closes_on": "2027-06-30", "freeze_on": "2027-09-30"}
WHOLE = {
    "consent_reporting": True,
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "soap_result": "not_applicable",
    "outside_match": False,
    "lor_earned": True,
}
TOKEN = re.compile(r"/(?:uploads|surveys)/([A-Za-z0-9_-]{40,})")


@dataclass
class Done:
    """A rotation that is completed, and whoever had to do with it."""

    client: FlaskClient
    booking_id: UUID
    place: Place
    trainee: Person
    coordinator: Person
    people: People
    author: str = "dr.okafor@hospital.example"

    @cached_property
    def stranger(self) -> Person:
        return self.people.trainee(visa_type="b1_b2")

    @cached_property
    def operator(self) -> Person:
        return self.people.make("operator")

    @cached_property
    def analyst(self) -> Person:
        return self.people.make("analyst")

    def call(self, who: Person | None, method: str, path: str, status: int = 200, **sent: Any):
        headers = {**(who.headers if who else {}), **sent.pop("headers", {})}
        answer = self.client.open(API + path, method=method, headers=headers, **sent)
        assert answer.status_code == status, (method, path, answer.status_code, answer.get_data())
        return answer

    def ask(self, *, waived: bool = True) -> dict[str, Any]:
        sent = {"booking_id": str(self.booking_id), "waived": waived, "message": "Please."}
        return self.call(self.trainee, "POST", "/letters", 201, json=sent).get_json()

    def agree(self, letter_id: str, **changes: Any):
        sent = {
            "agreed": True,
            "strong": True,
            "author_name": "Dr. Amara Okafor",
            "author_email": self.author,
            **changes,
        }
        return self.call(self.coordinator, "POST", f"/letters/{letter_id}/answer", json=sent)

    def upload(self, token: str, content: bytes = PDF, status: int = 200):
        return self.call(
            None,
            "PUT",
            f"/letters/uploads/{token}",
            status,
            data=content,
            headers={"Content-Type": "application/pdf"},
        )


@pytest.fixture
def done(app, client, clock, stage: Stage, people: People) -> Done:  # noqa: F811 - fixtures
    place = stage.place()
    trainee = people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(place, trainee.id)
    coordinator = people.make("coordinator", site_id=place.site_id)
    clock.at = AFTER
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.begin_if_due(session, booking, AFTER)
        rotations.mark_attendance(
            session,
            booking,
            [rotations.Day(booking.first_day, "present")],
            actor_id=coordinator.id,
            now=AFTER,
        )
        rotations.complete(session, booking, actor_id=coordinator.id, now=AFTER)
    return Done(client, booking_id, place, trainee, coordinator, people)


@pytest.fixture
def link_of(run_jobs, mail):
    """The last token in the mails to an address, once the jobs have run."""

    def find(address: str) -> str:
        run_jobs()
        return [token for one in mail.to(address) for token in TOKEN.findall(one.text)][-1]

    return find


@pytest.fixture
def campaign(done):
    made = done.call(done.analyst, "POST", "/campaigns", 201, json={"match_year": 2027, **DATES})
    campaign = made.get_json()
    path = f"/campaigns/{campaign['id']}"
    framed = done.call(done.analyst, "POST", path + "/frame").get_json()
    assert framed == {"joined": 1}
    assert done.call(done.analyst, "POST", path + "/frame").get_json() == {"joined": 0}
    done.call(done.analyst, "POST", path + "/waves", 202)
    return campaign


@pytest.fixture
def token(done, campaign, link_of):
    return link_of(done.trainee.email)


@pytest.fixture
def uploaded(done: Done, link_of):
    """A waived letter that is uploaded, with the author's token."""
    letter = done.ask()
    done.agree(letter["id"])
    token = link_of(done.author)
    done.upload(token)
    return letter["id"], token
