"""A school's place that its host called off: the student's word, then the school's; its money first."""

import pytest

from marketplace.booking import queries as bookings
from marketplace.booking.errors import NotOpenForThis, QuoteChanged
from marketplace.booking.service import applications, rescues
from marketplace.payments.queries import invoices
from tests.factories.cohorts import PRICE, Desk
from tests.integration.booking.test_places import check_books, kept, paid


@pytest.fixture
def desk(stage):
    return Desk(stage)


def test_what_the_host_calls_off_is_taken_elsewhere_with_both_words(desk, stage, run_jobs):
    place, other = stage.place(seats_per_week=3), stage.place(seats_per_week=1, site_name="Rush")
    cohort_id = paid(desk, place)
    mine = {name: one.booking.id for name, one in desk.places(cohort_id).items()}
    for one in mine.values():
        with stage.transaction() as session:
            rescues.call_off(
                session, bookings.find(session, one), actor_id=place.owner_id, reason="Closed.",
                now=stage.now)  # fmt: skip
    run_jobs()
    with stage.transaction() as session:
        found = {name: rescues.offered(session, one) for name, one in mine.items()}
    offered = [name for name, one in found.items() if one.offer is not None]
    gone = [name for name in mine if name not in offered]
    # One seat was found for one of them; the others' money has gone back.
    assert (len(offered), [found[name].state for name in gone]) == (1, ["refunded"] * 2)
    (name,) = offered
    student, mark = stage.booking(mine[name]).trainee_id, found[name].quote.mark
    assert {"place_news"} <= set(stage.told(desk.coordinator))

    def choose(what, **given):
        with stage.transaction() as session:
            booking = bookings.find(session, mine[name])
            return getattr(rescues, what)(session, booking, now=stage.now, **given)

    with pytest.raises(NotOpenForThis):
        choose("accept", mark=mark, actor_id=desk.coordinator, by_school=True)
    with pytest.raises(NotOpenForThis):
        choose("switch", listing_id=other.listing_id, terms=stage.terms)
    held = choose("accept", mark=mark, actor_id=student)
    assert (held.state, stage.told(desk.coordinator)[-1]) == ("held", "place_news")
    with pytest.raises(QuoteChanged):
        choose("accept", mark="0" * 64, actor_id=desk.coordinator, by_school=True)
    new = choose("accept", mark=mark, actor_id=desk.coordinator, by_school=True)
    assert (new.state, new.cohort_id, new.listing_id) == (
        "confirmed", cohort_id, other.listing_id)  # fmt: skip
    run_jobs()
    assert desk.places(cohort_id)[name].booking.id == new.id
    assert kept(stage, new.id) == PRICE
    with stage.transaction() as session:
        assert (
            sum(one.Refund.amount.minor for one in invoices.refunds_by_bank(session, 9))
            == 2 * PRICE
        )
    # A student who would not go has the money go back to the school, not to them.
    check_books(stage, new.id, *mine.values())


def test_where_another_host_decides_the_school_applies_and_has_its_money_until_then(
    desk, stage, run_jobs
):
    place = stage.place(seats_per_week=2)
    other = stage.place(seats_per_week=2, site_name="Elm", approval="request")
    cohort_id = paid(desk, place, desk.students[:2])
    new = {}
    for name, one in desk.places(cohort_id).items():
        old, student = one.booking.id, one.booking.trainee_id
        with stage.transaction() as session:
            rescues.call_off(
                session, bookings.find(session, old), actor_id=place.owner_id, reason="Closed.",
                now=stage.now)  # fmt: skip
        run_jobs()
        for who, by_school in ((student, False), (desk.coordinator, True)):
            with stage.transaction() as session:
                found = rescues.offered(session, old)
                new[name] = old, rescues.accept(
                    session, bookings.find(session, old), mark=found.quote.mark, actor_id=who,
                    by_school=by_school, message="Ours.", now=stage.now).id  # fmt: skip
        assert stage.state(new[name][1]) == "submitted"
    (called_off, taken), (gone, declined) = new["Student 0"], new["Student 1"]
    for booking_id, work in ((taken, applications.approve), (declined, applications.decline)):
        with stage.transaction() as session:
            said = {"reason": "Full."} if work is applications.decline else {}
            booking = bookings.find(session, booking_id)
            work(session, booking, actor_id=other.owner_id, now=stage.now, **said)
    run_jobs()
    assert (stage.state(taken), stage.state(declined)) == ("confirmed", "declined")
    assert kept(stage, taken) == PRICE
    with stage.transaction() as session:
        ((back, *_),) = invoices.refunds_by_bank(session, 9)
    assert (back.amount.minor, back.part_id) == (PRICE, gone)
    check_books(stage, called_off, taken, gone, declined)
