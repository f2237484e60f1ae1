"""Applications over HTTP: questions edited and answered, lists filtered, decisions told."""

from datetime import timedelta

import pytest

from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import API, VISA, asked

WHY = {"key": "why", "text": "Why here?", "kind": "text"}
CALL = {"key": "call", "text": "On call?", "kind": "choice", "options": ["yes", "no"]}


@pytest.fixture
def place(stage):
    return stage.place(approval="request", seats_per_week=12)


@pytest.fixture
def trainee(people):
    return people.trainee(**VISA)


@pytest.fixture
def host(people, place):
    return people.make("coordinator", site_id=place.site_id, name="Cora Diaz")


@pytest.fixture
def call(client):
    def send(person, method, path, json=None, **headers):
        return client.open(
            API + path, method=method, json=json, headers={**person.headers, **headers}
        )

    return send


def change(call, host, place, questions, tag=None):
    path = f"/sites/{place.site_id}/listings/{place.listing_id}/questions"
    tag = tag or call(host, "GET", path).headers["ETag"]
    return call(host, "PUT", path, {"questions": questions}, **{"If-Match": tag})


def held(call, trainee, place, **other):
    return call(trainee, "POST", "/bookings", {**asked(place), **other}).json["id"]


def test_a_host_sets_its_questions_and_an_applicant_answers_them(call, place, trainee, host):
    public = call(trainee, "GET", f"/listings/{place.listing_id}/questions")
    assert (public.json["version"], public.json["questions"]) == (0, [])
    made = change(call, host, place, [WHY, CALL])
    assert (made.status_code, made.json["version"]) == (200, 1), made.json
    public = call(trainee, "GET", f"/listings/{place.listing_id}/questions").json
    assert [one["text"] for one in public["questions"]] == ["Why here?", "On call?"]
    booking = held(call, trainee, place)
    unfit = call(trainee, "POST", f"/bookings/{booking}/submit", {"answers": {"call": "maybe"}})
    assert (unfit.status_code, unfit.json["code"]) == (422, "answers_unfit")
    assert unfit.json["fields"]["answers.call"] == ["Expected one of: yes, no."]
    assert "answers.why" in unfit.json["fields"]
    said = {"answers": {"why": "The ward.", "call": "yes"}, "questions_version": 1}
    sent = call(trainee, "POST", f"/bookings/{booking}/submit", said)
    assert (sent.status_code, sent.json["state"]) == (200, "submitted"), sent.json
    (row,) = call(host, "GET", f"/sites/{place.site_id}/applications").json["items"]
    assert row["answers"] == [
        {"key": "why", "question": "Why here?", "answer": "The ward."},
        {"key": "call", "question": "On call?", "answer": "yes"},
    ]


def test_of_two_editors_one_is_told(call, place, host):
    path = f"/sites/{place.site_id}/listings/{place.listing_id}/questions"
    tag = call(host, "GET", path).headers["ETag"]
    assert change(call, host, place, [WHY], tag).status_code == 200
    late = change(call, host, place, [CALL], tag)
    assert late.status_code == 412
    assert call(host, "PUT", path, {"questions": []}).status_code == 428
    history = call(host, "GET", f"{path}/history").json
    assert [one["version"] for one in history] == [1]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({**CALL, "options": ["yes"]}, "questions.0.options"),
        ({**WHY, "key": "Why?"}, "questions.0.key"),
        ({**WHY, "kind": "essay"}, "questions.0.kind"),
        ({**WHY, "least": 3}, "questions.0.least"),
    ],
)
def test_what_cannot_be_asked_is_said_by_field(call, place, host, question, field):
    answer = change(call, host, place, [question])
    assert answer.status_code == 422
    assert list(answer.json["fields"]) == [field]


def test_questions_are_the_hosts_own(call, people, stage, place, trainee, host):
    path = f"/sites/{place.site_id}/listings/{place.listing_id}/questions"
    preceptor = people.make("preceptor", site_id=place.site_id)
    assert call(preceptor, "GET", path).status_code == 200
    assert call(preceptor, "PUT", path, {"questions": []}).status_code == 403
    assert call(trainee, "GET", path).status_code == 404
    elsewhere = stage.place()
    wrong = f"/sites/{place.site_id}/listings/{elsewhere.listing_id}/questions"
    assert call(host, "GET", wrong).status_code == 404


def test_asking_for_more_and_answering(call, place, trainee, host, people):
    booking = held(call, trainee, place)
    call(trainee, "POST", f"/bookings/{booking}/submit", {})
    asked_for = call(host, "POST", f"/bookings/{booking}/ask-for-more", {"text": "Which months?"})
    assert (asked_for.status_code, asked_for.json["state"]) == (200, "more_asked"), asked_for.json
    path = f"/sites/{place.site_id}/applications"
    assert [row["state"] for row in call(host, "GET", path).json["items"]] == ["more_asked"]
    assert call(host, "GET", f"{path}?state=submitted").json["items"] == []
    stranger = people.trainee(**VISA)
    refused = call(stranger, "POST", f"/bookings/{booking}/answer", {"text": "June."})
    assert refused.status_code == 404
    answer = call(trainee, "POST", f"/bookings/{booking}/answer", {"text": "June."})
    assert (answer.status_code, answer.json["state"]) == (200, "submitted")
    said = call(trainee, "GET", f"/bookings/{booking}/application").json["entries"]
    assert [(one["kind"], one["text"]) for one in said] == [
        ("submitted", ""),
        ("more_asked", "Which months?"),
        ("answered", "June."),
    ]


def test_declining_by_the_list(call, place, trainee, host):
    booking = held(call, trainee, place)
    call(trainee, "POST", f"/bookings/{booking}/submit", {})
    reasons = {one["code"] for one in call(host, "GET", "/bookings/decline-reasons").json}
    assert {"no_capacity", "visa", "other"} <= reasons
    bare = call(host, "POST", f"/bookings/{booking}/decline", {})
    assert (bare.status_code, list(bare.json["fields"])) == (422, ["reason"])
    done = call(host, "POST", f"/bookings/{booking}/decline", {"code": "visa"})
    assert done.json["state"] == "declined"
    late = call(host, "POST", f"/bookings/{booking}/approve")
    assert (late.status_code, late.json["code"]) == (409, "decided_already")
    assert (late.json["decided_by"], late.json["state"], late.json["reason_code"]) == (
        "Cora Diaz",
        "declined",
        "visa",
    )


def test_applications_are_filtered(call, stage, place, people, host):
    other = stage.beside(place, approval="request", seats_per_week=2)
    for start, where in ((0, place), (4, place), (0, other)):
        applicant = people.trainee(**VISA)
        first = (FIRST_DAY + timedelta(days=7 * start)).isoformat()
        booking = held(call, applicant, where, first_day=first)
        call(applicant, "POST", f"/bookings/{booking}/submit", {})
    path = f"/sites/{place.site_id}/applications"

    def count(query):
        answer = call(host, "GET", f"{path}?{query}")
        assert answer.status_code == 200, answer.json
        return len(answer.json["items"])

    assert count("") == 3
    assert count(f"listing_id={other.listing_id}") == 1
    assert count("first_day_from=2027-03-15") == 1
    assert count("first_day_to=2027-03-15&learner_status=graduate") == 2
    assert count("tier=elective") == 0
    assert count("state=more_asked") == 0
    page = call(host, "GET", f"{path}?limit=2").json
    rest = call(host, "GET", f"{path}?limit=2&cursor={page['next_cursor']}").json
    assert len({row["booking_id"] for row in page["items"] + rest["items"]}) == 3


def test_the_list_takes_as_many_queries_for_one_as_for_many(
    call, place, people, host, count_queries
):
    change(call, host, place, [WHY])
    said = {"answers": {"why": "The ward."}, "questions_version": 1}
    path = f"/sites/{place.site_id}/applications"
    counts = []
    for number in range(8):
        applicant = people.trainee(**VISA)
        booking = held(call, applicant, place)
        call(applicant, "POST", f"/bookings/{booking}/submit", said)
        if number in {0, 7}:
            with count_queries() as seen:
                assert len(call(host, "GET", path).json["items"]) == number + 1
            counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[1] <= 6


def test_more_time_once(call, stage, place, trainee):
    booking = held(call, trainee, place)
    before = stage.booking(booking).hold_expires_at
    longer = call(trainee, "POST", f"/bookings/{booking}/extend")
    assert longer.status_code == 200, longer.json
    assert stage.booking(booking).hold_expires_at > before
    again = call(trainee, "POST", f"/bookings/{booking}/extend")
    assert (again.status_code, again.json["code"]) == (409, "already_extended")


def test_applying_takes_at_most_twelve_statements(call, place, trainee, host, count_queries):
    """The seat, the questions, the answers and the host's notice."""
    change(call, host, place, [WHY])
    said = {"answers": {"why": "The ward."}, "questions_version": 1, "message": "Please."}
    with count_queries() as seen:
        booking = held(call, trainee, place)
        assert call(trainee, "POST", f"/bookings/{booking}/submit", said).status_code == 200
    assert len(seen) <= 12, "\n".join(" ".join(text.split())[:150] for text in seen.texts)
