"""Evaluations and attestations."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking.queries import find
from marketplace.booking.service import rotations
from marketplace.outcomes.queries import records as queries
from marketplace.outcomes.rules.evaluation_form import COMPETENCIES
from tests.integration.outcomes.conftest import AFTER

SCORES = dict.fromkeys(COMPETENCIES, 4)


def evaluate(done, *, shown, status=201, **changes):
    sent = {"scores": SCORES, "comments": "Kind.", "shown_to_trainee": shown, **changes}
    path = f"/bookings/{done.booking_id}/evaluations"
    return done.call(done.coordinator, "POST", path, status, json=sent).get_json()


def test_a_trainee_sees_what_is_shown_and_nothing_else(done, mail, run_jobs):
    path = f"/bookings/{done.booking_id}/evaluations"
    evaluate(done, shown=False, comments="Between us.")
    assert done.call(done.trainee, "GET", path).get_json()["items"] == []
    run_jobs()
    assert not any("evaluat" in one.subject for one in mail.to(done.trainee.email))
    done.coordinator, first = (
        done.people.make("preceptor", site_id=done.place.site_id),
        done.coordinator,
    )
    evaluate(done, shown=True)
    evaluate(done, shown=True, comments="Very kind.")
    (seen,) = done.call(done.trainee, "GET", path).get_json()["items"]
    assert (seen["revision"], seen["comments"], seen["scores"]) == (2, "Very kind.", SCORES)
    assert len(done.call(first, "GET", path).get_json()["items"]) == 2
    done.call(done.stranger, "GET", path, 404)


@pytest.mark.parametrize("shown", [True, False])
def test_whether_it_is_shown_is_chosen_once(done, session, shown):
    evaluate(done, shown=shown)
    assert evaluate(done, shown=not shown, status=409)["code"] == "evaluation_choice_kept"
    with pytest.raises(IntegrityError, match="chosen once"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO evaluation SELECT gen_random_uuid(), booking_id, trainee_id,"
                " evaluator_id, revision + 1, patient_care, medical_knowledge,"
                " practice_based_learning, communication, professionalism,"
                " systems_based_practice, comments, NOT shown_to_trainee, recorded_at"
                " FROM evaluation"
            )
        )


def test_nobody_evaluates_themselves(done):
    done.people.grant(done.trainee, "preceptor", site_id=done.place.site_id)
    sent = {"scores": SCORES, "shown_to_trainee": False}
    path = f"/bookings/{done.booking_id}/evaluations"
    assert done.call(done.trainee, "POST", path, 403, json=sent).get_json()["code"] == (
        "own_evaluation"
    )


def test_the_form_says_what_points_mean(done):
    items = done.call(done.coordinator, "GET", "/bookings/evaluation-form").get_json()["items"]
    assert [one["name"] for one in items] == list(COMPETENCIES)
    assert all(set(one["anchors"]) == {"1", "3", "5"} for one in items)


def test_scores_are_one_to_five_for_each_competency(done):
    scores = {**SCORES, "patient_care": 6}
    assert "scores.patient_care" in evaluate(done, shown=True, status=422, scores=scores)["fields"]
    del scores["patient_care"]
    assert "scores.patient_care" in evaluate(done, shown=True, status=422, scores=scores)["fields"]


def test_only_the_site_evaluates(done):
    sent = {"scores": SCORES, "shown_to_trainee": True}
    path = f"/bookings/{done.booking_id}/evaluations"
    for who in (done.trainee, done.stranger):
        done.call(who, "POST", path, 404, json=sent)


@pytest.mark.parametrize(
    ("duties", "in_person", "contact"),
    [
        (["history_taking", "shadowing"], True, True),
        (["history_taking"], False, False),
        (["shadowing", "clinical_notes"], True, False),
    ],
)
def test_an_attestation_says_whether_there_was_contact(done, session, duties, in_person, contact):
    path = f"/bookings/{done.booking_id}/attestation"
    sent = {"duties": duties, "in_person": in_person}
    made = done.call(done.trainee, "POST", path, 201, json=sent).get_json()
    assert made["direct_contact"] is contact
    assert done.call(done.coordinator, "GET", path).get_json() == made
    (attested,) = queries.attested_duties(session, done.place.listing_id)
    assert ("history_taking" in attested.duties) is contact


def test_three_attestations_without_contact_flag_a_hands_on_listing(done, stage, clock, people):
    place, bookings = done.place, [(done.trainee, done.booking_id)]
    clock.advance(-timedelta(days=120))
    for first_day in (date(2027, 1, 4), date(2027, 2, 1)):
        trainee = people.trainee(visa_type="b1_b2")
        bookings.append((trainee, stage.confirmed(place, trainee.id, first_day)))
    clock.at = AFTER
    for number, (trainee, booking_id) in enumerate(bookings):
        with stage.transaction() as session:
            booking = find(session, booking_id)
            if booking.state != "completed":
                rotations.complete(session, booking, actor_id=done.coordinator.id, now=AFTER)
        sent = {"duties": ["shadowing"], "in_person": True}
        done.call(trainee, "POST", f"/bookings/{booking_id}/attestation", 201, json=sent)
        listing = done.call(None, "GET", f"/listings/{place.listing_id}").get_json()
        assert listing["flagged"] is (number == 2)


def test_a_rotation_is_attested_once_by_its_trainee(done):
    path = f"/bookings/{done.booking_id}/attestation"
    sent = {"duties": ["shadowing"], "in_person": True}
    done.call(done.stranger, "POST", path, 404, json=sent)
    done.call(done.coordinator, "POST", path, 404, json=sent)
    done.call(done.trainee, "POST", path, 201, json=sent)
    again = done.call(done.trainee, "POST", path, 409, json=sent).get_json()
    assert again["code"] == "already_attested"


def test_a_duty_outside_the_list_is_refused(done):
    path = f"/bookings/{done.booking_id}/attestation"
    sent = {"duties": ["surgery"], "in_person": True}
    assert done.call(done.trainee, "POST", path, 422, json=sent).get_json()["fields"]


@pytest.mark.parametrize("table", ["evaluation", "attestation"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET recorded_at = now()"])
def test_history_is_kept(done, session, table, change):
    evaluate(done, shown=True)
    sent = {"duties": ["shadowing"], "in_person": True}
    done.call(done.trainee, "POST", f"/bookings/{done.booking_id}/attestation", 201, json=sent)
    with pytest.raises(IntegrityError, match="history"):
        session.execute(text(change.format(table)))


def test_the_trainee_is_asked_what_it_was_like(done, mail, run_jobs):
    run_jobs()
    subjects = [message.subject for message in mail.to(done.trainee.email)]
    assert "What was it really like? Internal Medicine Externship" in subjects
