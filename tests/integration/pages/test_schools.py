"""What a school's mails lead to: students and colleagues say yes or no, signers sign, coordinators decide."""

import re
from dataclasses import replace

import pytest

from marketplace.booking import queries
from marketplace.booking.service import schooling
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.rules.agreements import CONSENT, Signer
from marketplace.compliance.service import agreements
from marketplace.core.settings import Settings
from marketplace.identity.rules import SEEN_WORDS
from marketplace.pages.school import words
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import link
from tests.integration.pages.schooling import LINK, mailed, to
from tests.integration.pages.test_pages import Browser


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def browser_of(app):
    def opened(person):
        made = Browser(app.test_client())
        made.sign_in(person)
        return made

    return opened


def test_the_words_that_are_agreed_to_are_those_of_the_rules():
    assert dict(words.SEEN) == dict(SEEN_WORDS)
    assert words.CONSENT == CONSENT


def test_a_student_is_invited_accepts_chooses_anew_and_leaves(
    desk, anybody, people, school, run_jobs, mail
):
    base = f"/schools/{school}"
    assert to(desk.get("/schools")) == base
    desk.get(f"{base}/students")
    answer = desk.send(f"{base}/students", email="no address")
    assert answer.status_code == 422
    assert ">no address</textarea>" in desk.body
    student = people.trainee(name="Asha Rao", visa_type="b1_b2")
    desk.get(f"{base}/students")
    assert to(desk.send(f"{base}/students", email=student.email)).endswith("done=invited")
    path = mailed(run_jobs, mail, "invites you as its student")
    for _ in range(2):
        assert anybody.get(path).status_code == 200
        assert anybody.body.count("/sign-in?next=") == 1
    assert "no-store" in anybody.get(path).headers["Cache-Control"]
    assert to(anybody.send(path)).startswith("/sign-in?next=%2Fschools%2Finvitations")
    assert to(anybody.sign_in(student, path)) == path
    anybody.get(path)
    assert anybody.send(path, sees="everything", wording="2026-11").status_code == 422
    assert anybody.send(path, sees="dates", wording="older").status_code == 422
    assert "has changed" in anybody.body
    assert to(anybody.send(path, sees=["bookings", "dates"], wording="2026-11")) == (
        "/my-school?done=linked"
    )
    assert anybody.get(path).status_code == 404
    anybody.get("/my-school")
    assert anybody.body.count(" checked") == 2
    assert to(anybody.send("/my-school", sees="bookings", wording="2026-11"))
    desk.get(f"{base}/students")
    assert "Asha Rao" in desk.body
    one = re.search(rf'href="({base}/students/[0-9a-f-]+)"', desk.body)[1]
    assert "bookings" in desk.get(one).get_data(as_text=True)
    anybody.get("/my-school")
    assert to(anybody.send("/my-school/leave"))
    assert "linked to no school" in anybody.get("/my-school").get_data(as_text=True)
    desk.get(one)
    assert "Asha Rao" not in desk.body


def test_a_colleague_takes_on_the_school_by_the_address_that_was_invited(
    desk, anybody, people, school, run_jobs, mail
):
    base = f"/schools/{school}"
    colleague, other = people.make(name="Dev Rao"), people.make()
    desk.get(f"{base}/people")
    assert to(desk.send(f"{base}/people", email=colleague.email)).endswith("done=colleague")
    path = mailed(run_jobs, mail, "asks you to act for it")
    anybody.sign_in(other, path)
    anybody.get(path)
    assert "Sign out above" in anybody.body
    assert anybody.send(path).status_code == 403
    anybody.send("/sign-out")
    anybody.sign_in(colleague, path)
    anybody.get(path)
    assert to(anybody.send(path)) == f"{base}?done=joined"
    assert "You act for this school now" in anybody.get(f"{base}?done=joined").get_data(
        as_text=True
    )
    anybody.get(f"{base}/people")
    ends = re.findall(rf'action="({base}/people/[0-9a-f-]+/end)"', anybody.body)
    assert len(ends) == 2
    for one in ends:
        anybody.get(f"{base}/people")
        anybody.send(one)
    # The last one stays: whoever ends both is told so beside the list.
    desk.get("/schools")
    anybody.get("/schools")
    assert {desk.body.count("You act for no school"), anybody.body.count("You act for no")} == {
        0,
        1,
    }


def test_a_request_is_approved_once_and_declined_with_a_reason(
    desk, stage, place, people, school, coordinator, app
):
    students = [people.trainee(name=f"Student {n}", visa_type="b1_b2") for n in range(2)]
    link(stage, school, *(one.id for one in students))
    held = [stage.hold(students[0].id, place), stage.hold(students[1].id, stage.place())]
    with stage.transaction() as session:
        for one in held:
            schooling.ask(
                session, queries.find(session, one), message="It <b>counts</b>.", now=stage.now
            )
    base = f"/schools/{school}"
    desk.get(base)
    assert desk.body.count("Decide by") == 2
    first, second = (f"{base}/requests/{one}" for one in held)
    desk.get(first)
    assert "It &lt;b&gt;counts&lt;/b&gt;." in desk.body
    assert "CST" in desk.body or "UTC" in desk.body
    assert to(desk.send(f"{first}/approve")) == f"{first}?done=approved"
    desk.get(second)
    assert desk.send(f"{second}/decline", reason=" ").status_code == 422
    assert 'id="reason-note"' in desk.body
    assert to(desk.send(f"{second}/decline", reason="You are needed here."))
    desk.get(second)
    assert "You are needed here." in desk.body
    assert "/approve" not in desk.body
    again = desk.send(f"{first}/decline", reason="No.")
    assert again.status_code == 409
    assert "Sara Khan was faster" in desk.body
    desk.get(f"{base}/requests")
    assert "No student waits for your word." in desk.body
    desk.get(f"{base}/requests?all=yes")
    assert desk.body.count(f'href="{base}/requests/') == 2
    assert "No booking" not in desk.get(f"{base}/bookings").get_data(as_text=True)
    stranger = Browser(app.test_client())
    stranger.sign_in(students[0])
    for path in ("", "/requests", "/students", "/bookings", "/people", f"/requests/{held[0]}"):
        assert stranger.get(f"{base}{path}").status_code == 404
    spanish = desk.get(base, **{"Accept-Language": "es"})
    assert spanish.status_code == 200


def test_an_agreement_is_read_signed_in_order_and_another_declined(
    desk, anybody, stage, place, people, parts, coordinator, school, run_jobs, mail
):
    operator = people.make("operator")
    signers = [
        Signer("school", "Dean Rao", "dean@grant.example", "Dean"),
        Signer("site", "Dr. Chief", "chief@mercy.example", "Director"),
    ]
    with stage.transaction() as session:
        template = agreements.make_template(
            session, name="affiliation", title="Affiliation agreement",
            body="{{school_name}} and {{site_name}} agree.", fields=[],
            actor_id=operator.id, now=stage.now)  # fmt: skip
        for last in (2028, 2029):
            wanted = agreements.Wanted(
                school_id=school, school_name="Grant Medical College", site_id=place.site_id,
                site_name="Mercy", values={}, signers=signers,
                starts_on=stage.now.date(), ends_on=stage.now.date().replace(year=last))  # fmt: skip
            drafted = agreements.draft(
                session, template, wanted, actor_id=coordinator.id, now=stage.now
            )
            agreements.send(
                session, drafted.id, signer=parts.get(LinkSigner), actor_id=coordinator.id,
                now=stage.now)  # fmt: skip
    run_jobs()
    first, other = (LINK.search(one.text)[1] for one in mail.sent if one.to == "dean@grant.example")
    anybody.get(first)
    assert "Grant Medical College and Mercy agree." in anybody.body
    digest = re.search(r'name="sha256" value="([0-9a-f]{64})"', anybody.body)[1]
    given = {"sha256": digest, "wording": "2026-11", "consent": "yes"}
    assert anybody.send(first, **given).status_code == 422
    assert 'id="typed_name-note"' in anybody.body
    given["typed_name"] = "Dean Rao"
    assert anybody.send(first, **{**given, "consent": ""}).status_code == 422
    assert 'value="Dean Rao"' in anybody.body
    assert anybody.send(first, **{**given, "sha256": "0" * 64}).status_code == 422
    assert anybody.send(first, **given).status_code == 200
    assert "Signed, thank you" in anybody.body
    assert anybody.get(first).status_code == 404
    chief = mailed(run_jobs, mail, "To sign")
    anybody.get(chief)
    assert anybody.send(chief, **{**given, "typed_name": "A. Chief"}).status_code == 200
    assert "it is in force" in anybody.body
    run_jobs()
    desk.get(f"/schools/{school}/agreements")
    pages = re.findall(r'href="(/agreements/[0-9a-f-]+)"', desk.body)
    states = {path: desk.get(path).get_data(as_text=True) for path in pages}
    (signed,) = (path for path, body in states.items() if "In force" in body)
    assert desk.client.get(f"{signed}/file").mimetype == "application/pdf"
    assert anybody.get(signed).status_code == 303
    desk.get(signed)
    assert desk.send(f"{signed}/end").status_code == 422
    assert to(desk.send(f"{signed}/end", reason="By both sides.")) == signed
    anybody.get(other)
    assert anybody.send(f"{other}/refusal").status_code == 422
    assert anybody.send(f"{other}/refusal", reason="Too long.").status_code == 200
    assert "Too long." in anybody.body


def test_places_are_booked_answered_handed_on_invoiced_and_paid(
    desk, stage, people, school, coordinator, app, run_jobs
):
    place = stage.place(seats_per_week=3)
    students = [people.trainee(name=f"Student {n}", visa_type="b1_b2") for n in range(4)]
    ids = link(stage, school, *(one.id for one in students))
    base = f"/schools/{school}"
    assert to(desk.get("/schools/book?listing_id=x&weeks=4")).startswith(f"{base}/cohorts/new?")
    desk.get(f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    assert "/schools/book?listing_id=" in desk.body
    desk.get(f"{base}/cohorts/new")
    wish = {
        "name": "Sixth year",
        "listing_id": f"http://host.test/listings/{place.listing_id}?weeks=4",
        "first_day": FIRST_DAY.isoformat(),
        "weeks": "4",
    }
    assert desk.send(f"{base}/cohorts", **{**wish, "weeks": "four"}).status_code == 422
    assert 'value="four"' in desk.body
    assert "student_ids-note" in desk.body
    answer = desk.send(f"{base}/cohorts", **wish, student_ids=[str(one) for one in ids])
    assert answer.status_code == 422
    assert "not 4 seats" in desk.body
    assert desk.body.count(" checked") == 4
    cohort = to(desk.send(f"{base}/cohorts", **wish, student_ids=[str(one) for one in ids[:3]]))
    cohort = cohort.partition("?")[0]
    desk.get(cohort)
    assert desk.body.count("No answer yet") == 3
    spots = re.findall(rf'href="({cohort}/places/([0-9a-f-]+))">(Student \d)', desk.body)
    paths = {name: (path, booking) for path, booking, name in spots}
    for name, said in (("Student 0", "yes"), ("Student 1", "no")):
        own = Browser(app.test_client())
        own.sign_in(students[int(name[-1])])
        page = f"/rotations/{paths[name][1]}/school"
        own.get(page)
        assert "Grant Medical College keeps this place for you" in own.body
        assert own.send(f"{page}/answer").status_code == 422
        assert to(own.send(f"{page}/answer", agreed=said)) == page
        own.get(page)
        assert own.send(f"{page}/answer", agreed=said).status_code == 422
    run_jobs()
    third = paths["Student 2"][0]
    at = re.search(r"<dt>Rotation</dt><dd>([^<]+)<", desk.get(third).text)[1]
    assert f'<p class="help">{at}</p>' in desk.get(f"{base}/cohorts").text
    desk.get(third)
    assert desk.send(f"{third}/hand-on").status_code == 422
    assert to(desk.send(f"{third}/hand-on", student_id=str(ids[3])))
    desk.get(cohort)
    assert desk.send(f"{cohort}/invoice").status_code == 422
    assert "without-note" in desk.body
    (silent,) = set(re.findall(r'name="without" value="([0-9a-f-]+)"', desk.body))
    assert to(desk.send(f"{cohort}/invoice", without=silent)) == f"{cohort}?done=invoiced"
    desk.get(f"{base}/invoices")
    invoice = re.search(rf'href="({base}/invoices/[0-9a-f-]+)"', desk.body)[1]
    run_jobs()
    desk.get(invoice)
    assert "$2,240.00" in desk.body
    assert "The place of Student 0" in desk.body
    assert "Our staff tells you the account" in desk.body
    parts = app.extensions["marketplace.parts"]
    before = parts.get(Settings)
    parts.add(Settings, replace(before, bank_details="First Bank, 0123456789"))
    desk.get(invoice)
    parts.add(Settings, before)
    assert "First Bank, 0123456789" in desk.body
    file = desk.client.get(f"{invoice}/file")
    assert (file.status_code, file.mimetype) == (200, "application/pdf")
    paid = f"{invoice}/payment"
    assert to(desk.send(f"{invoice}/payments")) == paid
    assert "Opening the payment page" in desk.get(paid).get_data(as_text=True)
    assert "Waiting for your payment" in desk.get(f"{invoice}/returned?paid=yes").text
    desk.get(base)
    assert "Invoiced, to be paid" in desk.body
    desk.get(cohort)
    assert desk.send(f"{cohort}/give-up").status_code == 422
    assert to(desk.send(f"{cohort}/give-up", reason="No money."))
    run_jobs()
    assert to(desk.get(paid)) == invoice
    desk.get(invoice)
    assert "Void" in desk.body
    assert "Credit note" in desk.body
    stranger = Browser(app.test_client())
    stranger.sign_in(students[0])
    for path in (cohort, third, invoice, f"{invoice}/file", f"{base}/agreements"):
        assert stranger.get(path).status_code == 404


def test_applications_of_a_cohort_are_handed_to_a_host_that_decides(
    desk, stage, people, school, app
):
    place = stage.place(approval="request", seats_per_week=2)
    student = people.trainee(name="Asha Rao", visa_type="b1_b2")
    (one,) = link(stage, school, student.id)
    base = f"/schools/{school}"
    desk.get(f"{base}/cohorts/new?listing_id={place.listing_id}&first_day={FIRST_DAY}&weeks=4")
    cohort = to(
        desk.send(
            f"{base}/cohorts", name="Sixth year", listing_id=str(place.listing_id),
            first_day=FIRST_DAY.isoformat(), weeks="4", student_ids=str(one),
        )
    ).partition("?")[0]  # fmt: skip
    desk.get(cohort)
    assert desk.send(f"{cohort}/submit", message="All are keen.").status_code == 422
    assert ">All are keen.</textarea>" in desk.body
    own = Browser(app.test_client())
    own.sign_in(student)
    booking = re.search(r"/places/([0-9a-f-]+)", desk.body)[1]
    own.get(f"/rotations/{booking}")
    assert "Your school keeps this place for you. Say yes or no." in own.body
    own.get(f"/rotations/{booking}/school")
    own.send(f"/rotations/{booking}/school/answer", agreed="yes")
    desk.get(cohort)
    assert to(desk.send(f"{cohort}/submit", message="All are keen.")) == f"{cohort}?done=submitted"
    desk.get(cohort)
    assert "With the host" in desk.body
    spot = f"{cohort}/places/{booking}"
    desk.get(spot)
    assert desk.send(f"{spot}/give-up").status_code == 422
    assert to(desk.send(f"{spot}/give-up", reason="She is needed here."))


def test_a_student_asks_the_school_from_the_rotations_page(browser_of, stage, people, school):
    student = people.trainee(name="Asha Rao", visa_type="b1_b2")
    link(stage, school, student.id)
    booking = stage.hold(student.id, stage.place())
    own = browser_of(student)
    own.get(f"/rotations/{booking}")
    page = f"/rotations/{booking}/school"
    assert page in own.body
    assert "ask your school" in own.get(page).get_data(as_text=True)
    assert to(own.send(page, message="Please.")) == page
    own.get(page)
    assert "Not decided yet" in own.body
    assert browser_of(people.trainee(visa_type="b1_b2")).get(page).status_code == 404
