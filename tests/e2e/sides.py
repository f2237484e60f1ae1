"""What a world has besides: a school with its cohorts, agreements, rounds, and what goes wrong."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.service import no_shows, rescues, schooling
from marketplace.booking.service.cohorts import changing
from marketplace.catalog.service.importing import import_listings
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Account
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships, site_people
from tests.e2e import till
from tests.factories.cohorts import Desk
from tests.factories.rotations import FIRST_DAY, ROW
from tests.factories.schools import link

WEEK = timedelta(weeks=1)
LATER = FIRST_DAY + timedelta(weeks=40)
TEXT = {
    "name": "affiliation",
    "title": "Affiliation agreement",
    "body": "{{school_name}} sends students to {{site_name}} from {{starts_on}} to {{ends_on}}.\n\n"
    "Liability: {{liability}}",
    "fields": [{"key": "liability", "label": "Who is liable for what"}],
}
SIGNERS = [
    {"side": "school", "name": "Dean Rao", "email": "dean@grant.example", "role": "Dean"},
    {"side": "site", "name": "Dr. Chief", "email": "chief@mercy.example", "role": "Director"},
]

# Whom mails with links are sent to.
MAILED = ("dean@grant.example", "new.student@example.org", "dev@example.org", "cora@example.org")


def add(world: Any) -> None:
    """Let it happen in this world; where to look is added to its `starts`."""
    stage = world.stage
    place = stage.beside(
        world.place, title="Family medicine", specialty="Family Medicine", seats_per_week=6,
        first_start=str(FIRST_DAY), last_start=str(LATER + 12 * WEEK),
    )  # fmt: skip
    # What is called off is found elsewhere: nothing has to be paid back.
    for name in ("Family Medicine", "Pediatrics"):
        stage.beside(
            world.place,
            title=f"{name} at Elm",
            specialty=name,
            site_name="Elm Clinic",
            last_start=str(LATER + 12 * WEEK),
        )
    side = Desk(stage, students=5)
    world.coordinator = world.people.make(name="Sara Khan")
    with stage.transaction() as session:
        memberships.grant_role(
            session, world.coordinator.id, Role.SCHOOL_COORDINATOR, school_id=side.school,
            now=stage.now,
        )  # fmt: skip
    made = world.call(
        world.operator, "POST", "/operator/schools", json={"name": "Seth College", "country": "IN"}
    )
    waits = f"/operator/schools/{made['id']}/coordinators"
    world.call(
        world.operator, "POST", waits, json={"email": world.people.make(name="Ravi Iyer").email}
    )
    base = f"/schools/{side.school}"
    world.starts["coordinator"] = [base]
    _school(world, side, place, base)
    _agreements(world, side)
    _rounds(world, place)
    _troubles(world)
    _shared(world)


def _school(world: Any, side: Desk, place: Any, base: str) -> None:
    stage, (first, second, third, _, fifth) = world.stage, side.students
    (own,) = link(stage, side.school, world.trainee.id)
    kept = side.hold(place, [first, second], LATER)
    paid = side.hold(place, [first, second, third, fifth], LATER + 4 * WEEK)
    owed = side.hold(place, [first, second], LATER + 8 * WEEK)
    for one in (paid, owed):
        side.answer(one)
    side.transfer(side.invoice(paid))
    side.invoice(owed)
    till.goes_back(world, side.places(paid)["Student 4"].booking.id)
    called_off = side.places(paid)["Student 2"].booking.id
    with stage.transaction() as session:
        rescues.call_off(
            session, queries.find(session, called_off), actor_id=world.host.id, reason="Closed.",
            now=stage.now,
        )  # fmt: skip
        schooling.ask(
            session, queries.find(session, world.held), message="It counts.", now=stage.now
        )
    handed_on = side.places(paid)["Student 1"].booking.id
    with stage.transaction() as session:
        given = {"student_id": own, "terms": stage.terms, "now": stage.now}
        booking = queries.find(session, handed_on)
        mark = changing.quote_transfer(session, booking, **given).mark
        changing.propose_transfer(
            session, booking, mark=mark, message="Yours?", actor_id=side.coordinator, **given
        )
    invite = {"email": "new.student@example.org"}
    world.call(world.coordinator, "POST", f"{base}/students", json=invite)
    world.call(
        world.coordinator,
        "POST",
        f"{base}/coordinators/invitations",
        json={"email": "dev@example.org"},
    )
    spot = f"{base}/cohorts/{paid}/places/{side.places(paid)['Student 0'].booking.id}"
    when = f"first_day={LATER + 12 * WEEK}&weeks=4"
    world.starts["coordinator"] += [
        f"{base}/cohorts/{kept}",
        f"{spot}/weeks?{when}",
        f"{spot}/cancel",
        f"{base}/cohorts/{paid}/places/{called_off}/instead",
        f"/webhooks/schools/{side.school}/new",
        f"{spot}/transfer?student_id={side.students[3]}",
        f"{base}/cohorts/new?listing_id={place.listing_id}&{when}",
        f"{base}/agreements/new?listing={place.listing_id}",
        f"/listings/{place.listing_id}",
    ]


def _agreements(world: Any, side: Desk) -> None:
    made = world.call(world.operator, "POST", "/operator/agreement-templates", json=TEXT)
    draft = {
        "school_id": str(side.school), "site_id": str(world.place.site_id),
        "template_id": made["id"], "values": {"liability": "Each side for its own."},
        "signers": SIGNERS, "starts_on": "2027-05-01", "ends_on": "2028-05-01",
    }  # fmt: skip
    world.call(world.coordinator, "POST", "/agreements", json=draft)
    sent = world.call(world.host, "POST", "/agreements", json=draft)["id"]
    world.call(world.host, "POST", f"/agreements/{sent}/send")
    with world.live.app.app_context(), world.stage.transaction() as session:
        site_people.invite(
            session,
            world.place.site_id,
            "Lakeview",
            "cora@example.org",
            Role.COORDINATOR,
            actor=session.get_one(Account, world.host.id),
            signer=world.live.app.extensions["marketplace.parts"].get(LinkSigner),
            now=world.stage.now,
        )
    world.starts["host"] += [
        f"/host/sites/{world.place.site_id}/agreements/new?school=grant",
        f"/host/sites/{world.place.site_id}/agreements/new?school_id={side.school}",
    ]


def _rounds(world: Any, place: Any) -> None:
    now = world.stage.now
    wish = {
        "rank_by": (now + timedelta(days=3)).isoformat(),
        "run_at": (now + timedelta(days=4)).isoformat(),
        "decide_by": (now + timedelta(days=9)).isoformat(),
        "places": [
            {"listing_id": str(place.listing_id), "first_day": str(LATER + 12 * WEEK), "weeks": 4,
             "quota": 2}
        ],
    }  # fmt: skip
    at = f"/sites/{world.place.site_id}/rounds"
    own = world.call(world.host, "POST", at, json={"title": "Spring at our site", **wish})
    world.call(world.operator, "POST", "/operator/rounds", json={"title": "Spring 2028", **wish})
    for one in own["places"]:
        choices = {"choices": [one["id"]], "wait_if_unmatched": True}
        world.call(world.trainee, "POST", f"/rounds/{own['id']}/ranking", json=choices)
    world.call(world.host, "POST", f"/rounds/{own['id']}/dry-runs", json={})
    world.starts["trainee"].append("/rounds")


def _shared(world: Any) -> None:
    """Seats that two listings share; and drafts of a sheet, made last: nobody has published them."""
    stage, site, owner = world.stage, world.place.site_id, world.place.owner_id
    both = [
        stage.beside(world.place, title=f"Psychiatry, {when}", specialty="Psychiatry")
        for when in ("days", "evenings")
    ]
    pool = world.call(world.host, "POST", f"/sites/{site}/pools", json={"name": "Ward 4"})["id"]
    stage.set_seats(replace(both[0], pool_id=UUID(pool)), 2, FIRST_DAY + 12 * WEEK, 8)
    ids = {"listing_ids": [str(one.listing_id) for one in both], "alone": True}
    world.call(world.host, "POST", f"/sites/{site}/pools/{pool}/listings", json=ids)
    out = io.StringIO()
    sheet = csv.DictWriter(out, ["external_id", *ROW])
    sheet.writeheader()
    for number, title in enumerate(("Dermatology Clinic", "Hands-on Observership"), 1):
        sheet.writerow({**ROW, "external_id": f"D-{number}", "title": title})
    with stage.transaction() as session:
        import_listings(session, out.getvalue(), owner, True, stage.now)
    world.starts["host"].append(f"/host/sites/{site}/listings?state=draft")


def _troubles(world: Any) -> None:
    """A rotation that its host calls off, and one to which nobody came."""
    stage, own = world.stage, world.trainee.id
    off = stage.confirmed(world.open, own, FIRST_DAY + 8 * WEEK)
    with stage.transaction() as session:
        by: dict[str, Any] = {"actor_id": world.host.id, "now": stage.now}
        rescues.call_off(session, queries.find(session, off), reason="Closed.", **by)
        found = queries.find(session, world.missed)
        no_shows.mark(session, found, reason="Did not come.", **by)
    came = {"words": "I came each day."}
    with stage.transaction() as session:
        found = queries.find(session, world.disputed)
        no_shows.mark(session, found, reason="Did not come.", **by)
        no_shows.dispute(session, found, now=stage.now, **came)
    storm = {
        "first_day": str(LATER),
        "last_day": str(LATER),
        "states": ["IL"],
        "reason": "A storm.",
    }
    world.call(world.operator, "POST", "/operator/force-majeure", json=storm)
    world.call(world.analyst, "POST", "/exports", json={"match_year": 2024})
    world.starts["analyst"].append("/desk/exports")
    world.starts["trainee"] += [
        "/offers",
        f"/rotations/{off}/instead",
        f"/rotations/{world.missed}/no-show",
        f"/rotations/{world.paid}/cancel",
    ]
    own_site, other = (f"/host/sites/{one.site_id}" for one in (world.place, world.open))
    weeks = f"first_week={LATER}&last_week={LATER + WEEK}"
    world.starts["host"] += [
        "/host/sites/new",
        f"{other}/letters/{world.letter}",
        f"{own_site}/applications/beside?booking={world.asked}&booking={world.asks[0]}",
        f"{own_site}/calendar/edit?action=close&{weeks}",
        f"{own_site}/roster?day={FIRST_DAY + 6 * WEEK}",
        *(
            f"{other}/rotations/{world.booking}{more}"
            for more in ("", "/hours", "/evaluation", "/incidents")
        ),
        f"{other}/teaching",
        f"{other}/money",
    ]
    world.starts["operator"] += [
        f"/desk/accounts/{own}",
        f"/desk/bookings/{world.paid}/cancel",
        "/desk/reports/2024",
        "/desk/no-shows",
    ]
