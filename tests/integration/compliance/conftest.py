"""A booking that asks for documents, and everybody who has to do with them."""

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from marketplace.adapters.queue import Context
from marketplace.app import sessions_of
from marketplace.compliance import tasks
from tests.factories.people import People, Person, people  # noqa: F401 - a fixture
from tests.factories.rotations import Place, Stage, stage  # noqa: F401 - a fixture

API = "/api/v1"
SECRET = b"Asha Rao, born 4 May 1998, passport Z1234567"
PDF = b"%PDF-1.7\n1 0 obj<</Note (" + SECRET + b")>>endobj\n%%EOF\n"
TYPE = "application/pdf"


@dataclass
class Desk:
    """Calls the API as somebody, and knows the ways of a document."""

    client: FlaskClient
    people: People
    stage: Stage
    place: Place
    trainee: Person
    coordinator: Person

    @cached_property
    def colleague(self) -> Person:
        return self.people.make("coordinator", site_id=self.place.site_id, name="Ben Ode")

    @cached_property
    def operator(self) -> Person:
        return self.people.make("operator", name="Olga Staff")

    @cached_property
    def rival(self) -> Person:
        return self.people.trainee(visa_type="b1_b2", name="Omar Diaz")

    @cached_property
    def elsewhere(self) -> Place:
        return self.stage.place(site_name="Prairie Hospital")

    @cached_property
    def neighbour(self) -> Person:
        """A coordinator at another site."""
        return self.people.make("coordinator", site_id=self.elsewhere.site_id, name="Nia Else")

    @property
    def site(self) -> str:
        return f"/sites/{self.place.site_id}"

    def call(self, who: Person | None, method: str, path: str, status: int = 200, **sent: Any):
        headers = {**(who.headers if who else {}), **sent.pop("headers", {})}
        answer = self.client.open(API + path, method=method, headers=headers, **sent)
        assert answer.status_code == status, (method, path, answer.status_code, answer.get_data())
        return answer

    def ask(self, requirements: list[dict[str, Any]], path: str | None = None, status: int = 200):
        """Set what the site (or what is at `path`) asks for."""
        path = f"{path or self.site}/requirements"
        tag = self.call(self.coordinator, "GET", path).headers["ETag"]
        sent = {"requirements": requirements}
        return self.call(
            self.coordinator, "PUT", path, status, json=sent, headers={"If-Match": tag}
        )

    def address(self, who: Person | None = None, status: int = 201, **changes: Any):
        wish = {
            "kind": "tb_test",
            "filename": "tb-test.pdf",
            "media_type": TYPE,
            "size": len(PDF),
            "facts": {"issued_on": "2026-11-01"},
            **changes,
        }
        return self.call(who or self.trainee, "POST", "/documents/uploads", status, json=wish)

    def send(self, url: str, content: bytes = PDF, status: int = 200, media_type: str = TYPE):
        path = urlsplit(url).path.removeprefix(API)
        headers = {"Content-Type": media_type}
        return self.call(None, "PUT", path, status, data=content, headers=headers)

    def upload(self, who: Person | None = None, content: bytes = PDF, **changes: Any) -> str:
        """Upload a document; its id."""
        asked = self.address(who, size=len(content), **changes).get_json()
        taken = self.send(asked["url"], content).get_json()
        assert taken["state"] == "taken"
        return taken["document_id"]

    def release(self, booking_id: UUID, *documents: str, status: int = 200):
        return self.call(
            self.trainee,
            "POST",
            f"/bookings/{booking_id}/documents",
            status,
            json={"document_ids": list(documents)},
        )

    def decide(
        self,
        who: Person,
        document: str,
        decision: str = "accepted",
        status: int = 201,
        **sent: Any,
    ):
        where = "/operator" if who is self.operator else self.site
        body = {"decision": decision, "version": 1, **sent}
        return self.call(who, "POST", f"{where}/documents/{document}/decisions", status, json=body)

    def link(self, who: Person, document: str, status: int = 201, version: int = 1, **sent: Any):
        where = {id(self.operator): "/operator", id(self.trainee): ""}.get(id(who), self.site)
        path = f"{where}/documents/{document}/links"
        return self.call(who, "POST", path, status, json={"version": version, **sent})

    def read(self, who: Person, document: str, **sent: Any) -> bytes:
        url = self.link(who, document, **sent).get_json()["url"]
        return self.call(None, "GET", urlsplit(url).path.removeprefix(API)).get_data()

    def clearance(self, booking_id: UUID, who: Person | None = None) -> dict[str, Any]:
        return self.call(who or self.trainee, "GET", f"/bookings/{booking_id}/clearance").get_json()

    def state_of(self, booking_id: UUID, key: str = "tb_test") -> str:
        items = self.clearance(booking_id)["items"]
        return next(item["state"] for item in items if item["key"] == key)


def a_requirement(key: str = "tb_test", **changes: Any) -> dict[str, Any]:
    within = {"rule": "within_months", "months": 12}
    return {
        "key": key,
        "title": key.replace("_", " ").capitalize(),
        "alternatives": [[{"kind": key, "validity": within}]],
        **changes,
    }


@pytest.fixture
def desk(client, stage: Stage, people: People) -> Desk:  # noqa: F811 - fixtures
    place = stage.place()
    trainee = people.trainee(visa_type="b1_b2")
    coordinator = people.make("coordinator", site_id=place.site_id, name="Cora Diaz")
    return Desk(client, people, stage, place, trainee, coordinator)


@pytest.fixture
def booked(desk: Desk) -> UUID:
    """A confirmed booking that asks for a tuberculosis test."""
    desk.ask([a_requirement()])
    return desk.stage.confirmed(desk.place, desk.trainee.id)


@pytest.fixture
def jobs(app):
    """The jobs of compliance, run here and now."""
    context = Context(app.extensions["marketplace.parts"], sessions_of(app))
    return SimpleNamespace(remind=lambda: tasks.remind(context), tidy=lambda: tasks.tidy(context))
