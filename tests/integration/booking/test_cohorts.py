"""Cohorts: all places or none, each student's word, one invoice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    ApprovalNeeded,
    CohortIncomplete,
    CohortRefused,
    NotOpenForThis,
    PaidBySchool,
)
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.service import applications, replaying, stories
from marketplace.booking.service.cohorts import paying
from marketplace.core.money import Money
from marketplace.payments.errors import AmountRefused, InvoiceNotOpen
from marketplace.payments.queries import credit_notes, invoices
from tests.factories.cohorts import PRICE, Desk
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_school, link

API = "/api/v1"


@pytest.fixture
def desk(stage):
    return Desk(stage)


def test_all_are_held_each_says_yes_and_a_bank_transfer_confirms_them(desk, stage, run_jobs, mail):
    place = stage.place(seats_per_week=3)
    cohort_id = desk.hold(place)
    assert set(stage.taken(place).values()) == {3}
    assert [stage.told(one)[-1] for one in desk.trainees] == ["cohort_invited"] * 3
    with pytest.raises(CohortIncomplete):
        desk.invoice(cohort_id)
    desk.answer(cohort_id)
    invoice_id = desk.invoice(cohort_id)
    assert desk.states(cohort_id) == ["awaiting_payment"] * 3
    found = desk.found(invoice_id)
    assert (found.amount, found.number) == (Money(3 * PRICE, "USD"), 1)
    assert found.due_on == date(2026, 12, 6)
    run_jobs()
    assert stage.told(desk.coordinator)[-1] == "invoice_issued"
    invoice = next(one for one in mail.sent if one.attachments and "Invoice" in one.subject)
    assert invoice.attachments[0].filename.endswith(".pdf")
    with stage.transaction() as session:
        assert invoices.find(session, invoice_id).object_key.endswith("invoice-000001.pdf")
    with pytest.raises(AmountRefused):
        desk.transfer(invoice_id, Money(1, "USD"))
    desk.transfer(invoice_id)
    assert desk.states(cohort_id) == ["confirmed"] * 3
    assert desk.cohort(cohort_id).state == "confirmed"
    assert desk.found(invoice_id).state == "paid"
    assert [stage.told(one)[-1] for one in desk.trainees] == ["cohort_confirmed"] * 3
    assert desk.balances()["bank"] == 3 * PRICE
    with pytest.raises(InvoiceNotOpen):
        desk.transfer(invoice_id)
    run_jobs()
    receipts = [one for one in stage.told(desk.coordinator) if one == "payment_receipt"]
    assert receipts == ["payment_receipt"]
    with stage.transaction() as session:
        for one in desk.places(cohort_id).values():
            (verdict,) = replaying.verdicts(session, [bookings.find(session, one.booking.id)])
            assert not verdict.disagreements
            assert stories.story(session, one.booking.id)
    assert stage.findings() == []


def test_one_who_can_not_come_keeps_all_from_being_held(desk, stage):
    place = stage.place(seats_per_week=3)
    elsewhere = stage.hold(desk.trainees[1], stage.place())
    with pytest.raises(CohortRefused) as refused:
        desk.hold(place)
    (item,) = refused.value.extra["items"]
    assert (item["student_id"], item["code"]) == (str(desk.students[1]), "already_booked_then")
    assert str(elsewhere) not in str(refused.value.extra)
    late = stage.trainee("Too late", graduation_date=FIRST_DAY + timedelta(days=400))
    (student,) = link(stage, desk.school, late)
    with pytest.raises(CohortRefused) as refused:
        desk.hold(place, [desk.students[0], student])
    assert [one["code"] for one in refused.value.extra["items"]] == ["not_eligible"]
    stranger = Desk(stage, 1, "Second College").students[0]
    with pytest.raises(CohortRefused) as refused:
        desk.hold(place, [desk.students[0], stranger])
    assert [one["code"] for one in refused.value.extra["items"]] == ["not_linked"]
    (third,) = link(stage, desk.school, stage.trainee("More"))
    with pytest.raises(CohortRefused) as refused:
        desk.hold(stage.place(seats_per_week=2), [desk.students[0], desk.students[2], third])
    assert len(refused.value.extra["weeks"]) == 4
    with stage.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM cohort")).scalar() == 0
        waits = "SELECT count(*) FROM booking WHERE cohort_id IS NOT NULL"
        assert session.execute(text(waits)).scalar() == 0
    assert not any(stage.taken(place).values())
    assert stage.findings() == []


def test_a_student_who_says_no_or_nothing_is_left_out(desk, stage, run_jobs):
    place = stage.place(seats_per_week=3)
    cohort_id = desk.hold(place)
    desk.answer(cohort_id, agreed=False, only=["Student 0"])
    desk.answer(cohort_id, only=["Student 1"])
    silent = desk.places(cohort_id)["Student 2"].booking.id
    with pytest.raises(CohortIncomplete) as refused:
        desk.invoice(cohort_id)
    assert refused.value.extra["waiting"] == [str(silent)]
    invoice_id = desk.invoice(cohort_id, without=[silent])
    assert desk.found(invoice_id).amount == Money(PRICE, "USD")
    assert desk.states(cohort_id) == ["awaiting_payment", "withdrawn", "withdrawn"]
    assert set(stage.taken(place).values()) == {1}
    with pytest.raises(NotOpenForThis):
        desk.answer(cohort_id, only=["Student 2"])
    with pytest.raises(PaidBySchool):
        stage.pay(desk.places(cohort_id)["Student 1"].booking.id)
    run_jobs()
    assert desk.cohort(cohort_id).state == "invoiced"


def test_a_place_given_up_voids_the_invoice_and_another_is_asked_for(desk, stage, run_jobs):
    cohort_id = desk.hold(stage.place(seats_per_week=3))
    desk.answer(cohort_id)
    first = desk.invoice(cohort_id)
    gone = desk.places(cohort_id)["Student 0"].booking.id
    with stage.transaction() as session:
        booking = bookings.find(session, gone)
        applications.withdraw(session, booking, reason="Ill.", now=stage.now)
    run_jobs()
    assert desk.found(first).state == "void"
    assert stage.told(desk.coordinator)[-2:] == ["invoice_void", "credit_note_issued"]
    with stage.transaction() as session:
        (note,) = credit_notes.of_invoice(session, first)
        assert (note.number, note.amount, note.refund_id) == (1, desk.found(first).amount, None)
        assert note.content["refers_to"]["number"] == desk.found(first).content["number"]
    with pytest.raises(InvoiceNotOpen):
        desk.transfer(first)
    second = desk.invoice(cohort_id)
    assert (desk.found(second).number, desk.found(second).amount.minor) == (2, 2 * PRICE)
    desk.transfer(second)
    assert desk.states(cohort_id) == ["confirmed", "confirmed", "withdrawn"]
    assert stage.findings() == []


def test_the_host_decides_on_each_before_anything_is_invoiced(desk, stage):
    place = stage.place(seats_per_week=3, approval="request")
    cohort_id = desk.hold(place)
    desk.answer(cohort_id)
    with pytest.raises(ApprovalNeeded):
        desk.invoice(cohort_id)
    with stage.transaction() as session:
        found = queries.lock(session, cohort_id)
        said = {"message": "Our sixth year.", "answers": {}, "questions_version": None}
        paying.submit(session, found, said, actor_id=desk.coordinator, now=stage.now)
    for one in desk.places(cohort_id).values():
        with stage.transaction() as session:
            booking = bookings.find(session, one.booking.id)
            applications.approve(session, booking, actor_id=place.owner_id, now=stage.now)
    invoice_id = desk.invoice(cohort_id)
    desk.transfer(invoice_id)
    assert desk.states(cohort_id) == ["confirmed"] * 3


def test_two_cohorts_want_the_same_seats_at_once(live_stage):
    """All of one or all of the other; never some of both."""
    stage = live_stage
    desks = [Desk(stage, 2, f"College {number}") for number in range(4)]
    place = stage.place(seats_per_week=3)

    def hold(desk):
        try:
            return desk.hold(place)
        except CohortRefused:
            return None

    with ThreadPoolExecutor(4) as pool:
        made = [one for one in pool.map(hold, desks) if one]
    assert len(made) == 1
    assert set(stage.taken(place).values()) == {2}
    assert stage.findings() == []


def test_over_http_a_school_sees_its_own_alone(stage, client, people, count_queries):
    desk = Desk(stage, 5)
    mine, stranger, operator = people.make(), people.make(), people.make("operator")
    with stage.transaction() as session:
        for who, where in ((mine, desk.school), (stranger, a_school(stage, "Second College"))):
            session.execute(
                text(
                    "INSERT INTO membership (id, account_id, role, school_id, granted_at)"
                    " VALUES (gen_random_uuid(), :who, 'school_coordinator', :school, now())"
                ),
                {"who": who.id, "school": where},
            )

    def call(who, method, path, status, **sent):
        answer = client.open(API + path, method=method, headers=who.headers, **sent)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data())
        return answer.json

    place = stage.place(seats_per_week=9)
    path = f"/schools/{desk.school}/cohorts"
    student = people.trainee(visa_type="b1_b2", name="Asha Rao")
    (own,) = link(stage, desk.school, student.id)
    wish = {
        "name": "Sixth year",
        "listing_id": str(place.listing_id),
        "first_day": FIRST_DAY.isoformat(),
        "weeks": 4,
        "student_ids": [str(own)],
    }
    call(stranger, "POST", path, 404, json=wish)
    call(mine, "POST", path, 422, json={**wish, "student_ids": [str(own)] * 2})
    made = call(mine, "POST", path, 201, json=wish)
    cohort = f"{path}/{made['cohort']['id']}"
    booking_id = made["places"][0]["booking_id"]
    call(mine, "POST", f"/bookings/{booking_id}/cohort-answer", 404, json={"agreed": True})
    call(student, "POST", f"/bookings/{booking_id}/submit", 409, json={})
    said = call(
        student, "POST", f"/bookings/{booking_id}/cohort-answer", 200, json={"agreed": True}
    )
    assert said["cohort_id"] == made["cohort"]["id"]
    for method, what in (("GET", ""), ("POST", "/invoice"), ("POST", "/submit")):
        call(stranger, method, f"{cohort}{what}", 404, json={})
    invoiced = call(mine, "POST", f"{cohort}/invoice", 200, json={})
    invoice_id = invoiced["cohort"]["invoice_id"]
    one = f"/schools/{desk.school}/invoices/{invoice_id}"
    call(stranger, "GET", one, 404)
    other = call(stranger, "GET", "/me/memberships", 200)["items"][0]["school_id"]
    call(stranger, "GET", f"/schools/{other}/invoices/{invoice_id}", 404)
    call(stranger, "POST", f"/schools/{other}/invoices/{invoice_id}/payments", 404)
    shown = call(mine, "GET", one, 200)
    assert [line["part_id"] for line in shown["lines"]] == [booking_id] * 2
    call(mine, "POST", f"{one}/payments", 201)
    money = {"amount": PRICE, "currency": "USD"}
    sent = {"reference": "WIRE 1", "received_on": "2026-11-22", "amount": money}
    transfers = f"/operator/invoices/{invoice_id}/transfers"
    call(mine, "POST", transfers, 403, json=sent)
    early = call(operator, "POST", transfers, 422, json={**sent, "received_on": "2099-01-01"})
    assert early["fields"].keys() == {"received_on"}
    assert call(operator, "POST", transfers, 200, json=sent)["state"] == "paid"
    assert call(student, "GET", f"/bookings/{booking_id}", 200)["state"] == "confirmed"
    assert call(operator, "GET", "/operator/invoices?state=paid", 200)["items"]
    assert call(operator, "GET", "/operator/bank-refunds", 200) == []

    def hold(students):
        sent = {**wish, "student_ids": [str(one) for one in students]}
        with count_queries() as seen:
            made = call(mine, "POST", path, 201, json=sent)
        with count_queries() as read:
            call(mine, "GET", f"{path}/{made['cohort']['id']}", 200)
        return len(seen), len(read)

    few, many = hold(desk.students[:1]), hold(desk.students[1:])
    assert few[1] == many[1]
    # Each student is written to: that alone grows.
    assert many[0] - few[0] <= 3 * 8
