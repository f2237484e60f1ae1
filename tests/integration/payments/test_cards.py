"""Balances by kept cards, through the true adapters, the official SDK and the sandbox's process.

The trainee signs in, agrees to words, clicks through the hosted pages; days pass on our clock.
"""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import tasks as booking_tasks
from marketplace.booking.service import balances
from marketplace.payments import tasks
from marketplace.payments.errors import CardInUse
from marketplace.payments.gateway import GatewayUncertain
from marketplace.payments.tasks import cards as jobs
from tests.factories import itineraries
from tests.factories.rotations import FIRST_DAY
from tests.integration.payments.carding import (
    ASKS,
    BALANCE,
    DEPOSIT,
    FUNDS,
    GOOD,
    STOLEN,
    Counter,
    ask_by_card,
    saved,
)
from tests.integration.payments.test_payout_races import killed_in, together
from tests.integration.stripe_sandbox.running import SECRET, card, visit


@pytest.fixture
def counter(parts, stage, sessions, sandbox, receiver, client):
    return Counter(parts, stage, sessions, sandbox, receiver, client)


@pytest.fixture
def kept_by(counter, people, run_jobs):
    """A person whose deposit was paid with a card that is kept for the balance; the booking's id."""

    def made(number=GOOD, keep="balance", locale="en"):
        person = people.trainee(visa_type="b1_b2")
        with counter.job.transaction() as session:
            session.execute(
                text("UPDATE account SET locale = :locale WHERE id = :id"),
                {"locale": locale, "id": person.id},
            )
        booking_id = counter.stage.hold(person.id, counter.stage.place())
        words = counter.words(person, booking_id)[keep]
        payment_id = counter.pay(person, booking_id, keep_card=keep, agreed_words=words)
        run_jobs()
        counter.on_page(payment_id, **card(number))
        counter.deliver()
        run_jobs()
        assert counter.stage.state(booking_id) == "confirmed"
        return person, booking_id

    return made


def test_the_rest_is_charged_on_its_day_to_the_card_that_was_kept_for_it(
    counter, kept_by, run_jobs, mail
):
    person, booking_id = kept_by()
    assert {"brand": "visa", "last4": "4242"}.items() <= counter.card(person).items()
    status, plan = counter.ask("get", f"/bookings/{booking_id}/balance-plan", person)
    assert (status, plan["state"], plan["most"]["amount"]) == (200, "ready", BALANCE)
    assert "$1,792.00 at most" in plan["agreed_words"]
    assert plan["agreed_at"] < plan["charge_at"]
    counter.charge_due(run_jobs)
    assert counter.tries(booking_id) == []
    counter.to_the_day(booking_id)
    counter.charge_due(run_jobs)
    counter.deliver()
    run_jobs()
    counter.charge_due(run_jobs)
    booking = counter.stage.booking(booking_id)
    assert booking.paid == booking.total
    assert counter.plan(booking_id).state == "done"
    (tried,) = counter.tries(booking_id)
    assert (tried.state, tried.purpose, tried.captured_minor) == ("settled", "balance", BALANCE)
    assert sorted(counter.succeeded()) == [DEPOSIT, BALANCE]
    assert counter.agrees()
    assert [one for one in counter.stage.told(person.id) if one.startswith("balance")] == []


def test_the_balances_of_an_itinerary_are_charged_each_on_its_day_to_the_card_of_its_deposits(
    counter, people, run_jobs
):
    person, stage = people.trainee(visa_type="b1_b2"), counter.stage
    first = stage.place()
    other = stage.beside(first, title="Cardiology")
    later = FIRST_DAY + timedelta(weeks=8)
    itinerary_id, bookings = itineraries.held(
        stage, person.id, (first, FIRST_DAY, 4), (other, later, 4)
    )
    path = f"/itineraries/{itinerary_id}"
    words = counter.ask("post", f"{path}/payment-quote", person)[1]["card_words"]["balance"]
    assert words.count("$1,792.00 at most") == 2
    wish = {"keep_card": "balance", "agreed_words": words}
    whole = counter.ask("post", f"{path}/payments", person, **wish, whole=True)
    assert (whole[0], whole[1]["code"]) == (409, "not_open_for_this")
    status, asked = counter.ask("post", f"{path}/payments", person, **wish)
    assert status == 201, asked
    run_jobs()
    counter.on_page(asked["payment_id"], **card(GOOD))
    counter.deliver()
    run_jobs()
    plans = [counter.plan(one) for one in bookings]
    assert [(one.state, one.most.minor) for one in plans] == [("ready", BALANCE)] * 2
    assert plans[1].charge_at - plans[0].charge_at > timedelta(weeks=7)
    for booking_id in bookings:
        counter.to_the_day(booking_id)
        counter.charge_due(run_jobs)
        counter.deliver()
        run_jobs()
    assert [counter.plan(one).state for one in bookings] == ["done"] * 2
    assert all(stage.booking(one).paid == stage.booking(one).total for one in bookings)
    assert sorted(counter.succeeded()) == [2 * DEPOSIT, BALANCE, BALANCE]
    assert counter.agrees()


def test_words_that_were_not_shown_are_not_agreed_to(counter, people, run_jobs):
    person = people.trainee(visa_type="b1_b2")
    booking_id = counter.stage.hold(person.id, counter.stage.place())
    path = f"/bookings/{booking_id}/payments"
    status, refused = counter.ask("post", path, person, keep_card="balance", agreed_words="Yes.")
    assert (status, refused["code"]) == (422, "agreement_changed")
    assert refused["words"] == counter.words(person, booking_id)["balance"]
    counter.on_page(_opened(counter, person, booking_id, run_jobs), **card(GOOD))
    counter.deliver()
    run_jobs()
    assert counter.ask("get", "/payments/cards", person)[1]["items"] == []
    assert counter.ask("get", f"/bookings/{booking_id}/balance-plan", person)[0] == 404


def _opened(counter, person, booking_id, run_jobs, **body):
    payment_id = counter.pay(person, booking_id, **body)
    run_jobs()
    return payment_id


def test_a_bank_that_asks_for_its_customer_has_the_trainee_mailed_the_page(
    counter, kept_by, run_jobs, mail
):
    person, booking_id = kept_by(ASKS)
    counter.to_the_day(booking_id)
    counter.charge_due(run_jobs)
    counter.deliver()
    run_jobs()
    (tried,) = counter.tries(booking_id)
    assert (tried.state, tried.decline_code) == ("failed", "authentication_required")
    plan = counter.plan(booking_id)
    assert plan.state == "stopped"
    page = counter.payment(plan.finish_payment_id)
    (told,) = [one for one in mail.sent if page.checkout_url in one.text]
    assert "Your bank wants you to confirm the payment yourself." in told.text
    counter.on_page(page.id, saved=counter.method(person), email=person.email)
    counter.deliver()
    run_jobs()
    booking = counter.stage.booking(booking_id)
    assert booking.paid == booking.total
    assert sorted(counter.succeeded()) == [DEPOSIT, BALANCE]
    assert counter.agrees()


def test_what_may_pass_is_tried_on_days_one_three_and_five_and_told_in_spanish(
    counter, kept_by, run_jobs, mail
):
    person, booking_id = kept_by(locale="es")
    counter.sandbox.fault("card.behave", payment_method=counter.method(person), number=FUNDS)
    counter.to_the_day(booking_id)
    began = counter.stage.now
    days = []
    for _ in range(4):
        days.append((counter.stage.now - began).days)
        counter.charge_due(run_jobs)
        counter.deliver()
        run_jobs()
        if counter.plan(booking_id).next_try_at is not None:
            counter.to_the_day(booking_id)
    assert days == [0, 1, 3, 5]
    tried = counter.tries(booking_id)
    assert {one.decline_code for one in tried} == {"insufficient_funds"}
    assert len({one.processor_intent for one in tried}) == 4
    told = counter.stage.told(person.id)
    assert told.count("balance_declined") == 3
    assert told.count("balance_to_finish") == 1
    assert any("No había dinero suficiente en la tarjeta." in one.text for one in mail.sent)
    assert counter.succeeded() == [DEPOSIT]
    stopped = counter.plan(booking_id)
    counter.stage.clock.advance(timedelta(days=9))
    counter.charge_due(run_jobs)
    assert len(counter.tries(booking_id)) == 4
    shown = counter.ask("get", f"/payments/{tried[-1].id}", person)[1]
    assert shown["last_decline"] == "No había dinero suficiente en la tarjeta."
    assert stopped.state == "stopped"


def test_a_stolen_card_is_never_tried_again_and_a_payer_who_pays_stops_the_tries(
    counter, kept_by, run_jobs
):
    person, booking_id = kept_by()
    other, theirs = kept_by()
    counter.sandbox.fault("card.behave", payment_method=counter.method(person), number=FUNDS)
    counter.sandbox.fault("card.behave", payment_method=counter.method(other), number=STOLEN)
    counter.to_the_day(booking_id)
    counter.charge_due(run_jobs)
    counter.stage.clock.advance(timedelta(hours=23))
    page = _opened(counter, person, booking_id, run_jobs)
    counter.to_the_day(booking_id)
    counter.charge_due(run_jobs)
    assert len(counter.tries(booking_id)) == 1, "the page is open: it is left to the payer"
    counter.on_page(page, **card(GOOD))
    counter.deliver()
    run_jobs()
    assert counter.plan(booking_id).state == "done"
    assert counter.plan(theirs).state == "stopped"
    (tried,) = counter.tries(theirs)
    shown = counter.ask("get", f"/payments/{tried.id}", other)[1]
    assert shown["decline_code"] == "stolen_card"
    assert "stolen" not in shown["last_decline"]
    assert counter.agrees()


def test_one_click_closes_the_page_first_and_the_bank_may_ask(counter, kept_by, run_jobs):
    person, booking_id = kept_by("4000003800000446", keep="keep")
    card_id = counter.card(person)["id"]
    page = _opened(counter, person, booking_id, run_jobs)
    by_card = _opened(counter, person, booking_id, run_jobs, card_id=card_id)
    assert counter.payment(page).state == "cancelled"
    asked = counter.payment(by_card)
    assert asked.state == "open"
    back = visit(asked.checkout_url, answer="complete")[1]
    assert f"payment_intent={asked.processor_intent}" in back
    path = back.partition("/api/v1")[2]
    assert counter.ask("get", path, person)[1]["payment_id"] == by_card
    run_jobs()
    booking = counter.stage.booking(booking_id)
    assert booking.paid == booking.total
    assert counter.agrees()


def test_a_page_that_was_paid_before_its_close_leaves_the_card_alone(counter, kept_by, run_jobs):
    person, booking_id = kept_by(keep="keep")
    page = _opened(counter, person, booking_id, run_jobs)
    counter.on_page(page, **card(GOOD))
    by_card = _opened(counter, person, booking_id, run_jobs, card_id=counter.card(person)["id"])
    counter.deliver()
    run_jobs()
    assert counter.payment(page).state == "settled"
    assert counter.payment(by_card).state == "expired"
    assert sorted(counter.succeeded()) == [DEPOSIT, BALANCE]
    assert counter.stage.booking(booking_id).paid.minor == DEPOSIT + BALANCE
    assert counter.agrees()


def test_cards_are_replaced_removed_and_changed_at_the_bank(counter, kept_by, people, run_jobs):
    person, booking_id = kept_by(keep="keep")
    first = counter.card(person)["id"]
    plan_path = f"/bookings/{booking_id}/balance-plan"
    words = counter.words(person, booking_id)["balance"]
    agreed = {"card_id": first, "agreed_words": words}
    assert counter.ask("post", plan_path, person, **agreed)[0] == 201
    assert counter.ask("post", plan_path, person, **agreed)[1]["tries"] == 0
    assert counter.ask("delete", plan_path, person)[0] == 204
    assert counter.ask("get", plan_path, person)[1]["state"] == "stopped"
    assert counter.ask("post", plan_path, person, **agreed)[1]["state"] == "ready"
    stranger = people.trainee(visa_type="b1_b2")
    assert counter.ask("delete", f"/payments/cards/{first}", stranger)[0] == 404
    old = counter.method(person)
    assert counter.ask("delete", f"/payments/cards/{first}", person)[0] == 204
    run_jobs()
    assert counter.stripe.v1.payment_methods.retrieve(old).customer is None
    assert counter.ask("get", plan_path, person)[1]["state"] == "stopped"
    assert counter.ask("get", "/payments/cards", person)[1]["items"] == []
    counter.deliver()
    run_jobs()
    other, theirs = kept_by()
    counter.stripe.v1.payment_methods.detach(counter.method(other))
    counter.deliver()
    run_jobs()
    assert counter.ask("get", "/payments/cards", other)[1]["items"] == []
    assert counter.plan(theirs).state == "stopped"


def test_a_balance_that_waits_for_a_person_holds_up_none_behind_it(
    counter, kept_by, run_jobs, monkeypatch
):
    bookings = [kept_by()[1] for _ in range(2)]
    for booking_id in bookings:
        counter.to_the_day(booking_id)
    plans = {counter.plan(one).id: one for one in bookings}  # of one day: in the order of their ids
    charge, plan_id = balances.charge, min(plans)

    def refused(session, plan, **given):
        if plan == plan_id:
            raise CardInUse("The card is being charged.")
        charge(session, plan, **given)

    monkeypatch.setattr(balances, "charge", refused)
    monkeypatch.setattr(booking_tasks, "CHARGES", 1)
    counter.charge_due(run_jobs)
    assert [len(counter.tries(plans[one])) for one in sorted(plans)] == [0, 1]
    monkeypatch.undo()
    counter.charge_due(run_jobs)
    assert [len(counter.tries(one)) for one in bookings] == [1, 1]


@pytest.mark.fault(7)
@pytest.mark.fault(20)
def test_a_lost_answer_and_the_webhook_are_one_charge(counter, kept_by, run_jobs):
    _, booking_id = kept_by()
    counter.to_the_day(booking_id)
    booking_tasks.charge_balances(counter.job)
    (tried,) = counter.tries(booking_id)
    counter.sandbox.fault("request.drop", work=True, path="/v1/payment_intents", method="POST")
    with pytest.raises(GatewayUncertain):
        jobs.charge_card(counter.job, str(tried.id))
    counter.deliver()
    run_jobs()
    jobs.charge_card(counter.job, str(tried.id))
    assert counter.payment(tried.id).state == "settled"
    assert sorted(counter.succeeded()) == [DEPOSIT, BALANCE]
    assert counter.agrees()


@pytest.mark.fault(9)
@pytest.mark.fault(11)
def test_a_stored_failure_and_forgotten_keys_charge_once(counter, kept_by, run_jobs):
    _, booking_id = kept_by()
    counter.to_the_day(booking_id)
    booking_tasks.charge_balances(counter.job)
    (tried,) = counter.tries(booking_id)
    intents = {"path": "/v1/payment_intents", "method": "POST"}
    counter.sandbox.fault("request.error", stored=True, **intents)
    for _ in range(2):
        with pytest.raises(GatewayUncertain):
            jobs.charge_card(counter.job, str(tried.id))
    counter.sandbox.fault("request.drop", work=True, **intents)
    with pytest.raises(GatewayUncertain):
        jobs.charge_card(counter.job, str(tried.id))
    counter.sandbox.fault("clock.advance", seconds=2 * 86_400)
    jobs.charge_card(counter.job, str(tried.id))
    assert counter.payment(tried.id).state == "settled"
    assert sorted(counter.succeeded()) == [DEPOSIT, BALANCE]


@pytest.fixture
def live_counter(live, live_stage, start, receiver):
    """The same in a database of its own, where workers are killed and race."""
    ours = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    sandbox = start(*ours, "--retry-first", "0.05", "--available-after", "0")
    made = Counter(live.parts, live_stage, live.sessions, sandbox, receiver, live.app.test_client())
    trainee_id = live_stage.trainee()
    booking_id = live_stage.confirmed(live_stage.place(), trainee_id)
    customer = made.stripe.v1.customers.create({"email": "a@example.org"})
    method = made.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with made.job.transaction() as session:
        session.add(saved(trainee_id, customer.id, method.id, live.clock.now()))
    return made, trainee_id, booking_id


@pytest.mark.fault(6)
@pytest.mark.fault(38)
def test_a_worker_killed_in_the_middle_of_a_charge(live, live_counter):
    counter, trainee_id, booking_id = live_counter
    payment_id = ask_by_card(counter, trainee_id, booking_id)
    intents = {"path": "/v1/payment_intents", "method": "POST"}
    counter.sandbox.fault("request.hang", seconds=100, work=True, **intents)
    job = "marketplace.payments.tasks.cards.charge_card"
    killed_in(live, counter.sandbox, job, str(payment_id), lambda: counter.succeeded() != [])
    assert counter.payment(payment_id).state == "requested"
    jobs.charge_card(counter.job, str(payment_id))
    assert counter.payment(payment_id).state == "settled"
    assert counter.succeeded() == [BALANCE]


@pytest.mark.fault(12)
@pytest.mark.fault(20)
def test_workers_webhooks_and_the_poller_race_to_one_charge(live, live_counter):
    counter, trainee_id, booking_id = live_counter
    ids = []
    failures = together(*[lambda: ids.append(ask_by_card(counter, trainee_id, booking_id))] * 4)
    assert failures == []
    (payment_id,) = set(ids)

    def charge():
        jobs.charge_card(counter.job, str(payment_id))

    failures = together(*[charge] * 3, lambda: tasks.poll(counter.job), counter.deliver)
    assert [one for one in failures if not isinstance(one, GatewayUncertain)] == []
    counter.deliver()
    live.run_jobs()
    assert counter.payment(payment_id).state == "settled"
    assert counter.succeeded() == [BALANCE]
    assert counter.stage.booking(booking_id).paid.minor == DEPOSIT + BALANCE
