"""What a site does besides on its pages: incidents, certificates, calendars, files, errors by name."""

import io
import re
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import rotations
from marketplace.catalog.queries import sites
from marketplace.catalog.service import import_runs
from marketplace.catalog.states import ImportMode
from marketplace.core.ids import new_id
from marketplace.outcomes.service import hours
from tests.factories.rotations import FIRST_DAY
from tests.integration.pages.hosting import browser_of

# A letter that is owed for a booking, and a payout that was sent for it.
LINES = """
INSERT INTO letter (id, letter_code, booking_id, trainee_id, site_id, state, waived, packet, message,
    asked_at)
SELECT :letter, :code, id, trainee_id, site_id, 'asked', true, '{}', '', :now
FROM booking WHERE id = :booking;
INSERT INTO share_release (id, payable_kind, payable_id, site_id, step, from_at, told_at)
SELECT :release, 'booking', id, site_id, 'first', :now, :now FROM booking WHERE id = :booking;
INSERT INTO host_transfer (id, payable_kind, payable_id, tranche, release_id, site_id, currency,
    gross_minor, fee_minor, netted_minor, amount_minor, state, earned_at)
SELECT :sent, 'booking', id, 1, :release, site_id, 'USD', 100, 0, 0, 100, 'sent', :now
FROM booking WHERE id = :booking
"""
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


def test_a_teaching_certificate_is_taken_back_and_had_anew(
    host, base, place, stage, clock, app, run_jobs
):
    page, booking = f"{base}/teaching", begun(stage, place, host, clock)
    with stage.transaction() as session:
        logged = hours.write(session, booking, [hours.Worked(FIRST_DAY, 480)], stage.now)
        hours.sign(session, booking, [logged.days[0].id], signer_id=host.person.id, now=stage.now)
    days = {"from": str(FIRST_DAY), "to": str(FIRST_DAY)}
    host.get(page)
    assert host.send(page, **days).status_code == 303
    host.get(page)
    assert "The file is being made." in host.body
    assert "again.js" in host.body
    run_jobs()
    host.get(page)
    assert "again.js" not in host.body
    back = re.search(rf'action="({page}/([^/"]+)/revocation)"', host.body)
    code = re.search(r'href="[^"]*(/check/[^"]+)"', host.body)[1]
    assert host.send(back[1]).status_code == 422
    assert f'id="why-{back[2]}-note"' in host.body
    why = {f"why-{back[2]}": "Signed for another ward."}
    assert host.send(back[1], **why).status_code == 303
    host.get(page)
    assert "Signed for another ward." in host.body
    assert "/revocation" not in host.body
    assert "This paper was revoked." in checked(app, code)
    assert host.send(back[1], **why).status_code == 422
    assert host.send(page, **days).status_code == 303
    host.get(page)
    assert host.body.count("/revocation") == 1
    assert "Signed for another ward." not in checked(app, code)


def checked(app, path):
    return app.test_client().get(path).get_data(as_text=True)


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


def test_no_list_asks_more_for_more_rows(host, base, place, stage, count_queries):
    ward = stage.beside(place, seats_per_week=3, approval="request")
    pages = (
        *("", "/coming", "/applications", f"/roster?day={FIRST_DAY}", "/calendar", "/letters"),
        *("/calendar/pools", "/documents", "/listings", "/imports", "/money", "/people"),
    )

    def asked():
        found = {}
        for page in pages:
            with count_queries() as seen:
                assert host.get(base + page).status_code == 200
            found[page] = len(seen)
        return found

    def more(name):
        one_of_each(stage, stage.beside(place), ward, name, host.person.id)

    more("Ada")
    stage.clock.advance(FIRST_DAY - timedelta(days=14) - stage.now.date())
    host.sign_in(host.person)
    few = asked()
    more("Bo")
    more("Cy")
    assert asked() == few
    # Besides a fixed few, with everything on it: what is asked of those who come.
    assert few[""] <= 11
    for page, what in {"": "Bo", "/money": "$1.00", "/letters": "Cy", "/imports": "Cy"}.items():
        host.get(base + page)
        assert what in host.body


def one_of_each(stage, listed, ward, name, by):
    """What the panel's lists have: who comes, an application, a letter, a payout, an import."""
    with stage.transaction() as session:
        site = sites.site(session, ward.site_id)
        import_runs.begin(
            session,
            new_id(),
            owner_account_id=ward.owner_id,
            account_id=by,
            site=site,
            mode=ImportMode.ROWS,
            commit=False,
            file_name=name,
            now=stage.now,
        )
    stage.submitted(ward, stage.trainee(name))
    booking = stage.confirmed(listed, stage.trainee(name))
    ids = {"booking": booking, "letter": new_id(), "release": new_id(), "sent": new_id()}
    with stage.transaction() as session:
        for insert in LINES.split(";"):
            session.execute(text(insert), {**ids, "code": name, "now": stage.now})
