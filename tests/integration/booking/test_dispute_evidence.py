"""What speaks for a disputed payment is the booking's own history, and no more than that."""

from datetime import UTC, date, datetime, timedelta

from marketplace.booking import queries
from marketplace.booking.service import messages, rotations
from marketplace.booking.service.evidence import PARTS, BookedEvidence
from marketplace.booking.service.rotations import Day
from marketplace.core.ids import new_id
from marketplace.payments.events import Payable
from tests.factories.rotations import FIRST_DAY

DURING = datetime(2027, 3, 3, 18, 0, tzinfo=UTC)


def evidence(stage, *booking_ids):
    asked = [Payable(queries.PAYABLE, one) for one in booking_ids]
    with stage.transaction() as session:
        return BookedEvidence().evidence(session, asked)


def say(stage, booking_id, who, role, body):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        messages.post(session, booking, author_id=who, role=role, body=body, now=stage.now)


def attend(stage, booking_id, host, *days):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.mark_attendance(session, booking, days, actor_id=host, now=stage.now)


def test_a_rotation_that_was_attended_says_when_by_whose_word_and_under_which_terms(stage):
    place, trainee = stage.place(), stage.trainee("Asha Rao")
    host = stage.member(place.site_id, name="Cora Diaz")
    booking_id = stage.confirmed(place, trainee, whole=True)
    say(stage, booking_id, trainee, "trainee", "When do we meet?")
    say(stage, booking_id, host, "host", "At seven.")
    stage.clock.at = DURING
    stage.start_due()
    attend(
        stage, booking_id, host, Day(FIRST_DAY, "present"), Day(date(2027, 3, 2), "absent", "Ill.")
    )
    found = evidence(stage, booking_id)
    booking = stage.booking(booking_id)
    assert set(found) == {*PARTS, "customer_name", "customer_email"}
    assert (found["customer_name"], found["service_dates"]) == (
        "Asha Rao",
        "2027-03-01 to 2027-03-28",
    )
    assert f"Price {booking.total}, of which {booking.total} was paid" in found["product"]
    assert found["policy"] in found["policy_agreed"]
    assert found["refunds"] == "The booking was not cancelled, so by the policy nothing goes back."
    assert [line.partition(", marked by ")[0] for line in found["attendance"].splitlines()] == [
        "2027-03-01: present",
        "2027-03-02: absent",
    ]
    assert found["attendance"].count("marked by Cora Diaz on 2027-03-03 18:00 UTC") == 2
    assert [line.partition(" UTC, ")[2] for line in found["messages"].splitlines()] == [
        "trainee: When do we meet?",
        "host: At seven.",
    ]
    states = [line.split(": ", 1)[1].split(".")[0] for line in found["history"].splitlines()]
    assert states[0].startswith("held by Asha Rao")
    assert states[-2:] == ["confirmed", "in progress"]


def test_one_that_was_cancelled_says_what_was_agreed_to(stage):
    booking_id = stage.confirmed(stage.place(), whole=True)
    stage.cancel(booking_id)
    found = evidence(stage, booking_id)
    with stage.transaction() as session:
        agreed = queries.cancellation(session, booking_id)
    assert f"{agreed.refund} goes back, {agreed.kept} is kept" in found["refunds"]
    assert f"{agreed.days_before} day(s) before the start" in found["refunds"]
    assert not {"attendance", "messages"} & set(found), "what nobody said is left out"


def test_several_bookings_of_one_payment_are_each_told_and_other_things_are_not(stage):
    trainee = stage.trainee()
    first, second = stage.place(title="Wards"), stage.place(title="Clinic")
    later = FIRST_DAY + timedelta(weeks=4)
    ids = [stage.confirmed(first, trainee), stage.confirmed(second, trainee, later)]
    with stage.transaction() as session:
        found = BookedEvidence().evidence(
            session, [Payable("thing", new_id()), *(Payable(queries.PAYABLE, one) for one in ids)]
        )
        assert BookedEvidence().evidence(session, [Payable("thing", new_id())]) == {}
    titles = [text.partition(":")[0] for text in found["product"].split("\n\n")]
    assert titles == [stage.booking(one).listing_title for one in ids]
