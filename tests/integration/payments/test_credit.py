"""Credit by itself: what operators give and take back, its end by the clock, and its guards."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.payments import queries
from marketplace.payments.service.credit import granting
from tests.factories.credit import assert_sound, available, give, usd

API = "/api/v1"


def money(minor, currency="USD"):
    return {"amount": minor, "currency": currency}


@pytest.fixture
def call(client):
    def send(person, method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=person.headers)

    return send


@pytest.fixture
def operator(people):
    return people.make("operator")


@pytest.fixture
def trainee(people):
    return people.trainee()


def gift(trainee, **changes):
    given = {
        "account_id": str(trainee.id),
        "amount": money(20_000),
        "reason": "goodwill",
        "note": "With our apologies",
        "expires_at": None,
    }
    return {**given, **changes}


def test_an_operator_gives_and_takes_back(stage, call, operator, trainee):
    made = call(operator, "POST", "/operator/credit", gift(trainee))
    assert made.status_code == 201, made.json
    assert (made.json["left"], made.json["reason"]) == (money(20_000), "goodwill")
    where = made.headers["Location"].removeprefix(API)
    assert call(trainee, "GET", where).json == made.json
    assert stage.told(trainee.id)[-1] == "credit_granted"
    with stage.transaction() as session:
        assert queries.balance_of(session, "trainee_credit", "USD", trainee.id) == usd(-20_000)
        assert queries.balance_of(session, "platform_revenue", "USD") == usd(20_000)
    revoke = f"/operator/credit/{made.json['id']}/revoke"
    body = {"reason": "Given by mistake.", "amount": money(5_000)}
    assert call(operator, "POST", revoke, body).json["left"] == money(15_000)
    assert call(operator, "POST", revoke, {"reason": "All of it."}).json["left"] == money(0)
    again = call(operator, "POST", revoke, {"reason": "Once more."})
    assert (again.status_code, again.json["code"]) == (409, "credit_lacking")
    assert again.json["detail"].startswith("Nothing is left of it")
    listed = call(operator, "GET", f"/operator/credit/movements?account_id={trainee.id}").json
    assert [(one["kind"], one["reason"]) for one in listed["items"]] == [
        ("revoked", "All of it."),
        ("revoked", "Given by mistake."),
        ("granted", "With our apologies"),
    ]
    trail = call(operator, "GET", f"/operator/audit?subject_id={trainee.id}").json["items"]
    assert [
        (one["action"], one["actor_id"], one["detail"]["amount"], one["detail"]["reason"])
        for one in trail
    ] == [
        ("credit.taken_back", str(operator.id), "150.00 USD", "All of it."),
        ("credit.taken_back", str(operator.id), "50.00 USD", "Given by mistake."),
        ("credit.given", str(operator.id), "200.00 USD", "With our apologies"),
    ]
    with stage.transaction() as session:
        assert queries.balance_of(session, "platform_revenue", "USD") == usd(0)
    assert_sound(stage)


@pytest.mark.parametrize(
    ("changes", "status", "problem"),
    [
        ({"amount": money(0)}, 422, "invalid"),
        ({"amount": money(-1)}, 422, "invalid"),
        ({"amount": money(10**9 + 1)}, 422, "invalid"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, 422, "invalid"),
        ({"reason": "cancellation"}, 422, "invalid"),
        ({"note": ""}, 422, "invalid"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "amount_refused"),
        ({"account_id": str(uuid4())}, 409, "recipient_unknown"),
    ],
)
def test_what_cannot_be_given_is_said_clearly(call, operator, trainee, changes, status, problem):
    answer = call(operator, "POST", "/operator/credit", gift(trainee, **changes))
    assert (answer.status_code, answer.json["code"]) == (status, problem)


def test_nobody_sees_or_moves_anothers_credit(stage, call, people, trainee):
    grant = give(stage, trainee.id, usd(10_000), transferable=True)
    other = people.trainee()
    assert call(other, "GET", f"/credit/grants/{grant}").status_code == 404
    assert call(other, "GET", "/credit").json == {"available": []}
    assert call(other, "GET", "/credit/grants").json["items"] == []
    assert call(other, "GET", f"/credit/movements?grant_id={grant}").json["items"] == []
    taken = call(other, "POST", f"/credit/grants/{grant}/hand-on", {"email": other.email})
    assert taken.status_code == 404
    for method, path, body in (
        ("POST", "/operator/credit", gift(other)),
        ("POST", f"/operator/credit/{grant}/revoke", {"reason": "Mine."}),
        ("POST", "/operator/voucher-codes", new_code()),
        ("GET", "/operator/voucher-codes", None),
    ):
        assert call(other, method, path, body).status_code == 403
    assert available(stage, trainee.id) == 10_000


def test_credit_that_may_be_handed_on_is(stage, call, people, trainee):
    until = stage.now + timedelta(days=90)
    grant = give(stage, trainee.id, usd(10_000), transferable=True, expires_at=until)
    friend = people.trainee()
    answer = call(trainee, "POST", f"/credit/grants/{grant}/hand-on", {"email": friend.email})
    assert (answer.status_code, answer.json["left"]) == (200, money(0))
    (theirs,) = call(friend, "GET", "/credit/grants").json["items"]
    assert (theirs["left"], theirs["reason"]) == (money(10_000), "handed_on")
    assert theirs["expires_at"] == answer.json["expires_at"]
    again = call(trainee, "POST", f"/credit/grants/{grant}/hand-on", {"email": friend.email})
    assert (again.status_code, again.json["code"]) == (409, "credit_lacking")
    assert_sound(stage)


def test_what_can_not_be_handed_on_stays(stage, call, people, trainee):
    fixed = give(stage, trainee.id, usd(10_000))
    free = give(stage, trainee.id, usd(10_000), transferable=True)
    host = people.make("analyst")
    for grant, email, problem in (
        (fixed, people.trainee().email, "credit_not_transferable"),
        (free, "nobody@example.org", "recipient_unknown"),
        (free, trainee.email, "recipient_unknown"),
        (free, host.email, "recipient_unknown"),
    ):
        answer = call(trainee, "POST", f"/credit/grants/{grant}/hand-on", {"email": email})
        assert (answer.status_code, answer.json["code"]) == (409, problem)
    assert available(stage, trainee.id) == 20_000


def test_credit_expires_once_and_becomes_revenue(stage, trainee, run_jobs):
    give(stage, trainee.id, usd(10_000), expires_at=stage.now + timedelta(days=40))
    give(stage, trainee.id, usd(5_000))
    with stage.transaction() as session:
        assert granting.remind_due(session, stage.now) == 0
    stage.clock.advance(timedelta(days=11))
    for expected in (1, 0):
        with stage.transaction() as session:
            assert granting.remind_due(session, stage.now) == expected
    assert stage.told(trainee.id)[-1] == "credit_expires_soon"
    stage.clock.advance(timedelta(days=29))
    assert available(stage, trainee.id) == 5_000
    for expected in (1, 0):
        with stage.transaction() as session:
            assert granting.expire_due(session, stage.now) == expected
    assert stage.told(trainee.id)[-1] == "credit_expired"
    with stage.transaction() as session:
        assert queries.balance_of(session, "trainee_credit", "USD", trainee.id) == usd(-5_000)
        assert queries.balance_of(session, "platform_revenue", "USD") == usd(5_000)
    assert_sound(stage)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_grant SET left_minor = left_minor - 1",
        "UPDATE credit_grant SET amount_minor = amount_minor + 1",
        "UPDATE credit_grant SET account_id = granted_by",
        "DELETE FROM credit_grant",
        "UPDATE credit_movement SET amount_minor = 1",
        "DELETE FROM credit_movement",
        (
            "INSERT INTO credit_movement (id, grant_id, kind, amount_minor, amount_currency, reason, at)"
            " SELECT gen_random_uuid(), id, 'expired', -amount_minor - 1, 'USD', 'x', now()"
            " FROM credit_grant"
        ),
        (
            "INSERT INTO credit_movement (id, grant_id, kind, amount_minor, amount_currency, reason, at)"
            " SELECT gen_random_uuid(), id, 'expired', -1, 'EUR', 'x', now() FROM credit_grant"
        ),
        (
            "INSERT INTO credit_movement (id, grant_id, kind, amount_minor, amount_currency, reason, at)"
            " SELECT gen_random_uuid(), id, 'expired', 1, 'USD', 'x', now() FROM credit_grant"
        ),
    ],
)
def test_the_database_refuses_every_other_hand(stage, trainee, statement):
    give(stage, trainee.id, usd(10_000))
    with pytest.raises(IntegrityError), stage.transaction() as session, session.begin_nested():
        session.execute(text(statement))
    assert available(stage, trainee.id) == 10_000


def test_the_check_finds_credit_that_the_books_do_not_owe(stage, trainee):
    grant = give(stage, trainee.id, usd(10_000))
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO credit_movement"
                " (id, grant_id, kind, amount_minor, amount_currency, reason, at)"
                " VALUES (:id, :grant, 'expired', -1, 'USD', 'by hand', now())"
            ),
            {"id": uuid4(), "grant": grant},
        )
        (fault,) = queries.wrong_credit(session)
    assert str(trainee.id) in fault


def new_code(**changes):
    body = {
        "code": "spring-27",
        "description": "For the spring",
        "basis_points": 500,
        "valid_from": "2026-11-01T00:00:00Z",
        "valid_until": "2027-03-01T00:00:00Z",
    }
    return {**body, **changes}


def test_an_operator_makes_reads_and_ends_a_code(call, operator):
    made = call(operator, "POST", "/operator/voucher-codes", new_code(max_uses=10))
    assert made.status_code == 201, made.json
    assert (made.json["code"], made.json["uses"], made.json["max_uses_each"]) == ("SPRING-27", 0, 1)
    where = made.headers["Location"].removeprefix(API)
    assert call(operator, "GET", where).json == made.json
    again = call(operator, "POST", "/operator/voucher-codes", new_code())
    assert (again.status_code, again.json["code"]) == (409, "voucher_exists")
    assert len(call(operator, "GET", "/operator/voucher-codes").json["items"]) == 1
    ended = call(operator, "POST", f"{where}/withdraw")
    assert ended.json["withdrawn_at"] is not None
    assert call(operator, "GET", f"/operator/voucher-codes/{uuid4()}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"basis_points": None}, "basis_points"),
        ({"amount": money(1_000)}, "basis_points"),
        ({"basis_points": 10_001}, "basis_points"),
        ({"basis_points": None, "amount": money(0)}, "amount"),
        ({"basis_points": None, "amount": money(5), "currency": "EUR"}, "currency"),
        ({"valid_until": "2026-11-01T00:00:00Z"}, "valid_until"),
        ({"code": "a b"}, "code"),
        ({"max_uses": 0}, "max_uses"),
    ],
)
def test_a_code_that_makes_no_sense_is_refused(call, operator, changes, field):
    answer = call(operator, "POST", "/operator/voucher-codes", new_code(**changes))
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])


def test_lists_take_the_same_queries_whatever_they_hold(stage, call, trainee, count_queries):
    give(stage, trainee.id, usd(100))
    with count_queries() as few:
        call(trainee, "GET", "/credit/grants?limit=50")
        call(trainee, "GET", "/credit/movements?limit=50")
    for _ in range(15):
        give(stage, trainee.id, usd(100))
    with count_queries() as many:
        assert len(call(trainee, "GET", "/credit/grants?limit=50").json["items"]) == 16
        call(trainee, "GET", "/credit/movements?limit=50")
    assert len(many) == len(few)
