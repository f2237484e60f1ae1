"""What hosts ask, what trainees answer, and whose time runs meanwhile."""

from datetime import timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import (
    AnswersUnfit,
    AskedOftenEnough,
    NotOpenForThis,
    QuestionsChanged,
    ReasonTextNeeded,
)
from marketplace.booking.queries import applying
from marketplace.booking.rules.questions import Question
from marketplace.booking.service import applications, conversations, questions
from marketplace.core.states import IllegalTransition

WHY = Question("why", "Why here?", "text")
MONTHS = Question("months", "Months on a ward?", "number", least=0, whole=True)


@pytest.fixture
def place(stage):
    return stage.place(approval="request")


@pytest.fixture
def host(stage, place):
    return stage.member(place.site_id, name="Cora Diaz")


def asks(stage, place, *asked, read=0):
    with stage.transaction() as session:
        return questions.change(
            session, place.listing_id, asked, note="", read=read,
            actor_id=place.owner_id, now=stage.now,
        ).number  # fmt: skip


def on(stage, booking_id, action, **arguments):
    with stage.transaction() as session:
        action(session, queries.find(session, booking_id), now=stage.now, **arguments)


def submit(stage, place, **said):
    booking_id = stage.hold(stage.trainee(), place)
    on(stage, booking_id, applications.submit, **{"message": "Please.", **said})
    return booking_id


def ask(stage, booking_id, host, text="Which months?"):
    on(stage, booking_id, applications.ask_for_more, text=text, actor_id=host)


def answer(stage, booking_id, text="June and July.", **said):
    on(stage, booking_id, applications.answer, text=text, **said)


def said(stage, booking_id):
    with stage.transaction() as session:
        return conversations.conversation(session, queries.find(session, booking_id)).entries


def test_answers_are_kept_with_the_questions_as_they_were_read(stage, place):
    number = asks(stage, place, WHY, MONTHS)
    booking_id = submit(
        stage, place, answers={"why": " The ward. ", "months": 3}, questions_version=number
    )
    asks(stage, place, WHY, read=1)
    (entry,) = said(stage, booking_id)
    assert (entry.kind, entry.body, entry.questions_version) == ("submitted", "Please.", 1)
    assert [(one.question, one.answer) for one in entry.answers] == [
        ("Why here?", "The ward."),
        ("Months on a ward?", 3),
    ]


def test_each_answer_that_does_not_fit_is_named_and_nothing_happens(stage, place):
    number = asks(stage, place, WHY, MONTHS)
    booking_id = stage.hold(stage.trainee(), place)
    with pytest.raises(AnswersUnfit) as told:
        on(
            stage, booking_id, applications.submit,
            message=None, answers={"months": -1, "x": 1}, questions_version=number,
        )  # fmt: skip
    assert set(told.value.fields) == {"answers.why", "answers.months", "answers.x"}
    assert stage.steps(booking_id) == ["held"]


def test_questions_that_changed_meanwhile_are_shown(stage, place):
    asks(stage, place, WHY)
    asks(stage, place, WHY, MONTHS, read=1)
    with pytest.raises(QuestionsChanged) as told:
        submit(stage, place, answers={"why": "x"}, questions_version=1)
    assert told.value.extra["version"] == 2
    assert [one["key"] for one in told.value.extra["questions"]] == ["why", "months"]


def test_the_version_is_named(stage, place):
    asks(stage, place, WHY)
    with pytest.raises(AnswersUnfit) as told:
        submit(stage, place, answers={"why": "x"})
    assert set(told.value.fields) == {"questions_version"}


def test_nothing_is_answered_where_nothing_is_asked(stage, place):
    with pytest.raises(AnswersUnfit):
        submit(stage, place, answers={"why": "x"})
    other = stage.place(approval="request")
    asks(stage, other)
    assert stage.state(submit(stage, other)) == "submitted"


def test_the_host_asks_and_its_time_stands_still(stage, place, host):
    booking_id = stage.submitted(place)
    due = stage.booking(booking_id).hold_expires_at
    stage.clock.advance(timedelta(days=1))
    left = due - stage.now
    ask(stage, booking_id, host)
    asked = stage.booking(booking_id)
    assert asked.state == "more_asked"
    # Monday 23 November: the fifth business day after is Monday 30, Chicago.
    assert asked.hold_expires_at.isoformat() == "2026-12-01T06:00:00+00:00"
    assert set(stage.taken(place).values()) == {1}
    stage.clock.advance(timedelta(days=3))
    answer(stage, booking_id)
    again = stage.booking(booking_id)
    assert (again.state, again.hold_expires_at) == ("submitted", stage.now + left)
    on(stage, booking_id, applications.approve, actor_id=host)
    assert stage.steps(booking_id) == [
        "held", "submitted", "more_asked", "submitted", "awaiting_payment",
    ]  # fmt: skip
    assert stage.told(again.trainee_id) == ["application_more_asked", "application_approved"]
    assert stage.told(host) == ["application_received", "application_answered"]
    assert [entry.kind for entry in said(stage, booking_id)] == [
        "submitted", "more_asked", "answered",
    ]  # fmt: skip


def test_who_asked_at_the_last_minute_has_two_business_days_after_the_answer(stage, place, host):
    booking_id = stage.submitted(place)
    stage.clock.at = stage.booking(booking_id).hold_expires_at - timedelta(minutes=1)
    ask(stage, booking_id, host)
    answer(stage, booking_id)
    # Friday 4 December, late: the second business day after is Tuesday 8.
    until = stage.booking(booking_id).hold_expires_at
    assert until.isoformat() == "2026-12-09T06:00:00+00:00"


def test_new_answers_replace_the_old_by_their_keys(stage, place, host):
    asks(stage, place, WHY, MONTHS)
    booking_id = submit(stage, place, answers={"why": "a", "months": 1}, questions_version=1)
    asks(stage, place, read=1)
    ask(stage, booking_id, host)
    with pytest.raises(AnswersUnfit):
        answer(stage, booking_id, answers={"months": "many"})
    answer(stage, booking_id, answers={"months": 7})
    with stage.transaction() as session:
        assert applying.last_answers(session, [booking_id])[booking_id].answers == {
            "why": "a",
            "months": 7,
        }
    assert said(stage, booking_id)[-1].questions_version == 1


def test_one_asks_three_times_at_most(stage, place, host):
    booking_id = stage.submitted(place)
    for _ in range(3):
        ask(stage, booking_id, host)
        answer(stage, booking_id)
    with pytest.raises(AskedOftenEnough):
        ask(stage, booking_id, host)
    assert stage.state(booking_id) == "submitted"


def test_one_asks_once_at_a_time_and_answers_what_is_asked(stage, place, host):
    booking_id = stage.submitted(place)
    with pytest.raises(NotOpenForThis):
        answer(stage, booking_id)
    ask(stage, booking_id, host)
    with pytest.raises(IllegalTransition):
        ask(stage, booking_id, host)


def test_a_host_that_asked_may_decide_all_the_same(stage, place, host):
    booking_id = stage.submitted(place)
    ask(stage, booking_id, host)
    on(stage, booking_id, applications.decline, actor_id=host, code="visa")
    assert stage.taken(place) == {}
    with stage.transaction() as session:
        step = queries.history(session, booking_id)[-1]
    assert (step.code, step.to_state) == ("visa", "declined")
    assert "visa" in step.reason


def test_an_answer_that_never_comes_gives_the_seat_up_and_both_are_told(stage, place, host):
    booking_id = stage.submitted(place)
    ask(stage, booking_id, host)
    trainee = stage.booking(booking_id).trainee_id
    stage.clock.at = stage.booking(booking_id).hold_expires_at - timedelta(hours=14)
    for _ in range(2):
        stage.remind_due()
    stage.clock.advance(timedelta(hours=14))
    with pytest.raises(NotOpenForThis):
        answer(stage, booking_id)
    assert stage.expire_due() == 1
    assert stage.taken(place) == {}
    assert stage.told(trainee) == [
        "application_more_asked", "application_answer_soon", "application_lapsed",
    ]  # fmt: skip
    assert stage.told(host)[-1] == "application_lapsed_host"


def test_reminders_come_again_with_the_next_deadline(stage, place, host):
    booking_id = stage.submitted(place)
    stage.clock.at = stage.booking(booking_id).hold_expires_at - timedelta(hours=8)
    stage.remind_due()
    ask(stage, booking_id, host)
    answer(stage, booking_id)
    stage.clock.at = stage.booking(booking_id).hold_expires_at - timedelta(hours=8)
    stage.remind_due()
    assert stage.told(host).count("application_waits") == 2


def test_declining_needs_a_reason(stage, place, host):
    booking_id = stage.submitted(place)
    with pytest.raises(ReasonTextNeeded):
        on(stage, booking_id, applications.decline, actor_id=host)
    assert stage.state(booking_id) == "submitted"
