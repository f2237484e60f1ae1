"""A product in which something has happened on every page, served from this very process.

Its clock stands still, some weeks after a first rotation has been completed.
"""

import csv
import io
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.serving import WSGIRequestHandler, make_server

from marketplace.booking import queries
from marketplace.booking.service import applications, rotations
from marketplace.catalog.models import Site as SiteRow
from marketplace.catalog.service import drifting
from marketplace.catalog.service.drifting import Attested
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.models import Dispute
from marketplace.reporting.service.benchmarks import load_shipped
from marketplace.reporting.service.panel_import import import_panel
from marketplace.webhooks.rules.owners import Owner, Side
from marketplace.webhooks.service import endpoints, replaying
from tests.conftest import Live, run_due_jobs
from tests.e2e import sides, till
from tests.factories import credit, itineraries
from tests.factories.people import People, Person
from tests.factories.rotations import FIRST_DAY, ROW, Stage

AFTER = datetime(2027, 4, 5, 15, 0, tzinfo=UTC)
NEXT = FIRST_DAY + timedelta(weeks=12)
WEEK = timedelta(weeks=1)
PDF = b"%PDF-1.7\n1 0 obj<</Note (Asha Rao)>>endobj\n%%EOF\n"
PANEL = Path("marketplace/reporting/data/sample_panel.csv")
YEAR = 2024
LINK = re.compile(r"/(?:uploads|surveys|letters)/([A-Za-z0-9_.~-]{40,})")
SKILLS = (
    "patient_care", "medical_knowledge", "practice_based_learning", "communication",
    "professionalism", "systems_based_practice",
)  # fmt: skip
DAYS = {"opens_on": "2027-04-01", "closes_on": "2027-06-30", "freeze_on": "2027-09-30"}


class World:
    """Who is there, and where to look first: `starts` has addresses by who looks."""

    def __init__(self, live: Live, stage: Stage, people: People) -> None:
        self.live, self.stage, self.people = live, stage, people
        live.app.load()
        self.client = live.app.test_client()
        self.place = stage.place(approval="request", seats_per_week=3, documents="tb_test;cv")
        self.open = stage.beside(
            self.place, seats_per_week=2, site_name="Prairie Hospital", title="Pediatrics",
            specialty="Pediatrics", city="Peoria",
        )  # fmt: skip
        made = people.make
        self.trainee = people.trainee(visa_type="b1_b2", time_zone="Asia/Kolkata")
        self.host = made("site_owner", site_id=self.place.site_id, name="Olga Owner")
        self.operator = made("operator", name="Alex Kim")
        self.analyst = made("analyst", name="Noor Haddad")
        self.booking = stage.confirmed(self.open, self.trainee.id, whole=True)
        people.grant(self.host, "site_owner", site_id=self.open.site_id)
        self.missed = stage.confirmed(self.open, self.trainee.id, FIRST_DAY + 4 * WEEK)
        other = stage.trainee("Eve Fox")
        self.disputed = stage.confirmed(self.open, other, FIRST_DAY + 4 * WEEK)
        soon = stage.beside(self.place, title="Neurology", specialty="Neurology", seats_per_week=2)
        for name in ("Lena Park", "Omar Said"):
            stage.confirmed(soon, stage.trainee(name), FIRST_DAY + 6 * WEEK, whole=True)
        live.clock.at = AFTER
        self.starts: dict[str, list[str]] = {
            "anybody": [
                "/", "/listings", "/listings?state=AK&most=1", "/registered?email=asha@example.org",
            ],
            "trainee": ["/rotations", "/settings", "/my-data"],
            "host": [f"/host/sites/{self.place.site_id}", "/webhooks"],
            "operator": ["/desk"],
            "analyst": ["/reports"],
        }  # fmt: skip
        for happen in (
            self.rotation, self.seats, self.papers, self.hosting, self.desk, self.outcomes,
        ):  # fmt: skip
            happen()
        sides.add(self)
        till.add(self)
        run_due_jobs(live.app, live.sessions)
        self.links()
        # Last, since jobs would open the pages to pay at, and handle the event: these wait.
        till.told(self, "evt_3", "pi_3")
        stage.pay(self.paying)
        itineraries.pay(stage, self.together)

    def call(self, who: Person | None, method: str, path: str, **sent: Any) -> Any:
        answer = self.client.open(
            f"/api/v1{path}", method=method, headers=who.headers if who else {}, **sent
        )
        assert answer.status_code < 400, (method, path, answer.get_data(as_text=True))
        return answer.get_json(silent=True)

    def rotation(self) -> None:
        """A rotation that is over: attended, with hours, evaluated, with a letter asked for."""
        with self.stage.transaction() as session:
            found = queries.find(session, self.booking)
            rotations.begin_if_due(session, found, AFTER)
            days = [rotations.Day(FIRST_DAY + timedelta(days=day), "present") for day in range(5)]
            rotations.mark_attendance(session, found, days, actor_id=self.host.id, now=AFTER)
            rotations.complete(session, found, actor_id=self.host.id, now=AFTER)
        path = f"/bookings/{self.booking}"
        worked = {"day": str(FIRST_DAY), "minutes": 480, "activity": "Ward rounds."}
        self.call(self.trainee, "POST", f"{path}/hours", json={"days": [worked]})
        form = {"scores": dict.fromkeys(SKILLS, 4), "comments": "Good.", "shown_to_trainee": True}
        self.call(self.host, "POST", f"{path}/evaluations", json=form)
        about = {"booking_id": str(self.booking), "waived": True, "message": "Please."}
        letter = self.call(self.trainee, "POST", "/letters", json=about)["id"]
        agreed = {
            "agreed": True, "strong": True, "author_name": "Dr. Amara Okafor",
            "author_email": "dr.okafor@hospital.example",
        }  # fmt: skip
        self.call(self.host, "POST", f"/letters/{letter}/answer", json=agreed)
        self.letter = letter
        self.call(self.host, "POST", f"{path}/messages", json={"body": "Welcome!\nRoom 4."})

    def seats(self) -> None:
        """What a trainee has kept, asked for, paid, put together and waits for."""
        stage, own = self.stage, self.trainee.id
        self.held = stage.hold(own, self.open, NEXT)
        self.paid = stage.confirmed(self.open, own, NEXT + 4 * WEEK)
        self.paying = stage.hold(own, self.open, NEXT + 8 * WEEK)
        self.asked = stage.hold(own, self.place, NEXT + 12 * WEEK)
        self.call(
            self.trainee, "POST", f"/bookings/{self.asked}/submit", json={"message": "Hello."}
        )
        draft = itineraries.draw_up(stage, own, (self.open, NEXT + 20 * WEEK, 4))
        held, _ = itineraries.held(stage, own, (self.open, NEXT + 24 * WEEK, 4))
        self.together = held
        self.full = stage.beside(self.place, title="Cardiology", specialty="Cardiology")
        stage.hold(stage.trainee("Bo Chen"), self.full, NEXT + 16 * WEEK)
        wish = {
            "listing_id": str(self.full.listing_id), "first_day": str(NEXT + 16 * WEEK), "weeks": 4,
        }  # fmt: skip
        self.call(self.trainee, "POST", "/waiting-list", json=wish)
        self.starts["anybody"].append(f"/listings/{self.full.listing_id}")
        credit.give(stage, own, Money(10_000, "USD"), transferable=True)
        self.starts["trainee"] += [
            f"/listings/{self.open.listing_id}?first_day={NEXT + 16 * WEEK}&weeks=4",
            f"/rotations/{self.held}",
            f"/rotations/{self.booking}",
            f"/bookings/{self.booking}",
            f"/rotations/{self.paying}/payment",
            f"/rotations/{self.paying}/returned?paid=yes",
            f"/rotations/{self.paid}/pay",
            f"/rotations/{self.paid}/weeks?first_day={NEXT + 16 * WEEK}&weeks=4",
            f"/itineraries/{draft}",
            f"/itineraries/{held}/payment",
            f"/itineraries/{held}/returned?paid=yes",
            *(
                f"/rotations/{self.booking}/{page}"
                for page in ("letter", "days", "papers", "messages")
            ),
            f"/rotations/{self.asked}/documents",
        ]

    def papers(self) -> None:
        """A document that was sent for a rotation and waits for the host and the desk."""
        data = {"kind": "tb_test", "filename": "tb.pdf", "media_type": "application/pdf"}
        asked = self.call(
            self.trainee, "POST", "/documents/uploads",
            json={**data, "facts": {"issued_on": "2027-03-01"}, "size": len(PDF)},
        )  # fmt: skip
        path = asked["url"].partition("/api/v1")[2]
        taken = self.call(None, "PUT", path, data=PDF, content_type="application/pdf")
        document = {"document_ids": [taken["document_id"]]}
        self.call(self.trainee, "POST", f"/bookings/{self.asked}/documents", json=document)
        self.call(
            self.trainee, "POST", "/saved-searches",
            json={"name": "Near Chicago", "filters": {"state": "IL", "price_max": 250000}},
        )  # fmt: skip

    def hosting(self) -> None:
        """More applications, a sheet that was read, an endpoint with a delivery."""
        self.asks: list[UUID] = []
        for name in ("Cy Dee", "Dora Esch"):
            asked = self.stage.hold(self.stage.trainee(name), self.place, NEXT + 12 * WEEK)
            with self.stage.transaction() as session:
                found = queries.find(session, asked)
                applications.submit(session, found, message="Please.", now=self.stage.now)
            self.asks.append(asked)
        out = io.StringIO()
        writer = csv.DictWriter(out, ["external_id", *ROW])
        writer.writeheader()
        writer.writerow({**ROW, "external_id": "S-1"})
        writer.writerow({**ROW, "external_id": "S-2", "setting": "on the moon"})
        self.call(
            self.host, "PUT", f"/sites/{self.place.site_id}/imports/{new_id()}?filename=my.csv",
            data=out.getvalue().encode(), content_type="text/csv",
        )  # fmt: skip
        owner, now = Owner(Side.SITE, self.place.site_id), self.stage.now
        with self.stage.transaction() as session:
            row, _ = endpoints.create(
                session, owner, url="https://hooks.example.org/rotations",
                types=["booking.confirmed"], description="Our calendar", actor_id=self.host.id,
                now=now,
            )  # fmt: skip
            replaying.ping(session, row, now)

    def desk(self) -> None:
        """One of each thing that waits for an operator."""
        stage, now = self.stage, self.stage.now
        title = {"title": "Hands-on Externship", "duties": "shadowing;chart_review"}
        stage.in_review(self.place.owner_id, **title)
        with stage.transaction() as session:
            waiting = session.get_one(SiteRow, self.place.site_id)
            waiting.waiting_since = now
            drifting.judge(
                session, self.full.listing_id, [Attested({"shadowing"}, now, 1)] * 3, now
            )
            session.execute(
                text(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
                    " VALUES ('default', 'catalog.tidy', '{}', 'failed', 5)"
                )
            )
            payment = queries.find(session, self.booking).payment_id
            session.add(
                Dispute(
                    id=new_id(), processor_dispute="dp_1", payment_id=payment,
                    amount=Money(20_000, "USD"), reason="product_not_received",
                    status="needs_response", state="open", opened_at=now,
                    due_by=now + timedelta(days=9), losses_borne_by="platform",
                    evidence={"customer_name": "Asha Rao"}, evidence_state="ready",
                )
            )  # fmt: skip
        self.call(self.operator, "POST", "/operator/tiers/runs", json={"classifier": "usce-1"})
        terms = {"valid_from": "2027-01-01", "host_fee_percent": "5.00", "note": "As agreed."}
        contracts = f"/operator/sites/{self.place.site_id}/fee-contracts"
        self.call(self.operator, "POST", contracts, json=terms)

    def outcomes(self) -> None:
        """A campaign with its frame and first wave, and a published report."""
        told = {"registered": True, "certified_rol": True, "main_result": "matched_pgy1"}
        path = "/match-outcomes"
        own = self.call(self.trainee, "PUT", f"{path}/2026", json={**told, "program": "Mercy"})
        seen = {"values": told, "source": "document_verified", "evidence": "NRMP letter"}
        self.call(self.analyst, "POST", f"{path}/{own['id']}/entries", json=seen)
        self.call(self.trainee, "PUT", f"{path}/2026", json={"main_result": "unmatched"})
        made = self.call(self.analyst, "POST", "/campaigns", json={"match_year": 2027, **DAYS})
        self.call(self.analyst, "POST", f"/campaigns/{made['id']}/frame")
        self.call(self.analyst, "POST", f"/campaigns/{made['id']}/waves")
        with self.stage.transaction() as session:
            taken = datetime(2024, 7, 1, tzinfo=UTC)
            load_shipped(session, taken)
            import_panel(session, PANEL.read_text("utf-8"), YEAR, taken)
        run = self.call(self.analyst, "POST", f"/reports/match/{YEAR}/runs", json={"public": True})
        self.starts["analyst"] += [f"/campaigns/{made['id']}", f"/reports/runs/{run['id']}"]

    def links(self) -> None:
        """Addresses that are mailed, or printed."""
        mail = self.live.mail
        self.starts["trainee"].append(f"/letters/{self.letter}/programs?q=internal+medicine")
        for address in (self.trainee.email, "dr.okafor@hospital.example", *sides.MAILED):
            for one in mail.to(address):
                self.starts["anybody"] += [
                    found[0] for found in re.finditer(r"(?<=marketplace\.test)/\S+", one.text)
                ]
        papers = self.call(self.trainee, "GET", f"/bookings/{self.booking}/papers")["items"]
        self.starts["anybody"] += [
            one["check_address"].partition("marketplace.test")[2]
            for one in papers
            if one.get("check_address")
        ]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Requests are logged by the product."""


@pytest.fixture
def world(live: Live) -> Iterator[World]:
    stage, people = Stage(live.sessions, live.clock), People(live.app)
    yield World(live, stage, people)
    stage.close()
    people.close()


@pytest.fixture
def served(world: World) -> Iterator[str]:
    """The address at which the world's product is served."""
    server = make_server("127.0.0.1", 0, world.live.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
