"""A world with something of everything in it, and one caller of each kind."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from marketplace.catalog.service import publishing
from marketplace.catalog.service.importing import import_listings
from tests.factories.people import Person
from tests.factories.rotations import ROW, Place, Stage, verify_sites
from tests.integration.api.schools import a_school_in_it
from tests.integration.outcomes.conftest import Done

LATER = date(2027, 6, 7)
# The table whose ids a path's parameter takes.
TABLES = {
    "account_id": "account",
    "agreement_id": "agreement",
    "booking_id": "booking",
    "campaign_id": "campaign",
    "cohort_id": "cohort",
    "edit_id": "calendar_edit",
    "endpoint_id": "webhook_endpoint",
    "secret_id": "webhook_secret",
    "delivery_id": "webhook_message",
    "document_id": "document",
    "entry_id": "match_outcome_event",
    "export_id": "export_run",
    "feed_id": "calendar_feed",
    "invitation_id": "coordinator_invitation",
    "invoice_id": "invoice",
    "key_id": "api_key",
    "letter_id": "letter",
    "membership_id": "membership",
    "notice_id": "notice",
    "outcome_id": "match_outcome",
    "paper_id": "paper",
    "payment_id": "payment",
    "quarantine_id": "quarantine",
    "refund_id": "refund",
    "review_id": "listing_review",
    "right_id": "identified_right",
    "run_id": "report_run",
    "schedule_id": "export_schedule",
    "school_id": "school",
    "student_id": "school_student",
    "template_id": "agreement_template",
    "upload_id": "document_upload",
}


@dataclass
class World:
    """Who calls, and what there is to be named, by the name of the parameter that names it."""

    connection: Connection
    callers: dict[str, Person | None]
    values: dict[str, list[Any]]
    places: list[dict[str, str]]

    def headers(self, role: str) -> dict[str, str]:
        caller = self.callers[role]
        return caller.headers if caller else {}


def build(
    done: Done, stage: Stage, connection: Connection, upload: str, link_of: Any, run_jobs: Any
) -> World:
    """Make it all as its people would, over HTTP where that can be done."""
    trainee, client = done.trainee, done
    owner = done.people.make("site_owner", site_id=done.place.site_id)
    asked = stage.place(seats_per_week=3, approval="request", site_name="Harbor Clinic")
    at_once = stage.place(seats_per_week=3, site_name="Prairie Hospital")
    for place in (asked, at_once):
        done.people.grant(owner, "site_owner", site_id=place.site_id)
    confirmed = stage.confirmed(at_once, trainee.id, LATER)
    stage.hold(trainee.id, at_once, date(2027, 8, 2))
    submitted = stage.hold(trainee.id, asked, date(2027, 9, 6))
    client.call(trainee, "POST", f"/bookings/{submitted}/submit", json={})
    unpaid = stage.hold(trainee.id, at_once, date(2027, 10, 4))
    client.call(trainee, "POST", f"/bookings/{unpaid}/payments", 201, json={})
    quote = client.call(trainee, "POST", f"/bookings/{confirmed}/cancellation-quote", json={})
    client.call(trainee, "POST", "/me/api-keys", 201, json={"name": "Diary", "scopes": ["read"]})
    booking = f"/bookings/{done.booking_id}"
    client.call(trainee, "POST", f"{booking}/attestation", 201,
                json={"duties": ["history_taking"], "in_person": True})  # fmt: skip
    client.call(trainee, "PUT", "/match-outcomes/2027",
                json={"registered": True, "main_result": "matched_pgy1"})  # fmt: skip
    _documents(client, confirmed)
    survey = _survey(client, link_of)
    feeds = _calendars(client, owner, trainee, at_once)
    for public in (False, True):
        client.call(done.analyst, "POST", "/reports/match/2027/runs", 202, json={"public": public})
    client.call(done.analyst, "POST", "/exports", 202, json={"match_year": 2027})
    _exports(client, stage.now + timedelta(days=30))
    _listing_to_review(stage, owner)
    coordinator, wordings = a_school_in_it(done, stage, at_once)
    run_jobs()
    _webhooks(client, owner, at_once)
    with stage.transaction() as session:
        payment = session.execute(text("SELECT id FROM payment WHERE state = 'settled'")).scalar()
    client.call(done.operator, "POST", f"/operator/payments/{payment}/refunds", 201,
                json={"amount": {"amount": 100, "currency": "USD"}, "reason": "Good will."})  # fmt: skip
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO quarantine (id, processor_object, reason, details, payment_id, found_at)"
                " VALUES (gen_random_uuid(), 'cs_strange', 'wrong amount', '{}', :payment, now())"
            ),
            {"payment": payment},
        )
        values = {
            name: [str(one) for one in session.execute(text(f"SELECT id FROM {table}")).scalars()]
            for name, table in TABLES.items()
        }
        pairs = session.execute(
            text("SELECT site_id, id, pool_id FROM listing JOIN listing_pool ON listing_id = id")
        ).all()
    assert all(values.values()), {name for name, found in values.items() if not found}
    values |= {
        "match_year": [2027],
        "name": ["outcomes.csv", "codebook.json", "../etc/passwd"],
        "code": ["00000-00000-00000-00000-00000-0"],
        "tier": ["externship", "nothing"],
        "kid": ["nothing"],
        "purpose": ["match_result_statistics", "survey", "nothing"],
        "token": [upload, survey, *feeds],
        "quote": [quote.get_json()["quote"]],
        "session_id": [f"cs_{payment}"],
        "first_day": [LATER.isoformat(), "2027-11-01"],
        "email": [trainee.email, "nobody@example.org"],
        "password": [trainee.password],
        "current": [trainee.password],
        "wording": wordings,
        "If-Match": ["*"],
    }
    callers = {
        "anonymous": None,
        "trainee": trainee,
        "site_owner": owner,
        "school_coordinator": coordinator,
        "operator": done.operator,
        "analyst": done.analyst,
    }
    places = [
        {"site_id": str(site), "listing_id": str(listing), "pool_id": str(pool)}
        for site, listing, pool in pairs
    ]
    return World(connection, callers, values, places)


def _exports(client: Done, until: datetime) -> None:
    """Plan one, and let the analyst have identified ones."""
    plan = {"name": "weekly", "cron": "0 6 * * 1"}
    client.call(client.analyst, "POST", "/exports/schedules", 201, json=plan)
    right = {
        "account_id": str(client.analyst.id),
        "reason": "checks the records",
        "expires_at": until.isoformat(),
    }
    client.call(client.operator, "POST", "/exports/rights", 201, json=right)


def _webhooks(client: Done, owner: Person, place: Place) -> None:
    """An endpoint of a site, and a message on its way there that nobody sends."""
    wish = {"url": "https://hooks.example/", "types": ["booking.confirmed"]}
    base = f"/sites/{place.site_id}/webhooks"
    made = client.call(owner, "POST", base, 201, json=wish).get_json()
    client.call(owner, "POST", f"{base}/{made['id']}/ping", 202)


def _calendars(client: Done, owner: Person, trainee: Person, place: Place) -> list[str]:
    """Edit a site's calendar, and subscribe to two; the secrets of their addresses."""
    site = f"/sites/{place.site_id}"
    edit = {"weeks": ["2027-11-29"], "action": "close", "commit": True, "why": "Holidays."}
    client.call(owner, "POST", f"{site}/calendar/edits", json=edit, headers={"If-Match": "*"})
    wishes = (
        (owner, {"kind": "site", "site_id": str(place.site_id)}),
        (trainee, {"kind": "trainee"}),
    )
    made = [client.call(who, "POST", "/me/calendar-feeds", 201, json=wish) for who, wish in wishes]
    return [one.get_json()["address"].split("/")[-2] for one in made]


def _documents(client: Done, booking_id: Any) -> None:
    """A document that was handed over for a booking and waits for its site's decision."""
    content = b"%PDF-1.7\n%%EOF\n"
    wish = {"kind": "tb_test", "filename": "tb.pdf", "media_type": "application/pdf"}
    asked = client.call(client.trainee, "POST", "/documents/uploads", 201,
                        json={**wish, "size": len(content)}).get_json()  # fmt: skip
    where = asked["url"].partition("/api/v1")[2]
    sent = {"data": content, "headers": {"Content-Type": "application/pdf"}}
    document = client.call(None, "PUT", where, **sent).get_json()["document_id"]
    client.call(client.trainee, "POST", f"/bookings/{booking_id}/documents",
                json={"document_ids": [document]})  # fmt: skip


def _survey(client: Done, link_of: Any) -> str:
    """Send a campaign's first wave; the token that the trainee is mailed."""
    dates = {"opens_on": "2027-04-01", "closes_on": "2027-06-30", "freeze_on": "2027-09-30"}
    made = client.call(
        client.analyst, "POST", "/campaigns", 201, json={"match_year": 2027, **dates}
    )
    path = f"/campaigns/{made.get_json()['id']}"
    client.call(client.analyst, "POST", f"{path}/frame")
    client.call(client.analyst, "POST", f"{path}/waves", 202)
    return link_of(client.trainee.email)


def _listing_to_review(stage: Any, owner: Person) -> None:
    """A listing whose title promises what its duties do not hold waits for an operator."""
    row = {**ROW, "external_id": "T-review", "site_name": "Bayside Clinic",
           "title": "Hands-on Externship", "duties": "shadowing"}  # fmt: skip
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, row)
    writer.writeheader()
    writer.writerow(row)
    with stage.transaction() as session:
        import_listings(session, sheet.getvalue(), owner.id, True, stage.now)
        verify_sites(session, owner.id, stage.now)
        publishing.request_all(session, owner.id, owner.id, stage.now)


def add_listings(stage: Any, people: Any, world: World, count: int) -> None:
    """Publish so many more listings, at a site whose owner calls."""
    host, owner = people.make(), world.callers["site_owner"]
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, [*ROW, "external_id"])
    writer.writeheader()
    for number in range(count):
        writer.writerow({**ROW, "external_id": f"T-many-{number}", "site_name": "Many Clinics"})
    with stage.transaction() as session:
        import_listings(session, sheet.getvalue(), host.id, True, stage.now)
        verify_sites(session, host.id, stage.now)
        publishing.request_all(session, host.id, host.id, stage.now)
        rows = session.execute(
            text("SELECT site_id, id FROM listing WHERE external_id LIKE 'T-many-%'")
        ).all()
    people.grant(owner, "site_owner", site_id=rows[0].site_id)
    world.places += [{"site_id": str(site), "listing_id": str(one)} for site, one in rows]
