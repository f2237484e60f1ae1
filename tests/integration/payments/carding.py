"""A trainee's way through paying with cards that are kept, in front of the sandbox's process."""

from datetime import timedelta

from marketplace.adapters.queue import Context
from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.booking import tasks as booking_tasks
from marketplace.booking.service import balances, payment
from marketplace.payments import queries
from marketplace.payments.gateway import CardGateway, PaymentGateway
from marketplace.payments.models import SavedCard
from marketplace.payments.queries import cards as kept
from marketplace.payments.rules.cards import CardUse
from tests.integration.stripe_sandbox.running import (
    KEY,
    SECRET,
    check_balance,
    eventually,
    visit,
)

GOOD, ASKS, FUNDS, STOLEN = (
    "4242424242424242",
    "4000002760003184",
    "4000000000009995",
    "4000000000009979",
)
DEPOSIT, BALANCE = 44_800, 179_200


class Counter:
    """A trainee's way through paying: over HTTP, on the hosted pages, and as time passes."""

    def __init__(self, parts, stage, sessions, sandbox, receiver, client):
        given = {"api_base": sandbox.url, "waits": ()}
        parts.add(PaymentGateway, StripeGateway(KEY, webhook_secrets=(SECRET,), **given))
        parts.add(CardGateway, StripeCards(KEY, **given))
        self.stage, self.sandbox, self._client = stage, sandbox, client
        self._receiver, self._delivered = receiver, 0
        self.job = Context(parts, sessions)
        self.stripe = sandbox.client()

    def ask(self, method, path, person, **body):
        call = getattr(self._client, method)
        more = {"json": body} if method == "post" else {}
        answer = call(f"/api/v1{path}", headers=person.headers, **more)
        return answer.status_code, answer.get_json(silent=True)

    def words(self, person, booking_id):
        return self.ask("post", f"/bookings/{booking_id}/payment-quote", person)[1]["card_words"]

    def pay(self, person, booking_id, **body):
        status, answer = self.ask("post", f"/bookings/{booking_id}/payments", person, **body)
        assert status == 201, answer
        return answer["payment_id"]

    def payment(self, payment_id):
        with self.job.transaction() as session:
            return queries.payment(session, payment_id)

    def on_page(self, payment_id, **given):
        """Pay on the hosted page, and answer the bank if it asks."""
        url = self.payment(payment_id).checkout_url
        status, where, _ = visit(url, **given)
        assert status == 303, status
        if "/hosted/3ds/" in where:
            assert visit(where, answer="complete")[0] == 303

    def deliver(self):
        """Hand over what Stripe has told since the last time."""
        eventually(lambda: self.sandbox.json("GET", "/_sandbox/webhooks")["waiting"] == 0)
        fresh = self._receiver.got[self._delivered :]
        self._delivered += len(fresh)
        for body, signature in fresh:
            answer = self._client.post(
                "/api/v1/stripe/webhook", data=body, headers={"Stripe-Signature": signature}
            )
            assert answer.status_code == 200

    def plan(self, booking_id):
        with self.job.transaction() as session:
            return kept.last_plan(session, balances.payable_of(self.stage.booking(booking_id)))

    def card(self, person):
        (found,) = self.ask("get", "/payments/cards", person)[1]["items"]
        return found

    def method(self, person):
        """The name of the person's one kept card at Stripe."""
        with self.job.transaction() as session:
            (found,) = kept.of_account(session, person.id)
            return found.processor_method

    def to_the_day(self, booking_id):
        """Let time pass until the next try of the booking's plan."""
        wait = self.plan(booking_id).next_try_at - self.stage.now
        self.stage.clock.advance(max(wait, timedelta()))

    def charge_due(self, run_jobs):
        booking_tasks.charge_balances(self.job)
        run_jobs()

    def tries(self, booking_id):
        with self.job.transaction() as session:
            found = queries.payments_of(
                session, balances.payable_of(self.stage.booking(booking_id))
            )
            return [one for one in found if one.off_session]

    def succeeded(self):
        found = self.stripe.v1.payment_intents.list({"limit": 100}).data
        return [one.amount for one in found if one.status == "succeeded"]

    def agrees(self):
        with self.job.transaction() as session:
            ours = queries.balance_of(session, "processor_clearing", "USD").minor
            assert all(not one for one in _sums(queries.trial_balance(session)))
        return ours == check_balance(self.stripe).get("usd", 0)


def _sums(accounts):
    return [sum(one.balance.minor for one in accounts)]


def saved(account_id, customer, method, now):
    return SavedCard(
        account_id=account_id,
        processor_customer=customer,
        processor_method=method,
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        kept_at=now,
    )


def ask_by_card(counter, trainee_id, booking_id):
    with counter.job.transaction() as session:
        (found,) = kept.of_account(session, trainee_id)
        booking = counter.stage.booking(booking_id)
        return payment.pay(
            session,
            booking,
            terms=counter.stage.terms,
            now=counter.stage.now,
            card=CardUse(found.id, off_session=True),
        )
