"""Cancelling to its end under every published policy, and back by the means that paid."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.factories.credit import assert_sound, available, cancel, give, money, usd
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import asked

WHOLE, DEPOSIT, FEE = 224_000, 44_800, 24_000


def test_a_refund_goes_back_by_the_means_that_paid(stage, call, trainee, held, pay):
    """250 USD of 2,240 are kept, of the credit's and the card's share alike."""
    give(stage, trainee.id, usd(56_000))
    stage.settle(pay(held, whole=True, credit=money(56_000))["payment_id"])
    shown = cancel(call, trainee, held)
    assert (shown["refund"], shown["refund_order"]) == (money(199_000), "in_proportion")
    record = call(trainee, "GET", f"/bookings/{held}/cancellation").json
    assert {one["means"]: one["amount"]["amount"] for one in record["refunds"]} == {
        "credit": 49_750,
        "card": 149_250,
    }
    assert (record["kept"], record["credit"]) == (money(25_000), [])
    assert available(stage, trainee.id) == 49_750
    assert stage.told(trainee.id)[-2:] == ["credit_returned", "booking_cancelled"]
    assert_sound(stage)


def test_credit_that_expired_meanwhile_is_good_for_a_month_again(
    stage, call, trainee, held, pay, run_jobs
):
    grant = give(stage, trainee.id, usd(DEPOSIT), expires_at=stage.now + timedelta(days=2))
    pay(held, credit=money(DEPOSIT))
    stage.clock.advance(timedelta(days=5))
    cancel(call, trainee, held)
    assert available(stage, trainee.id) == DEPOSIT - 25_000
    shown = call(trainee, "GET", f"/credit/grants/{grant}").json
    assert shown["expires_at"].startswith((stage.now + timedelta(days=30)).isoformat()[:19])
    assert_sound(stage)


POLICIES = (
    ("tiered_days", "trainee_cancels", None, [], 199_000, "card"),
    ("deposit_forfeit", "trainee_cancels", None, [], WHOLE, "card"),
    ("fixed_fee", "trainee_cancels", None, [], 199_000, "card"),
    ("visa_denial_only", "trainee_cancels", None, [], 0, None),
    ("visa_denial_only", "visa_denied", "voucher", ["visa_denial"], WHOLE, "credit"),
    ("visa_denial_only", "visa_denied", "half_back", ["visa_denial"], WHOLE // 2, "card"),
    ("fixed_fee", "host_withdraws", None, [], WHOLE, "card"),
    ("visa_denial_only", "request_unanswered", None, [], WHOLE, "card"),
)


@pytest.mark.parametrize(("policy", "event", "option", "proofs", "back", "means"), POLICIES)
def test_every_published_policy_is_cancelled_to_its_end(
    stage, call, people, trainee, policy, event, option, proofs, back, means
):
    place = stage.place(cancellation_policy=policy)
    booking_id = call(trainee, "POST", "/bookings", asked(place)).json["id"]
    answer = call(trainee, "POST", f"/bookings/{booking_id}/payments", {"whole": True})
    stage.settle(UUID(answer.json["payment_id"]))
    operator = people.make("operator")
    wish = {"event": event, "option": option, "proofs": proofs}
    wish = {key: value for key, value in wish.items() if value is not None}
    where = f"/operator/bookings/{booking_id}"
    shown = call(operator, "POST", f"{where}/cancellation-quote", wish).json
    assert shown["refund"] == money(back), shown
    assert shown["kept"] == money(WHOLE - back)
    done = call(
        operator, "POST", f"{where}/cancel", {**wish, "quote": shown["quote"], "reason": "As said."}
    )
    assert done.status_code == 200, done.json
    assert stage.state(booking_id) == "cancelled_by_operator"
    record = call(trainee, "GET", f"/bookings/{booking_id}/cancellation").json
    gone = {one["means"]: one["amount"]["amount"] for one in record["refunds"]}
    assert gone == ({means: back} if means else {})
    assert available(stage, trainee.id) == (back if means == "credit" else 0)
    assert [one["amount"] for one in record["credit"]] == (
        [money(back)] if means == "credit" else []
    )
    assert_sound(stage)


def test_the_voucher_of_a_cancellation_pays_for_the_next_booking(stage, call, people, trainee):
    place = stage.place(cancellation_policy="visa_denial_only")
    first = call(trainee, "POST", "/bookings", asked(place)).json["id"]
    paid = call(trainee, "POST", f"/bookings/{first}/payments", {"whole": True})
    stage.settle(UUID(paid.json["payment_id"]))
    operator = people.make("operator")
    wish = {"event": "visa_denied", "option": "voucher", "proofs": ["visa_denial"]}
    shown = call(operator, "POST", f"/operator/bookings/{first}/cancellation-quote", wish).json
    assert {one["option"]: one["refund"]["amount"] for one in shown["choices"]} == {
        "voucher": WHOLE,
        "half_back": WHOLE // 2,
    }
    assert shown["voucher"] == {"good_for_days": None, "transferable": False}
    call(
        operator,
        "POST",
        f"/operator/bookings/{first}/cancel",
        {**wish, "quote": shown["quote"], "reason": "Denied."},
    )
    second = call(
        trainee, "POST", "/bookings", asked(stage.place(), FIRST_DAY + timedelta(weeks=8))
    ).json["id"]
    paid = call(
        trainee, "POST", f"/bookings/{second}/payments", {"whole": True, "credit": money(WHOLE)}
    )
    assert paid.json["booking"]["state"] == "confirmed"
    assert available(stage, trainee.id) == 0
    assert_sound(stage)


OWN_TERMS = """
    UPDATE booking SET policy = jsonb_set(jsonb_set(policy, '{own,refund_order}', '"card_first"'),
        '{own,clauses,0,options,1}', CAST(:option AS jsonb))
"""
BETTER_AS_CREDIT = {
    "key": "credit",
    "pays_back_as": "voucher",
    "good_for_days": 365,
    "transferable": True,
    "windows": [{"from_days": None, "to_days": None, "kept": {"kind": "nothing"}}],
}


def test_a_trainee_chooses_credit_where_the_terms_offer_more_of_it(stage, call, trainee, held, pay):
    give(stage, trainee.id, usd(24_000))
    stage.settle(pay(held, whole=True, credit=money(24_000))["payment_id"])
    with stage.transaction() as session:
        session.execute(text(OWN_TERMS), {"option": json.dumps(BETTER_AS_CREDIT)})
        session.expire_all()
    shown = call(trainee, "POST", f"/bookings/{held}/cancellation-quote", {}).json
    assert {one["option"]: one["refund"]["amount"] for one in shown["choices"]} == {
        "refund": 199_000,
        "credit": WHOLE,
    }
    chosen = cancel(call, trainee, held, option="credit")
    assert chosen["voucher"] == {"good_for_days": 365, "transferable": True}
    assert available(stage, trainee.id) == WHOLE
    record = call(trainee, "GET", f"/bookings/{held}/cancellation").json
    (grant,) = record["credit"]
    assert (grant["amount"], grant["transferable"]) == (money(200_000), True)
    assert grant["expires_at"].startswith((stage.now + timedelta(days=365)).date().isoformat())
    assert_sound(stage)


def test_terms_may_name_the_order_of_a_refund(stage, call, trainee, held, pay):
    give(stage, trainee.id, usd(56_000))
    stage.settle(pay(held, whole=True, credit=money(56_000))["payment_id"])
    with stage.transaction() as session:
        session.execute(text(OWN_TERMS), {"option": json.dumps(BETTER_AS_CREDIT)})
        session.expire_all()
    assert cancel(call, trainee, held)["refund_order"] == "card_first"
    assert available(stage, trainee.id) == 199_000 - 168_000
    assert_sound(stage)


def test_an_operator_refunds_as_credit(stage, call, people, trainee, held, pay):
    paid = pay(held, whole=True)["payment_id"]
    stage.settle(paid)
    body = {"amount": money(1_000), "reason": "The host was late.", "as_credit": True}
    answer = call(people.make("operator"), "POST", f"/operator/payments/{paid}/refunds", body)
    assert (answer.status_code, answer.json["status"], answer.json["means"]) == (
        201,
        "settled",
        "credit",
    )
    assert available(stage, trainee.id) == 1_000
