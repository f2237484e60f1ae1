"""Affiliation agreements: drafted, signed in order by links, in force, reminded of, ended."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.adapters.link_signer import HmacLinkSigner
from marketplace.booking import queries as bookings
from marketplace.booking.errors import AgreementMissing, NotCleared
from marketplace.booking.service import applications, rotations, schooling
from marketplace.compliance import tasks
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules.agreements import CONSENT_WORDING, Signer
from marketplace.compliance.service import agreement_upkeep, agreements
from marketplace.core.errors import DomainError
from marketplace.core.ports import ObjectStore
from tests.factories.rotations import FIRST_DAY, Stage
from tests.factories.schools import a_coordinator, a_school, link

API = "/api/v1"
TOKEN = re.compile(r"/agreements/signing/([A-Za-z0-9_-]{40,})")
BODY = "{{school_name}} and {{site_name}} agree.\n\nLiability: {{liability}}."
SIGNERS = [
    {"side": "school", "name": "Dean Rao", "email": "dean@grant.example", "role": "Dean"},
    {"side": "site", "name": "Dr. Chief", "email": "chief@mercy.example", "role": "Director"},
]
SIGNER = HmacLinkSigner(["a key for tests of some length"])


class Desk:
    """Both sides of an agreement over HTTP."""

    def __init__(self, client, people, stage) -> None:
        self.client, self.stage = client, stage
        self.place = stage.place()
        self.host = people.make("coordinator", site_id=self.place.site_id)
        self.preceptor = people.make("preceptor", site_id=self.place.site_id)
        self.operator, self.stranger = people.make("operator"), people.make()
        self.school_id = a_school(stage)
        self.coordinator = people.make(name="Sara Khan")
        with stage.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO membership (id, account_id, role, school_id, granted_at)"
                    " VALUES (gen_random_uuid(), :who, 'school_coordinator', :school, now())"
                ),
                {"who": self.coordinator.id, "school": self.school_id},
            )
        template = {
            "name": "affiliation",
            "title": "Affiliation agreement",
            "body": BODY,
            "fields": [{"key": "liability", "label": "Liability"}],
        }
        self.template = self.call(
            self.operator, "POST", "/operator/agreement-templates", 201, json=template
        )["id"]

    def call(self, who, method, path, status=200, **sent):
        headers = {**(who.headers if who else {}), **sent.pop("headers", {})}
        answer = self.client.open(API + path, method=method, headers=headers, **sent)
        assert answer.status_code == status, (method, path, answer.status_code, answer.get_data())
        return answer.json if answer.is_json else answer

    def draft(self, status=201, who=None, **changes):
        wanted = {
            "school_id": str(self.school_id),
            "site_id": str(self.place.site_id),
            "template_id": self.template,
            "values": {"liability": "each its own"},
            "signers": SIGNERS,
            "starts_on": "2027-01-01",
            "ends_on": "2027-12-31",
            **changes,
        }
        return self.call(who or self.coordinator, "POST", "/agreements", status, json=wanted)

    def sign(self, token, status=200, **changes):
        seen = self.call(None, "GET", f"/agreements/signing/{token}")
        sent = {
            "typed_name": seen["name"],
            "consent": True,
            "sha256": seen["sha256"],
            "wording": seen["wording"],
            **changes,
        }
        path = f"/agreements/signing/{token}"
        return self.call(
            None, "POST", path, status, json=sent, headers={"User-Agent": "Test browser"}
        )


@pytest.fixture
def desk(client, people, stage):
    return Desk(client, people, stage)


@pytest.fixture
def token_of(mail, run_jobs):
    def find(address):
        run_jobs()
        return [one for sent in mail.to(address) for one in TOKEN.findall(sent.text)][-1]

    return find


def test_it_is_signed_in_order_and_the_file_has_the_trail(desk, token_of, run_jobs, mail, app):
    made = desk.draft()
    assert made["state"] == "draft"
    assert "each its own" in made["body"]
    path = f"/agreements/{made['id']}"
    run_jobs()
    assert not mail.to("dean@grant.example")
    # A signer with an account is written to as that reads.
    own = "email = 'dean@grant.example', locale = 'es', time_zone = 'America/Chicago'"
    with desk.stage.transaction() as session:
        session.execute(text(f"UPDATE account SET {own} WHERE id = '{desk.stranger.id}'"))
    desk.call(desk.coordinator, "POST", f"{path}/send")
    assert not mail.to("chief@mercy.example")
    dean = token_of("dean@grant.example")
    asked = mail.to("dean@grant.example")[0].text
    assert "Le toca firmar" in asked
    assert "UTC" not in asked
    for _ in range(2):
        desk.call(None, "GET", f"/agreements/signing/{dean}")
    other = desk.sign(dean, 409, sha256="0" * 64)
    assert (other["code"], other["sha256"]) == ("agreement_words_changed", made["sha256"])
    desk.sign(dean, 422, consent=False)
    assert desk.sign(dean)["state"] == "out_for_signature"
    desk.call(None, "GET", f"/agreements/signing/{dean}", 404)
    assert desk.sign(token_of("chief@mercy.example"))["state"] == "in_force"
    desk.call(desk.host, "GET", f"{path}/file", 404)
    run_jobs()
    file = desk.call(desk.host, "GET", f"{path}/file")
    assert file.get_data().startswith(b"%PDF-")
    done = desk.call(desk.host, "GET", path)
    assert [one["typed_name"] for one in done["signers"]] == ["Dean Rao", "Dr. Chief"]
    assert [one["to_state"] for one in done["history"]] == [
        "draft",
        "out_for_signature",
        "in_force",
    ]
    with desk.stage.transaction() as session:
        rows = session.execute(
            text("SELECT address, user_agent, sha256 FROM agreement_signature")
        ).all()
    assert {tuple(row) for row in rows} == {("127.0.0.1", "Test browser", made["sha256"])}
    assert mail.to("dean@grant.example")[-1].attachments[0].filename == "agreement.pdf"
    assert app.extensions["marketplace.parts"].get(ObjectStore)


def test_only_the_two_sides_know_of_it(desk, people):
    made = desk.draft(who=desk.host)
    path = f"/agreements/{made['id']}"
    assert [one["id"] for one in desk.call(
        desk.coordinator, "GET", f"/agreements?school_id={desk.school_id}")["items"]
    ] == [made["id"]]  # fmt: skip
    for ask in (f"school_id={desk.school_id}", f"site_id={desk.place.site_id}", ""):
        desk.call(desk.stranger, "GET", f"/agreements?{ask}", 404)
    desk.call(desk.coordinator, "GET", f"/agreements?site_id={desk.place.site_id}", 404)
    desk.call(desk.stranger, "GET", path, 404)
    desk.call(desk.stranger, "POST", f"{path}/send", 404)
    desk.call(desk.preceptor, "POST", f"{path}/send", 403)
    desk.draft(404, who=desk.stranger)
    desk.call(desk.stranger, "POST", "/operator/agreement-templates", 403, json={
        "name": "a", "title": "b", "body": "c"})  # fmt: skip
    rules = f"/sites/{desk.place.site_id}/agreement-rules"
    desk.call(desk.coordinator, "PUT", rules, 404, json={"required": True})
    desk.call(desk.preceptor, "PUT", rules, 403, json={"required": True})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": {}}, "values.liability"),
        ({"values": {"liability": "x", "more": "y"}}, "values.more"),
        ({"signers": [SIGNERS[0], {**SIGNERS[0], "email": "x@y.example"}]}, "signers"),
        ({"ends_on": "2026-12-31"}, "ends_on"),
    ],
)
def test_what_does_not_fit_is_named(desk, changes, field):
    assert field in desk.draft(422, **changes)["fields"]


def test_a_signer_who_declines_ends_it_and_old_links_sign_nothing(desk, token_of, clock):
    path = f"/agreements/{desk.draft()['id']}"
    desk.call(desk.coordinator, "POST", f"{path}/send")
    first = token_of("dean@grant.example")
    clock.advance(timedelta(days=8))
    with desk.stage.transaction() as session:
        assert agreement_upkeep.remind(session, SIGNER, clock.now()) == 1
    with desk.stage.transaction() as session:
        assert agreement_upkeep.remind(session, SIGNER, clock.now()) == 0
    desk.call(None, "GET", f"/agreements/signing/{first}", 404)
    desk.call(desk.host, "POST", f"{path}/void", json={"reason": "Wrong dates."})
    desk.call(desk.host, "POST", f"{path}/void", 409, json={"reason": "Again."})
    again = f"/agreements/{desk.draft()['id']}"
    desk.call(desk.coordinator, "POST", f"{again}/send")
    token = token_of("dean@grant.example")
    refusal = f"/agreements/signing/{token}/refusal"
    assert desk.call(None, "POST", refusal, json={"reason": "No clause."})["state"] == "void"
    desk.call(None, "POST", refusal, 404, json={"reason": "No clause."})


def agreed(stage, school_id, place, starts_on="2027-01-01", ends_on="2027-12-31"):
    """An agreement in force, signed through the service."""
    made_by = stage.account("Maker")
    with stage.transaction() as session:
        template = agreements.make_template(
            session, name="plain", title="Agreement", body="We agree.", fields=[],
            actor_id=made_by, now=stage.now)  # fmt: skip
        wanted = agreements.Wanted(
            school_id, "Grant", place.site_id, "Lakeview", {},
            [Signer(**one) for one in SIGNERS],
            FIRST_DAY.fromisoformat(starts_on), FIRST_DAY.fromisoformat(ends_on))  # fmt: skip
        found = agreements.draft(session, template, wanted, actor_id=made_by, now=stage.now)
        agreements.send(session, found.id, signer=SIGNER, actor_id=made_by, now=stage.now)
        agreement_id = found.id
    for _ in SIGNERS:
        sign_next(stage, agreement_id)
    return agreement_id


def sign_next(stage, agreement_id):
    with stage.transaction() as session:
        found = queries.find(session, agreement_id)
        who = next(
            one.signer for one in queries.signings(session, agreement_id) if not one.signature
        )
        token = SIGNER.sign(agreements.PURPOSE, who.id, who.expires_at)
        agreements.sign(
            session, SIGNER, token, typed_name=who.name, sha256=found.sha256,
            wording=CONSENT_WORDING, trail=agreements.Trail("127.0.0.1", "x"),
            now=stage.now)  # fmt: skip


def needed(stage, place, listing_id=None):
    with stage.transaction() as session:
        agreement_upkeep.require(
            session, place.site_id, listing_id, actor_id=place.owner_id, now=stage.now
        )


def test_a_booking_waits_for_its_agreement_and_is_told(stage):
    school = a_school(stage)
    coordinator, student = a_coordinator(stage, school), stage.trainee()
    link(stage, school, student)
    place = stage.place(approval="request")
    needed(stage, place)
    booking_id = stage.submitted(place, student)
    with stage.transaction() as session:
        booking = bookings.find(session, booking_id)
        applications.approve(session, booking, actor_id=place.owner_id, now=stage.now)
    assert stage.told(coordinator)[-1] == "agreement_missing"
    assert stage.booking(booking_id).hold_expires_at - stage.now == timedelta(days=21)
    with pytest.raises(AgreementMissing) as refused:
        stage.pay(booking_id)
    assert refused.value.extra["school_id"] == str(school)
    agreed(stage, school, place, ends_on="2027-03-27")
    with pytest.raises(AgreementMissing):
        stage.pay(booking_id)
    assert "agreement_found" not in stage.told(student)
    agreed(stage, school, place)
    assert stage.told(student)[-1] == "agreement_found"
    assert stage.settle(stage.pay(booking_id)) == "settled"
    assert stage.state(booking_id) == "confirmed"
    assert stage.findings() == []


def test_who_has_no_school_is_told_what_to_do_and_others_are_not_touched(stage, count_queries):
    place = stage.place(seats_per_week=3)
    beside = stage.beside(place, title="Another rotation")
    before = stage.hold(stage.trainee(), place)
    needed(stage, place, place.listing_id)
    booking_id = stage.hold(stage.trainee(), place)
    with pytest.raises(AgreementMissing, match="linked to your school"):
        stage.pay(booking_id)
    with stage.transaction() as session:
        waits = schooling.waits_for(session, bookings.find(session, booking_id))
        assert [one.code for one in waits] == ["agreement_missing"]
    assert stage.settle(stage.pay(before)) == "settled"
    assert stage.settle(stage.pay(stage.hold(stage.trainee(), beside))) == "settled"
    with stage.transaction() as session:
        agreement_upkeep.require_no_more(
            session, place.site_id, place.listing_id, actor_id=place.owner_id, now=stage.now
        )
        booking = bookings.find(session, stage.hold(stage.trainee(), place))
        with count_queries() as seen:
            assert schooling.waits_for(session, booking) == []
        assert len(seen) == 0


def test_an_agreement_that_ends_early_blocks_the_start_and_late_money_goes_back(stage):
    school = a_school(stage)
    one, other = stage.trainee(), stage.trainee()
    link(stage, school, one, other)
    place = stage.place(seats_per_week=2)
    needed(stage, place)
    agreement_id = agreed(stage, school, place)
    confirmed = stage.confirmed(place, one)
    late = stage.hold(other, place)
    payment_id = stage.pay(late)
    with stage.transaction() as session:
        agreements.end(
            session, agreement_id, reason="Insurance lapsed.", actor_id=None, now=stage.now
        )
    stage.settle(payment_id)
    assert stage.state(late) == "expired"
    assert stage.refunded(payment_id) == stage.booking(late).deposit.minor
    stage.clock.at = stage.clock.at.replace(year=2027, month=3, day=1, hour=15)
    assert stage.start_due() == 0
    assert stage.told(one)[-1] == "start_blocked"
    with stage.transaction() as session, pytest.raises((AgreementMissing, NotCleared)):
        rotations.begin_if_due(session, bookings.find(session, confirmed), stage.now)
    agreed(stage, school, place)
    assert stage.start_due() == 1
    assert stage.findings() == []


def test_both_sides_are_reminded_before_the_end_and_it_ends(stage):
    school = a_school(stage)
    coordinator = a_coordinator(stage, school)
    place = stage.place()
    agreement_id = agreed(stage, school, place, ends_on="2027-03-31")

    def tend():
        with stage.transaction() as session:
            return agreement_upkeep.near_the_end(session, stage.now)

    assert tend() == 0
    for month, day, expected in ((2, 1, 1), (2, 2, 0), (3, 5, 1), (3, 31, 0), (4, 1, 1)):
        stage.clock.at = stage.clock.at.replace(year=2027, month=month, day=day)
        assert tend() == expected, (month, day)
    assert stage.told(coordinator).count("agreement_ends_soon") == 2
    assert stage.told(coordinator)[-1] == "agreement_ended"
    with stage.transaction() as session:
        assert queries.find(session, agreement_id).state == "ended"


def test_what_was_sent_stays(stage):
    school = a_school(stage)
    agreed(stage, school, stage.place())
    for statement in (
        "UPDATE agreement SET body = 'Other.'",
        "UPDATE agreement SET ends_on = ends_on + 1",
        "DELETE FROM agreement",
        "UPDATE agreement_signature SET typed_name = 'Other'",
        "DELETE FROM agreement_step",
        "UPDATE agreement_template SET body = 'Other.'",
    ):
        with pytest.raises(IntegrityError), stage.transaction() as session:
            session.execute(text(statement))


def test_two_tabs_sign_once(live):
    """One signature and one next signer, however often a link is sent at once."""
    stage = Stage(live.sessions, live.clock)
    school, place = a_school(stage), stage.place()
    made_by = stage.account("Maker")
    with stage.transaction() as session:
        template = agreements.make_template(
            session, name="plain", title="Agreement", body="We agree.", fields=[],
            actor_id=made_by, now=stage.now)  # fmt: skip
        wanted = agreements.Wanted(
            school, "Grant", place.site_id, "Lakeview", {}, [Signer(**one) for one in SIGNERS],
            FIRST_DAY, FIRST_DAY)  # fmt: skip
        found = agreements.draft(session, template, wanted, actor_id=made_by, now=stage.now)
        agreements.send(session, found.id, signer=SIGNER, actor_id=made_by, now=stage.now)
        agreement_id, sha256 = found.id, found.sha256
        who = queries.signings(session, agreement_id)[0].signer
        token = SIGNER.sign(agreements.PURPOSE, who.id, who.expires_at)

    def sign(_):
        try:
            with stage.transaction() as session:
                agreements.sign(
                    session, SIGNER, token, typed_name="Dean Rao", sha256=sha256,
                    wording=CONSENT_WORDING, trail=agreements.Trail("127.0.0.1", "x"),
                    now=stage.now)  # fmt: skip
        except DomainError as error:
            return error.code
        return "signed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(sign, range(4))) == ["signed"] + ["signing_not_found"] * 3
    with stage.transaction() as session:
        asked = session.execute(
            text("SELECT count(*) FROM agreement_signer WHERE asked_at IS NOT NULL")
        ).scalar()
    assert asked == 2
    assert [task.name for task in tasks.TASKS if "agreement" in task.name] == [
        "compliance.render_agreement",
        "compliance.tend_agreements",
    ]
    stage.close()
