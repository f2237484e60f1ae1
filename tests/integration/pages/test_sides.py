"""What schools, sites and the desk agree on by pages: drafts, rounds, paid places, sheets of students."""

import re
from io import BytesIO

import pytest

from marketplace.booking import queries as bookings
from marketplace.booking.queries import rounds as of_rounds
from marketplace.booking.service import allocating, rescues, rounds
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from marketplace.pages.host import picking
from tests.factories.cohorts import Desk
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_places import WEEK, paid
from tests.integration.pages.hosting import browser_of
from tests.integration.pages.schooling import to
from tests.integration.pages.test_pages import Browser

MARK = re.compile(r'name="quote" value="([0-9a-f]{64})"')


@pytest.fixture
def side(stage):
    return Desk(stage)


@pytest.fixture
def coordinator(app, people, stage, side):
    person = people.make(name="Sara Khan")
    with stage.transaction() as session:
        memberships.grant_role(
            session, person.id, Role.SCHOOL_COORDINATOR, school_id=side.school, now=stage.now
        )
    return browser_of(app, person)


@pytest.fixture
def operator(app, people):
    return browser_of(app, people.make("operator"))


def test_an_agreement_is_drafted_by_either_side_from_a_text_of_the_desk(
    host, base, place, coordinator, operator, side, stage, app, people
):
    own = f"/schools/{side.school}"
    coordinator.get(f"{own}/agreements/new")
    assert "There is no text to draft from yet." in coordinator.body
    operator.get("/desk/agreements")
    text = {"name": "affiliation", "title": "Affiliation agreement", "fields": "who: Who is liable"}
    assert operator.send("/desk/agreements", **text, body="{{school_name}}.").status_code == 422
    assert ">{{school_name}}.</textarea>" in operator.body
    assert "who: Who is liable" in operator.body
    assert (
        operator.send("/desk/agreements", **{**text, "fields": "Who"}, body="x").status_code == 422
    )
    assert "1: " in operator.body
    body = "{{school_name}} and {{site_name}}: {{who}}."
    assert to(operator.send("/desk/agreements", **text, body=body)) == "/desk/agreements"
    operator.get("/desk/agreements?name=affiliation")
    assert 'value="Affiliation agreement"' in operator.body
    coordinator.get(f"/listings/{place.listing_id}")
    way = re.search(r'href="(/schools/agreements/new\?listing_id=[0-9a-f-]+)"', coordinator.body)[1]
    form = to(coordinator.get(way))
    assert coordinator.get(f"{own}/agreements/new?listing=nowhere").status_code == 422
    coordinator.get(form)
    hidden = dict(
        re.findall(r'name="(site_id|template_id)" value="([0-9a-f-]+)"', coordinator.body)
    )
    signers = {
        "signers.0.side": "school", "signers.0.name": "Dean Rao",
        "signers.0.email": "dean@grant.example", "signers.0.role": "Dean",
        "signers.3.side": "site", "signers.3.name": "Dr. Chief",
        "signers.3.email": "chief", "signers.3.role": "Director",
    }  # fmt: skip
    draft = {**hidden, **signers, "starts_on": "2027-01-01", "ends_on": "2028-01-01"}
    assert coordinator.send(f"{own}/agreements/new", **draft).status_code == 422
    assert 'id="signers.3.email-note"' in coordinator.body
    assert 'value="chief"' in coordinator.body
    draft["signers.3.email"] = "chief@mercy.example"
    assert coordinator.send(f"{own}/agreements/new", **draft).status_code == 422
    assert 'id="values.who-note"' in coordinator.body
    made = to(coordinator.send(f"{own}/agreements/new", **draft, **{"values.who": "Both"}))
    coordinator.get(made)
    assert "Grant Medical College and" in coordinator.body
    assert ": Both." in coordinator.body
    host.get(f"{base}/agreements")
    assert f'href="{made}"' in host.body
    host.get(f"{base}/agreements/new?school=Gr")
    assert 'id="school-note"' in host.body
    host.get(f"{base}/agreements/new?school=grant+med")
    choice = re.search(rf'href="({base}/agreements/new\?school_id=[^"]+)"', host.body)[1]
    host.get(choice.replace("&amp;", "&"))
    draft |= {"school_id": str(side.school), "values.who": "The site"}
    second = to(host.send(f"{base}/agreements/new", **draft))
    host.get(second)
    assert f'href="{base}/agreements"' in host.body
    needs = [str(place.listing_id), "site"]
    assert to(host.send(f"{base}/agreements/rules", needs=needs)).endswith("done=saved")
    host.get(f"{base}/agreements")
    assert host.body.count(" checked") == 2
    assert to(host.send(f"{base}/agreements/rules", needs="site"))
    assert host.get(f"{base}/agreements").get_data(as_text=True).count(" checked") == 1
    other = browser_of(app, people.make("site_owner", site_id=stage.place().site_id))
    for path in (f"{base}/agreements", made):
        assert other.get(path).status_code == 404


def test_a_round_is_opened_watched_run_without_effect_and_called_off(
    host, base, place, operator, stage, app, people, run_jobs, monkeypatch
):
    host.get(f"{base}/rounds/new")
    assert 'name="words"' not in host.body
    first = {"listing_id": str(place.listing_id), "first_day": str(FIRST_DAY), "weeks": "4"}
    typed = {f"places.1.{name}": value for name, value in first.items()} | {
        "title": "Summer", "rank_by": "2026-11-24T09:00", "run_at": "2026-11-25T09:00",
        "decide_by": "2026-11-28T09:00", "rows": "3",
    }  # fmt: skip
    assert host.send(f"{base}/rounds/new", **typed, more="yes").status_code == 200
    assert 'id="places.4.weeks"' in host.body
    wrong = {"places.1.weeks": "four", "rank_by": "tomorrow"}
    assert host.send(f"{base}/rounds/new", **{**typed, **wrong}).status_code == 422
    assert 'id="places.1.weeks-note"' in host.body
    assert 'id="rank_by-note"' in host.body
    assert 'value="four"' in host.body
    many = {"places.1.quota": "90"}
    assert host.send(f"{base}/rounds/new", **{**typed, **many}).status_code == 422
    assert 'id="places-note"' in host.body
    other = str(stage.beside(place).listing_id)
    with monkeypatch.context() as few:
        few.setattr(picking, "MOST", 1)
        host.get(f"{base}/rounds/new")
        assert 'name="words"' in host.body
        assert (other in host.body) != (first["listing_id"] in host.body)
        assert host.send(
            f"{base}/rounds/new", **typed, more="yes", **{"places.2.listing_id": other}
        )
        assert f'value="{other}" selected' in host.body
        host.get(f"{base}/rounds/new?words=no+such+listing")
        assert "No listing is like this." in host.body
        for page in ("agreements", "calendar/waiting-list"):
            assert 'name="words"' in host.get(f"{base}/{page}").get_data(as_text=True)
    host.get(f"{base}/rounds/new")
    opened = to(host.send(f"{base}/rounds/new", **typed))
    one = opened.partition("?")[0]
    host.get(opened)
    assert "Its seats are kept" in host.body
    round_id = one.rpartition("/")[2]
    with stage.transaction() as session:
        (spot,) = of_rounds.places(session, [round_id]).popitem()[1]
        trainee = people.trainee(visa_type="b1_b2")
        rounds.rank(
            session, of_rounds.find(session, round_id).id, trainee_id=trainee.id,
            choices=[spot.id], wait_if_unmatched=False, now=stage.now)  # fmt: skip
    asked = to(host.send(f"{one}/dry-runs"))
    host.get(asked)
    assert 'http-equiv="refresh"' in host.body
    run_jobs()
    host.get(asked)
    assert 'http-equiv="refresh"' not in host.body
    run = re.search(r'name="replays" value="([0-9a-f-]+)"', host.body)[1]
    assert to(host.send(f"{one}/dry-runs", replays=run))
    run_jobs()
    host.get(one)
    assert "a replay" in host.body
    other = browser_of(app, people.make("site_owner", site_id=stage.place().site_id))
    assert other.get(one).status_code == 404
    operator.get("/desk/rounds")
    assert f'href="/desk/rounds/{round_id}"' in operator.body
    host.get(one)
    assert host.send(f"{one}/cancel").status_code == 422
    assert to(host.send(f"{one}/cancel", reason="Not needed.")).endswith("done=round_off")
    operator.get("/desk/rounds/new")
    far = {**typed, "places.1.listing_id": f"http://host.test/listings/{place.listing_id}"}
    made = to(operator.send("/desk/rounds/new", **far))
    host.get(f"{base}/rounds/{made.rpartition('/')[2]}")
    assert "/dry-runs" not in host.body
    assert host.send(f"{base}/rounds/{made.rpartition('/')[2]}/dry-runs").status_code == 404
    stage.clock.advance(WEEK)
    with stage.transaction() as session:
        assert allocating.decide_due(session, stage.now)
    operator.get(made)
    assert "the one that counts" in operator.body
    assert operator.send(f"{made}/cancel", reason="Late.").status_code == 422


def test_a_paid_place_has_other_weeks_another_student_a_quote_and_a_rescue(
    coordinator, side, stage, run_jobs
):
    place, elsewhere = stage.place(seats_per_week=3), stage.place(site_name="Rush")
    stage.set_seats(place, 3, FIRST_DAY + 8 * WEEK)
    cohort_id = paid(side, place, side.students[:2])
    spots = {name: one.booking.id for name, one in side.places(cohort_id).items()}
    cohort = f"/schools/{side.school}/cohorts/{cohort_id}"
    first, second = (f"{cohort}/places/{spots[name]}" for name in ("Student 0", "Student 1"))
    coordinator.get(first)
    for way in ("weeks", "transfer", "cancel"):
        assert f'href="{first}/{way}"' in coordinator.body
    assert coordinator.get(f"{first}/weeks?first_day=soon&weeks=x").status_code == 422
    assert 'value="x"' in coordinator.body
    wish = {"first_day": str(FIRST_DAY + 8 * WEEK), "weeks": "4"}
    coordinator.get(f"{first}/weeks?first_day={wish['first_day']}&weeks=4")
    quote = MARK.search(coordinator.body)[1]
    assert coordinator.send(f"{first}/weeks", **wish, quote="0" * 64).status_code == 422
    assert to(coordinator.send(f"{first}/weeks", **wish, quote=quote)).endswith("done=proposed")
    coordinator.get(f"{first}/weeks")
    assert "waits for an answer until" in coordinator.body
    assert to(coordinator.send(f"{first}/withdraw"))
    third = str(side.students[2])
    coordinator.get(f"{first}/transfer?student_id={third}")
    quote = MARK.search(coordinator.body)[1]
    assert to(coordinator.send(f"{first}/transfer", student_id=third, quote=quote))
    coordinator.get(f"{first}/cancel")
    quote = MARK.search(coordinator.body)[1]
    assert coordinator.send(f"{first}/cancel", quote=quote).status_code == 422
    assert 'id="reason-note"' in coordinator.body
    assert to(coordinator.send(f"{first}/cancel", quote=quote, reason="Ill.")).endswith("cancelled")
    booking = spots["Student 1"]
    with stage.transaction() as session:
        rescues.call_off(
            session, bookings.find(session, booking), actor_id=place.owner_id, reason="Closed.",
            now=stage.now)  # fmt: skip
    run_jobs()
    coordinator.get(second)
    assert f'href="{second}/instead"' in coordinator.body
    coordinator.get(f"{second}/instead")
    assert "has not agreed to it yet" in coordinator.body
    with stage.transaction() as session:
        found, student = rescues.offered(session, booking), stage.booking(booking).trainee_id
        rescues.accept(
            session, bookings.find(session, booking), mark=found.quote.mark, actor_id=student,
            now=stage.now)  # fmt: skip
    coordinator.get(f"{second}/instead")
    quote = MARK.search(coordinator.body)[1]
    assert to(coordinator.send(f"{second}/instead", quote=quote)) == f"{second}/instead"
    coordinator.get(f"{second}/instead")
    assert "You took the same weeks elsewhere." in coordinator.body
    assert stage.taken(elsewhere)[FIRST_DAY] == 1
    assert coordinator.send(f"{second}/instead/refund").status_code == 422
    strange = first.replace(str(cohort_id), str(side.hold(stage.place(), side.students[2:])))
    assert coordinator.get(f"{strange}/weeks").status_code == 404


def test_a_sheet_of_students_is_invited_row_by_row(coordinator, side):
    path = f"/schools/{side.school}/students/sheet"
    coordinator.get(f"/schools/{side.school}/students")

    def sent(content: bytes):
        # A file is read to its end: each sending has its own.
        return coordinator.send(path, sheet=(BytesIO(content), "students.csv"))

    assert sent(b"name\nAsha\n").status_code == 422
    assert 'id="sheet-note"' in coordinator.body
    answer = sent(b"name;email\nAsha;asha@grant.example\nBo;bo at grant\n")
    assert answer.status_code == 200
    assert "One was invited" in coordinator.body
    assert "bo at grant" in coordinator.body
    assert to(sent(b"email\nbo@grant.example\n")).endswith("done=invited")
    assert Browser(coordinator.client.application.test_client()).get(path).status_code == 405


def test_somebody_new_adds_a_site_shows_that_it_is_real_and_names_a_preceptor(app, people, stage):
    own, other = (browser_of(app, people.make(name=name)) for name in ("Nora New", "Oz Other"))
    own.get("/host")
    assert 'href="/host/sites/new"' in own.body
    own.get("/host/sites/new")
    facts = {"name": "Elm Clinic", "address": "1 Elm Street", "city": "Peoria", "state": "IL"}
    assert own.send("/host/sites/new", **facts).status_code == 422
    assert 'id="time_zone-note"' in own.body
    assert 'value="Elm Clinic"' in own.body
    facts["time_zone"] = "America/Chicago"
    at = to(own.send("/host/sites/new", **facts)).partition("?")[0]
    own.get(at)
    assert "Not verified yet" in own.body
    assert own.send(f"{at}/evidence", kind="telephone").status_code == 422
    assert 'id="reference-note"' in own.body
    sent = to(own.send(f"{at}/evidence", kind="npi_registry", reference="1234567893"))
    own.get(sent)
    assert "NPI registry: 1234567893" in own.body
    assert own.send(f"{at}/preceptors", preceptor="Amara Okafor", npi="1").status_code == 422
    assert 'id="npi-note"' in own.body
    assert to(own.send(f"{at}/preceptors", preceptor="Amara Okafor", npi="1234567893"))
    version = re.search(r'name="version" value="(\d+)"', own.get(at).get_data(as_text=True))[1]
    assert to(own.send(at, **{**facts, "city": "Pekin"}, version=version))
    own.get(at)
    assert own.send(at, **facts, version=version).status_code == 422
    assert "Somebody else has just changed this." in own.body
    assert other.get(at).status_code == 404
    own.get(f"{at.removesuffix('/site')}/listings/new")
    assert "Amara Okafor" in own.body


def test_a_cohorts_form_names_a_rotation_only_if_it_is_on_show(coordinator, side, stage, place):
    form = f"/schools/{side.school}/cohorts/new?listing_id="
    coordinator.get(f"{form}{place.listing_id}")
    assert f'href="/listings/{place.listing_id}"><strong>' in coordinator.body
    title = "Hands-on Externship"
    hidden = stage.in_review(place.owner_id, title=title, duties="shadowing")
    coordinator.get(f"{form}{hidden}")
    assert title not in coordinator.body
