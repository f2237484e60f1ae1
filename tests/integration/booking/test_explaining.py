"""Eligibility as a trainee reads it, with the bookings that the catalogue does not know."""

from datetime import date

from marketplace.booking.service.holders import BookedWeeks
from marketplace.catalog.service.explaining import explain
from tests.factories.rotations import FIRST_DAY


def answers(stage, place, trainee, **asked):
    with stage.transaction() as session:
        return explain(
            session, place.listing_id, trainee, stage.now, bookings=BookedWeeks(), **asked
        )


def test_own_bookings_elsewhere_and_the_next_day_on_which_all_of_it_passes(stage):
    here, there = stage.place(), stage.place(title="Another Externship")
    trainee = stage.trainee()
    stage.hold(trainee, there, FIRST_DAY, 4)
    found = answers(stage, here, trainee, first_day=FIRST_DAY, weeks=4)
    own = next(result for result in found.results if result.rule == "own_bookings")
    assert (own.outcome, own.earliest) == ("fail", date(2027, 3, 29))
    assert own.sentence.startswith("Another Externship has the week of 2027-03-01")
    assert found.earliest == date(2027, 3, 29)
    assert not found.may_book
    free = answers(stage, here, trainee, first_day=found.earliest, weeks=4)
    assert free.may_book
    assert free.earliest == free.first_day


def test_weeks_without_a_seat_move_the_earliest_day(stage):
    here = stage.place()
    stage.set_seats(here, 0, FIRST_DAY, 2)
    found = answers(stage, here, stage.trainee(), first_day=FIRST_DAY, weeks=4)
    seats = next(result for result in found.results if result.rule == "seats")
    assert (seats.outcome, seats.earliest) == ("fail", date(2027, 3, 15))
    assert found.earliest == date(2027, 3, 15)


def test_who_told_nothing_is_told_what_to_fill_in(stage):
    here = stage.place(audience="graduates", english="OET 350", documents="passport;tb_test")
    found = answers(stage, here, stage.account("New"))
    needed = {each.name: each for result in found.results for each in result.needed}
    assert {"graduation_date", "english", "needs_visa", "passport"} <= set(needed)
    assert needed["english"].where == "/api/v1/me/profile"
    assert found.earliest is None


def test_the_answer_takes_few_queries(client, people, stage, count_queries):
    here = stage.place()
    headers = people.trainee().headers
    with count_queries() as seen:
        answer = client.get(f"/api/v1/listings/{here.listing_id}/eligibility", headers=headers)
    assert answer.status_code == 200
    assert len(seen) <= 6
    rules = {result["rule"]: result for result in answer.json["results"]}
    assert {"tier", "visa_time", "documents", "own_bookings", "seats"} <= set(rules)
    assert rules["step2_ck"]["evidence"] == []
    sources = {each["source"] for result in rules.values() for each in result["evidence"]}
    assert sources <= {"request", "listing", "calendar", "self_reported", "clock", "bookings"}
