"""The money of a cohort: its way in by bank and page, late, twice, and back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    CohortIncomplete,
    NotOpenForThis,
)
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.service import replaying
from marketplace.booking.service.cohorts import paying
from marketplace.payments import queries as payments
from marketplace.payments.errors import AlreadyPaid, BankDayRefused, InvoiceNotOpen, NotByBank
from marketplace.payments.queries import invoices
from marketplace.payments.service import bank_refunds, invoicing
from tests.factories.cohorts import ENTITY, PRICE, Desk, ask_page
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"


@pytest.fixture
def desk(stage):
    return Desk(stage)


def test_what_is_not_paid_by_its_day_and_the_grace_is_given_up(desk, stage, run_jobs):
    place = stage.place(seats_per_week=3)
    cohort_id = desk.hold(place)
    desk.answer(cohort_id)
    invoice_id = desk.invoice(cohort_id)
    printed = [one["whose"] for one in desk.found(invoice_id).content["lines"]]
    assert sorted(set(printed)) == ["Student 0", "Student 1", "Student 2"]
    stage.clock.advance(timedelta(days=15))
    stage.expire_due()
    the_day_after = datetime.combine(desk.found(invoice_id).due_on, time(), UTC) + timedelta(days=1)
    with stage.transaction() as session:
        # In Hawaii it is the day itself still.
        assert invoicing.mark_overdue(session, the_day_after + timedelta(hours=9)) == 0
        assert invoicing.mark_overdue(session, the_day_after + timedelta(hours=12)) == 1
    with stage.transaction() as session:
        assert invoicing.mark_overdue(session, stage.now) == 0
    assert stage.told(desk.coordinator)[-1] == "invoice_overdue"
    assert desk.states(cohort_id) == ["awaiting_payment"] * 3
    stage.clock.advance(timedelta(days=3))
    stage.expire_due()
    run_jobs()
    assert desk.states(cohort_id) == ["expired"] * 3
    assert (desk.cohort(cohort_id).state, desk.found(invoice_id).state) == ("ended", "void")
    assert not any(stage.taken(place).values())
    assert stage.findings() == []


def test_it_can_be_paid_on_the_page_and_never_twice(desk, stage):
    cohort_id = desk.hold(stage.place(seats_per_week=3))
    desk.answer(cohort_id)
    invoice_id = desk.invoice(cohort_id)
    payment_id = ask_page(desk, invoice_id)
    assert ask_page(desk, invoice_id) == payment_id
    assert stage.settle(payment_id) == "settled"
    assert (desk.found(invoice_id).state, desk.found(invoice_id).payment_id) == (
        "paid",
        payment_id,
    )
    assert desk.states(cohort_id) == ["confirmed"] * 3
    with pytest.raises((InvoiceNotOpen, AlreadyPaid)):
        desk.transfer(invoice_id)


def test_a_transfer_closes_the_page_and_money_on_it_goes_back(desk, stage):
    cohort_id = desk.hold(stage.place(seats_per_week=3))
    desk.answer(cohort_id)
    invoice_id = desk.invoice(cohort_id)
    page = ask_page(desk, invoice_id)
    desk.transfer(invoice_id)
    with stage.transaction() as session:
        assert payments.payment(session, page).state == "cancelled"
    assert stage.settle(page) == "surplus"
    assert stage.refunded(page) == 3 * PRICE
    assert desk.states(cohort_id) == ["confirmed"] * 3
    assert stage.findings() == []


def test_late_money_takes_all_seats_back_or_goes_back_whole(desk, stage, run_jobs):
    for taken in (False, True):
        first_day = FIRST_DAY + timedelta(days=28 * taken)
        place = stage.place(seats_per_week=3)
        cohort_id = desk.hold(place, first_day=first_day)
        desk.answer(cohort_id)
        payment_id = ask_page(desk, desk.invoice(cohort_id))
        stage.clock.advance(timedelta(days=18))
        stage.expire_due()
        run_jobs()
        assert desk.states(cohort_id) == ["expired"] * 3
        if taken:
            stage.hold(stage.trainee(), place, first_day)
        stage.settle(payment_id)
        expected = "expired" if taken else "confirmed"
        assert desk.states(cohort_id) == [expected] * 3
        assert stage.refunded(payment_id) == (3 * PRICE if taken else 0)
        assert stage.findings() == []


def test_a_cancellation_gives_back_to_the_school_by_the_frozen_terms(desk, stage, run_jobs):
    cohort_id = desk.hold(stage.place(seats_per_week=3))
    desk.answer(cohort_id)
    desk.transfer(desk.invoice(cohort_id))
    one = desk.places(cohort_id)["Student 0"].booking.id
    quote = stage.cancel(one)
    run_jobs()
    with stage.transaction() as session:
        ((refund, *_),) = invoices.refunds_by_bank(session, 10)
        assert (refund.amount, refund.part_id) == (quote.refund, one)
        refund_id = refund.id
        (told,) = bank_refunds.to_send(session, 10)
        assert (told["invoice_number"], told["id"]) == ("000001", refund_id)
        assert told["came_as"]
        assert told["payer"]
        tomorrow = stage.now.date() + timedelta(days=2)
        with pytest.raises(BankDayRefused):
            bank_refunds.sent_by_bank(
                session, refund_id, reference="BACK 1", sent_on=tomorrow, now=stage.now
            )
    with stage.transaction() as session:
        bank_refunds.sent_by_bank(
            session, refund_id, reference="BACK 1", sent_on=stage.now.date(), now=stage.now
        )
    with stage.transaction() as session, pytest.raises(NotByBank):
        bank_refunds.sent_by_bank(
            session, refund_id, reference="BACK 1", sent_on=stage.now.date(), now=stage.now
        )
    balances = desk.balances()
    assert balances["bank"] == 3 * PRICE - quote.refund.minor
    assert balances.get("refunds_payable", 0) == 0
    with stage.transaction() as session:
        (verdict,) = replaying.verdicts(session, [bookings.find(session, one)])
        assert not verdict.disagreements
        assert payments.wrong_refund_sums(session) == []
        assert payments.wrong_totals(session) == []


def test_what_was_issued_and_answered_stays(desk, stage):
    cohort_id = desk.hold(stage.place(seats_per_week=3))
    desk.answer(cohort_id)
    desk.transfer(desk.invoice(cohort_id))
    for statement in (
        "UPDATE invoice SET due_on = due_on + 1",
        "UPDATE invoice SET state = 'open', payment_id = NULL",
        "DELETE FROM invoice",
        "UPDATE invoice_line SET quantity = 9",
        "DELETE FROM invoice_step",
        "UPDATE cohort_place SET answer = 'waiting', answered_at = NULL",
        "UPDATE payment SET bank_reference = NULL WHERE means = 'bank_transfer'",
    ):
        with pytest.raises(IntegrityError), stage.transaction() as session:
            session.execute(text(statement))


def test_numbers_have_no_gaps_whoever_asks_at_once(live_stage):
    """Eight cohorts ask for their invoices at once; half of them are refused and leave no hole."""
    stage = live_stage
    desk = Desk(stage, 8)
    place = stage.place(seats_per_week=8)
    made = [desk.hold(place, [student]) for student in desk.students]
    for cohort_id in made[:5]:
        desk.answer(cohort_id)

    def ask(cohort_id):
        try:
            with stage.transaction() as session:
                paying.lock_money(session, cohort_id)
                found = queries.lock(session, cohort_id)
                paying.invoice(
                    session, found, legal_entity=ENTITY, actor_id=desk.coordinator,
                    now=stage.now)  # fmt: skip
                if cohort_id == made[0]:
                    raise RuntimeError("the process dies before it commits")
        except (CohortIncomplete, RuntimeError, NotOpenForThis):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(ask, made + made[1:5]))
    assert sum(done) == 4
    with stage.transaction() as session:
        numbers = session.execute(text("SELECT number FROM invoice ORDER BY number")).scalars()
        assert list(numbers) == [1, 2, 3, 4]
    assert stage.findings() == []
