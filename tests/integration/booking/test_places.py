"""A school's places: moved, handed on, given up, cancelled, rescued; its money to the cent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    NotOpenForThis,
    PaidBySchool,
    PlaceRefused,
    QuoteChanged,
    Superseded,
)
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.service import (
    cancellations,
    payment,
    proposals,
    replaying,
)
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.cohorts import changing, paying, unpaid
from marketplace.core.money import Money
from marketplace.core.states import IllegalTransition
from marketplace.payments import queries as payments
from marketplace.payments.errors import InvoiceNotOpen
from marketplace.payments.events import Payable
from marketplace.payments.queries import invoices
from tests.factories.cohorts import PRICE, Desk
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import link

API = "/api/v1"
WEEK = timedelta(weeks=1)
WEEKLY = PRICE // 4


@pytest.fixture
def desk(stage):
    return Desk(stage)


def paid(desk, place, students=None):
    """A cohort whose places are all paid by bank; its id."""
    cohort_id = desk.hold(place, students)
    desk.answer(cohort_id)
    desk.transfer(desk.invoice(cohort_id))
    return cohort_id


def booked(desk, cohort_id, name):
    return desk.places(cohort_id)[name].booking.id


def propose(desk, booking_id, **wish):
    """Propose what the school wishes under the quote that it is shown; the proposal's id."""
    stage = desk.stage
    what = "transfer" if "student_id" in wish else "weeks"
    with stage.transaction() as session:
        booking = bookings.find(session, booking_id)
        given = {**wish, "terms": stage.terms, "now": stage.now}
        quote = getattr(changing, f"quote_{what}")(session, booking, **given)
        return getattr(changing, f"propose_{what}")(
            session, booking, mark=quote.mark, message="Please.", actor_id=desk.coordinator, **given
        ).id


def agree(stage, proposal_id, who, *, by_host=False):
    with stage.transaction() as session:
        found = bookings.proposal(session, proposal_id)
        new = proposals.accept(
            session, found, actor_id=who, by_host=by_host, terms=stage.terms, now=stage.now
        )
        return None if new is None else new.id


def cancel(desk, booking_id):
    stage = desk.stage
    with stage.transaction() as session:
        booking = bookings.find(session, booking_id)
        quote = cancellations.quote(session, booking, Wish(), stage.now)
        changing.cancel(
            session, booking, option=None, mark=quote.mark, reason="Not needed.",
            actor_id=desk.coordinator, now=stage.now)  # fmt: skip
        return quote.refund.minor


def kept(stage, booking_id):
    """What is kept for a booking now: paid, not gone back, not carried on."""
    with stage.transaction() as session:
        parts = payments.kept_parts(session, Payable("booking", booking_id))
        return sum(one.refundable.minor for one in parts)


def check_books(stage, *booking_ids):
    """Each history leads where the booking is, and every cent is somewhere."""
    with stage.transaction() as session:
        for one in booking_ids:
            (verdict,) = replaying.verdicts(session, [bookings.find(session, one)])
            assert not verdict.disagreements
        assert payments.wrong_refund_sums(session) == []
        assert payments.wrong_totals(session) == []
    assert stage.findings() == []


def open_invoices(stage):
    with stage.transaction() as session:
        return invoices.every(session, states=["open"], limit=10, cursor=None).items


def test_a_place_is_moved_with_its_student_and_what_it_costs_more_is_invoiced(
    desk, stage, run_jobs
):
    place = stage.place(seats_per_week=3)
    cohort_id = paid(desk, place)
    old = booked(desk, cohort_id, "Student 0")
    student = desk.trainees[0]
    proposal = propose(desk, old, first_day=FIRST_DAY + WEEK, weeks=6)
    assert stage.told(student)[-1] == "place_proposed"
    with stage.transaction() as session, pytest.raises(PaidBySchool):
        payment.pay(session, bookings.find(session, old), terms=stage.terms, now=stage.now)
    new = agree(stage, proposal, student)
    assert (stage.state(old), stage.state(new)) == ("cancelled_by_trainee", "confirmed")
    assert stage.told(desk.coordinator)[-1] == "place_news"
    row = desk.places(cohort_id)["Student 0"]
    assert (row.booking.id, row.place.replaces_id, row.place.answer) == (new, old, "agreed")
    assert len(desk.places(cohort_id)) == 3
    (due,) = open_invoices(stage)
    assert due.amount == Money(2 * WEEKLY, "USD")
    with stage.transaction() as session:
        # The trainee owes nothing, whatever their school does.
        assert bookings.balances_due(session, stage.now + timedelta(days=90), 10) == []
        with pytest.raises(PaidBySchool):
            payment.pay(session, bookings.find(session, new), terms=stage.terms, now=stage.now)
    # Moved again before that is paid: it is void, and another takes its place.
    shorter = agree(stage, propose(desk, new, first_day=FIRST_DAY, weeks=5), student)
    assert desk.found(due.id).state == "void"
    with pytest.raises(InvoiceNotOpen):
        desk.transfer(due.id)
    (due,) = open_invoices(stage)
    assert due.amount == Money(WEEKLY, "USD")
    desk.transfer(due.id)
    assert stage.booking(shorter).paid == stage.booking(shorter).total == Money(5 * WEEKLY, "USD")
    # Fewer weeks: what is too much goes back to the school's bank.
    last = agree(stage, propose(desk, shorter, first_day=FIRST_DAY, weeks=3), student)
    run_jobs()
    with stage.transaction() as session:
        back = [one.Refund for one in invoices.refunds_by_bank(session, 10)]
    assert sum(one.amount.minor for one in back) == 5 * WEEKLY - stage.booking(last).paid.minor
    assert kept(stage, last) == stage.booking(last).paid.minor
    assert set(stage.taken(place).values()) == {3, 2}
    check_books(stage, old, new, shorter, last)


def test_a_place_is_handed_on_to_who_agrees_and_cancelled_for_the_school(desk, stage, run_jobs):
    place = stage.place(seats_per_week=3)
    cohort_id = paid(desk, place)
    taker = stage.trainee("Taker")
    (student,) = link(stage, desk.school, taker, sees=[])
    old = booked(desk, cohort_id, "Student 1")
    busy = stage.trainee("Busy", graduation_date=FIRST_DAY + timedelta(days=400))
    (unfit,) = link(stage, desk.school, busy, sees=[])
    with pytest.raises(PlaceRefused) as refused:
        propose(desk, old, student_id=unfit)
    # Why is the student's to know.
    (item,) = refused.value.extra["items"]
    assert (item["student_id"], item["code"]) == (str(unfit), "not_eligible")
    assert "graduat" not in item["detail"].lower()
    with stage.transaction() as session:
        # The student who has the place now may have left the school: it is the school's all the same.
        session.execute(
            text("UPDATE school_student SET state = 'ended', sees = '{}', ended_at = now()"
                 " WHERE account_id = :id"), {"id": desk.trainees[1]})  # fmt: skip
    proposal = propose(desk, old, student_id=student)
    with stage.transaction() as session:
        proposals.decline(
            session, bookings.proposal(session, proposal), actor_id=taker, reason="No.",
            now=stage.now)  # fmt: skip
    assert stage.told(desk.coordinator)[-1] == "place_news"
    assert stage.state(old) == "confirmed"
    new = agree(stage, propose(desk, old, student_id=student), taker)
    assert stage.booking(new).trainee_id == taker
    assert stage.told(desk.trainees[1])[-1] == "booking_transferred"
    assert desk.places(cohort_id).keys() == {"Student 0", "Taker", "Student 2"}
    assert kept(stage, new) == PRICE
    refund = cancel(desk, new)
    run_jobs()
    with stage.transaction() as session:
        ((back, *_),) = invoices.refunds_by_bank(session, 10)
        (told,) = session.execute(
            text("SELECT data FROM notice WHERE template = 'booking_cancelled'"
                 " AND account_id = :id"), {"id": taker}).scalars()  # fmt: skip
    assert (back.amount.minor, told["cancelled_by"], told["refund"]) == (refund, "school", None)
    assert set(stage.taken(place).values()) == {2}
    check_books(stage, old, new)


def test_what_is_not_paid_is_given_up_or_handed_to_another_who_is_asked(desk, stage, run_jobs):
    place, no = stage.place(seats_per_week=4), stage.trainee("No")
    cohort_id = desk.hold(place, [*desk.students, *link(stage, desk.school, no)])
    desk.answer(cohort_id, agreed=False, only=["No"])
    assert stage.told(desk.coordinator)[-1] == "place_news"
    desk.answer(cohort_id, only=["Student 0", "Student 1", "Student 2"])
    first = desk.invoice(cohort_id)
    other = stage.trainee("Other")
    (student,) = link(stage, desk.school, other, sees=[])

    def locked(name, work, *given):
        with stage.transaction() as session:
            booking_id = queries.places(session, cohort_id)
            (booking,) = [one.booking for one in booking_id if one.student_name == name]
            paying.lock_money(session, cohort_id)
            cohort = queries.lock(session, cohort_id)
            booking = bookings.lock(session, booking.id)
            more = {"terms": stage.terms} if work is unpaid.hand_on else {"reason": "Not needed."}
            return work(
                session, cohort, booking, *given, actor_id=desk.coordinator, now=stage.now, **more
            )

    new = locked("Student 0", unpaid.hand_on, student)
    assert (new.total, new.state) == (Money(PRICE, "USD"), "held")
    assert desk.found(first).state == "void"
    assert desk.cohort(cohort_id).state == "held"
    assert stage.told(other)[-1] == "cohort_invited"
    assert stage.told(desk.trainees[0])[-1] == "booking_cancelled"
    with stage.transaction() as session:
        said = text(
            "SELECT data FROM notice WHERE template = 'booking_cancelled' AND account_id = :id"
        )
        (told,) = session.execute(said, {"id": desk.trainees[0]}).scalars()
    assert (told["handed_on"], told["reason"]) == (True, None)
    with pytest.raises(PlaceRefused):
        locked("Student 1", unpaid.hand_on, student)
    locked("Student 2", unpaid.give_up)
    run_jobs()
    desk.answer(cohort_id, only=["Other"])
    second = desk.invoice(cohort_id)
    assert desk.found(second).amount == Money(2 * PRICE, "USD")
    desk.transfer(second)
    assert desk.states(cohort_id) == ["confirmed", "confirmed", "withdrawn", "withdrawn"]
    with pytest.raises(NotOpenForThis):
        locked("Other", unpaid.give_up)
    assert set(stage.taken(place).values()) == {2}
    check_books(stage, new.id)


def test_a_place_cancelled_moved_and_paid_for_at_once_ends_in_one_way(live_stage):
    """Whoever is second is refused or its money goes back; nothing is lost between them."""
    stage = live_stage
    desk = Desk(stage, 4)
    place = stage.place(seats_per_week=4)
    cohort_id = paid(desk, place)
    names = sorted(desk.places(cohort_id))
    owing = {}
    for number, name in enumerate(names):
        student = desk.places(cohort_id)[name].booking.trainee_id
        old = booked(desk, cohort_id, name)
        new = agree(stage, propose(desk, old, first_day=FIRST_DAY, weeks=5), student)
        owing[new] = (student, propose(desk, new, first_day=FIRST_DAY + number * WEEK, weeks=6))
    due = {one.payable_id: one.id for one in open_invoices(stage)}

    def attempt(work):
        try:
            work()
        except (
            NotOpenForThis, QuoteChanged, InvoiceNotOpen, Superseded, IllegalTransition,
        ):  # fmt: skip
            return False
        return True

    work = []
    for new, (student, proposal) in owing.items():
        work += [
            lambda new=new: cancel(desk, new),
            lambda proposal=proposal, student=student: agree(stage, proposal, student),
            lambda new=new: desk.transfer(due[new]),
        ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attempt, work))
    with stage.transaction() as session:
        every = [
            one for (one,) in session.execute(text("SELECT id FROM booking ORDER BY id")).all()
        ]
    check_books(stage, *every)
    assert desk.balances().get("suspense", 0) == 0


def test_over_http_only_the_school_changes_its_places(stage, client, people, count_queries):
    desk = Desk(stage, 1)
    mine, stranger = people.make(name="Sara Khan"), people.make(name="Other Khan")
    second = Desk(stage, 1, "Second College")
    with stage.transaction() as session:
        for who, where in ((mine, desk.school), (stranger, second.school)):
            session.execute(
                text("INSERT INTO membership (id, account_id, role, school_id, granted_at)"
                     " VALUES (gen_random_uuid(), :who, 'school_coordinator', :school, now())"),
                {"who": who.id, "school": where})  # fmt: skip
    student = people.trainee(visa_type="b1_b2", name="Asha Rao")
    (number,) = link(stage, desk.school, student.id)
    place = stage.place(seats_per_week=3)
    cohort_id = paid(desk, place, [*desk.students, number])
    booking = booked(desk, cohort_id, "Asha Rao")

    def call(who, method, path, status, **sent):
        answer = client.open(API + path, method=method, headers=who.headers, **sent)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data())
        return answer.json

    path = f"/schools/{desk.school}/places/{booking}"
    weeks = {"first_day": (FIRST_DAY + WEEK).isoformat(), "weeks": 4}
    call(stranger, "GET", path, 404)
    call(stranger, "POST", f"/schools/{second.school}/places/{booking}/cancel", 404,
         json={"quote": "0" * 64, "reason": "Mine."})  # fmt: skip
    call(student, "POST", f"{path}/reschedule-quote", 404, json=weeks)
    call(student, "POST", f"/bookings/{booking}/reschedule-quote", 409, json=weeks)
    shown = call(mine, "POST", f"{path}/reschedule-quote", 200, json=weeks)
    found = call(mine, "POST", f"{path}/reschedule", 201, json={**weeks, "quote": shown["quote"]})
    with count_queries() as few:
        listed = call(mine, "GET", f"/schools/{desk.school}/place-proposals", 200)["items"]
    assert [one["id"] for one in listed] == [found["id"]]
    assert len(few) <= 6
    proposal = f"/bookings/proposals/{found['id']}"
    call(student, "POST", f"{proposal}/withdraw", 404)
    back = f"/schools/{desk.school}/place-proposals/{found['id']}/withdraw"
    call(stranger, "POST", back, 404)
    assert call(mine, "POST", back, 200)["state"] == "withdrawn"
    call(student, "POST", f"{proposal}/accept", 409)
    found = call(mine, "POST", f"{path}/reschedule", 201, json={**weeks, "quote": shown["quote"]})
    assert call(student, "GET", "/bookings/proposals", 200)["items"]
    new = call(student, "POST", f"/bookings/proposals/{found['id']}/accept", 200)["booking"]
    assert (new["state"], new["cohort_id"]) == ("confirmed", str(cohort_id))
    path = f"/schools/{desk.school}/places/{new['id']}"
    assert call(mine, "GET", path, 200)["replaces_id"] == str(booking)
    call(mine, "POST", f"{path}/give-up", 409, json={"reason": "No."})
    call(mine, "GET", f"{path}/rescue", 404)
    quote = call(mine, "POST", f"{path}/cancellation-quote", 200, json={})
    sent = {"quote": quote["quote"], "reason": "Not needed."}
    done = call(mine, "POST", f"{path}/cancel", 200, json=sent)
    assert done["place"]["state"] == "cancelled_by_trainee"
