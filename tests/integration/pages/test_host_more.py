"""What a site does besides on its pages: incidents, certificates, calendars, files, errors by name."""

import io
import re
from datetime import UTC, datetime, time, timedelta

from marketplace.booking import queries
from marketplace.booking.service import rotations
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of

PDF = b"%PDF-1.7\n1 0 obj<</Note (Map)>>endobj\n%%EOF\n"


def begun(stage, place, host, clock):
    """A rotation whose first day is over; its trainee has logged it."""
    trainee = stage.trainee("Cy Dee")
    ward = stage.beside(place, title="Pediatrics", specialty="Pediatrics")
    booking = stage.confirmed(ward, trainee, whole=True)
    clock.at = datetime.combine(FIRST_DAY, time(15), UTC) + timedelta(days=2)
    with stage.transaction() as session:
        found = queries.find(session, booking)
        rotations.begin_if_due(session, found, stage.now)
        day = rotations.Day(FIRST_DAY, "present")
        rotations.mark_attendance(session, found, [day], actor_id=host.person.id, now=stage.now)
    return booking


def test_an_incident_is_noted_and_stays(host, base, place, stage, clock, people, app):
    booking = begun(stage, place, host, clock)
    page = f"{base}/rotations/{booking}/incidents"
    host.get(f"{base}/rotations/{booking}")
    assert page in host.body
    host.get(page)
    assert "Nothing has been noted." in host.body
    assert host.send(page, happened_on="", body="A fall.").status_code == 422
    assert "<strong>When</strong>: " in host.body
    assert ">A fall.</textarea>" in host.body
    assert host.send(page, happened_on=str(FIRST_DAY), body="A fall.").status_code == 303
    host.get(page)
    assert "A fall." in host.body
    assert "Olga Owner" in host.body
    other = browser_of(
        app,
        people.make(
            "site_owner",
            site_id=stage.beside(
                place, site_name="Elm Clinic", title="Pediatrics", specialty="Pediatrics"
            ).site_id,
        ),
    )
    assert other.get(page).status_code in {403, 404}


def test_a_file_goes_along_with_a_message(host, base, place, stage, clock):
    booking = begun(stage, place, host, clock)
    own = f"{base}/rotations/{booking}"
    host.get(own)
    wrong = (io.BytesIO(b"MZ"), "map.exe")
    assert host.send(f"{own}/messages", body="The way.", file=wrong).status_code == 422
    assert ">The way.</textarea>" in host.body
    good = (io.BytesIO(PDF), "map.pdf")
    assert host.send(f"{own}/messages", body="The way.", file=good).status_code == 303
    host.get(own)
    assert "map.pdf" in host.body
    read = re.search(rf'action="({own}/files/[^"]+)"', host.body)[1]
    assert host.send(read).status_code == 303


def test_teaching_is_certified_where_hours_were_signed(host, base):
    page = f"{base}/teaching"
    host.get(f"{base}/roster")
    assert page in host.body
    host.get(page)
    assert "No certificate yet." in host.body
    days = {"from": "2027-03-01", "to": "2027-03-31"}
    assert host.send(page, **days).status_code == 422
    assert "No hours that you signed are in this period." in host.body
    assert 'value="2027-03-01"' in host.body


def test_a_calendar_has_an_address_that_is_shown_once(host, place, app):
    host.get(f"/calendars?site={place.site_id}")
    assert "Dr. Amara Okafor" in host.body
    assert host.send("/calendars", whose="site", name="Ward").status_code == 422
    made = host.send("/calendars", whose=f"site {place.site_id}", name="Ward")
    assert made.headers["Cache-Control"] == "no-store"
    path = re.search(r"/api/v1/calendar-feeds/[\w-]+/rotations\.ics", host.body)[0]
    assert app.test_client().get(path).data.startswith(b"BEGIN:VCALENDAR")
    host.get("/calendars")
    assert path not in host.body
    revoke = re.search(r'action="(/calendars/[^"]+/revoke)"', host.body)[1]
    assert host.send(revoke).status_code == 303
    assert app.test_client().get(path).status_code == 404


def test_the_summary_of_errors_names_its_fields(host, base):
    host.get(f"{base}/listings/new")
    host.send(f"{base}/listings/new", title="Ward", duties=["shadowing"])
    assert '<a href="#specialty"><strong>Specialty</strong>: Fill this in.</a>' in host.body
