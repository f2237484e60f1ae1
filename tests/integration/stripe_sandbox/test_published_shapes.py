"""Every endpoint's answers, and every event, fit Stripe's published OpenAPI document."""

import io
import json
import urllib.parse

import pytest
import stripe

from marketplace.embedded.stripe_sandbox.api import ROUTER
from marketplace.embedded.stripe_sandbox.resources import payment_pages
from tests.integration.stripe_sandbox import published
from tests.integration.stripe_sandbox.running import (
    RETURN,
    card,
    check_balance,
    new_host,
    new_payment,
    new_session,
    visit,
)


class Recorder(stripe.RequestsClient):
    """The SDK's own transport, which also keeps every answer."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def request(self, method, url, headers, post_data=None, **more):
        body, status, answered = super().request(method, url, headers, post_data, **more)
        self.seen.append(
            (method.upper(), urllib.parse.urlsplit(url).path, status, json.loads(body))
        )
        return body, status, answered


def customers(c):
    made = c.v1.customers.create({"email": "a@example.org", "address": {"city": "Boston"}})
    c.v1.customers.update(made.id, {"name": "Ada", "shipping": {"name": "A", "address": {}}})
    c.v1.customers.list({"limit": 2})
    method = c.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    c.v1.payment_methods.attach(method.id, {"customer": made.id})
    c.v1.payment_methods.retrieve(method.id)
    c.v1.payment_methods.list({"customer": made.id})
    c.v1.customers.payment_methods.list(made.id)
    c.v1.customers.payment_methods.retrieve(made.id, method.id)
    c.v1.payment_methods.detach(method.id)
    c.v1.customers.retrieve(made.id)
    c.v1.customers.delete(made.id)
    c.v1.customers.retrieve(made.id)


def intents(c, process):
    intent = c.v1.payment_intents.create(
        {"amount": 9_000, "currency": "usd", "capture_method": "manual"}
    )
    c.v1.payment_intents.update(intent.id, {"description": "Deposit"})
    c.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_mastercard", "return_url": RETURN}
    )
    c.v1.payment_intents.capture(intent.id, {"amount_to_capture": 8_000})
    challenged = new_payment(c, payment_method="pm_card_threeDSecure2Required")
    c.v1.payment_intents.cancel(challenged.id)
    with pytest.raises(stripe.CardError):
        new_payment(c, payment_method="pm_card_visa_chargeDeclined")
    c.v1.payment_intents.list({"limit": 3})
    c.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    late = new_payment(c, payment_method="pm_usBankAccount")
    process.fault("intent.settle", payment_intent=late.id, outcome="account_closed")
    c.v1.payment_intents.retrieve(late.id)
    with pytest.raises(stripe.InvalidRequestError):
        c.v1.payment_intents.retrieve("pi_none")


def charges(c):
    intent = new_payment(c)
    c.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds", "payment_intent"]})
    c.v1.charges.update(intent.latest_charge, {"metadata": {"a": "b"}})
    c.v1.charges.list({"payment_intent": intent.id})
    refund = c.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    c.v1.refunds.update(refund.id, {"metadata": {"why": "asked"}})
    c.v1.refunds.retrieve(refund.id, {"expand": ["charge", "balance_transaction"]})
    c.v1.refunds.list({"charge": intent.latest_charge})
    c.raw_request("get", f"/v1/charges/{intent.latest_charge}/refunds")
    with pytest.raises(stripe.InvalidRequestError):
        c.v1.refunds.create({"payment_intent": intent.id, "amount": 10_000})


def refunds_that_turn(c, process):
    pending = new_payment(c, payment_method="pm_card_pendingRefund")
    refund = c.v1.refunds.create({"payment_intent": pending.id})
    process.fault("refund.fail", refund=refund.id)
    c.v1.refunds.retrieve(refund.id)
    c.v1.balance.retrieve()
    entries = c.v1.balance_transactions.list({"limit": 50})
    c.v1.balance_transactions.retrieve(entries.data[0].id)


def checkout(c):
    product = c.v1.products.create({"name": "Rotation"})
    c.v1.products.retrieve(product.id)
    c.v1.products.list()
    price = c.v1.prices.create({"currency": "usd", "unit_amount": 700, "product": product.id})
    c.v1.prices.retrieve(price.id)
    c.v1.prices.list({"product": product.id})
    session = new_session(c, line_items=[{"price": price.id, "quantity": 3}], expand=["line_items"])
    c.v1.checkout.sessions.update(session.id, {"metadata": {"booking": "1"}})
    assert visit(session.url, **card("4242424242424242"))[0] == 303
    c.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    c.v1.checkout.sessions.line_items.list(session.id)
    c.v1.checkout.sessions.list({"status": "complete"})
    c.v1.checkout.sessions.expire(new_session(c).id)


def accounts(c, process):
    started = c.v1.accounts.create(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    c.v1.account_links.create(
        {
            "account": started.id,
            "type": "account_onboarding",
            "refresh_url": RETURN,
            "return_url": RETURN,
        }
    )
    c.v1.accounts.update(started.id, {"metadata": {"site": "1"}})
    host = new_host(process, c)
    c.v1.accounts.login_links.create(host.id)
    c.v1.accounts.external_accounts.list(host.id)
    c.v1.accounts.list()
    c.v1.accounts.retrieve_current()
    c.v1.accounts.retrieve_current(options={"stripe_account": host.id})
    c.raw_request("post", f"/v1/accounts/{started.id}/reject", reason="other")
    c.v1.accounts.delete(started.id)


def moving_money(c, process):
    host = new_host(process, c)
    paid = new_payment(c, 50_000)
    transfer = c.v1.transfers.create(
        {
            "amount": 30_000,
            "currency": "usd",
            "destination": host.id,
            "source_transaction": paid.latest_charge,
        }
    )
    c.v1.transfers.update(transfer.id, {"metadata": {"tranche": "1"}})
    back = c.v1.transfers.reversals.create(transfer.id, {"amount": 1_000})
    c.v1.transfers.reversals.update(transfer.id, back.id, {"metadata": {"a": "b"}})
    c.v1.transfers.reversals.retrieve(transfer.id, back.id)
    c.v1.transfers.reversals.list(transfer.id)
    c.v1.transfers.retrieve(transfer.id, {"expand": ["destination_payment", "reversals.data"]})
    c.v1.transfers.list({"destination": host.id})
    split = {"transfer_data": {"destination": host.id}, "application_fee_amount": 500}
    new_payment(c, 5_000, **split)
    fees = c.v1.application_fees.list()
    c.v1.application_fees.retrieve(fees.data[0].id)
    there = {"stripe_account": host.id}
    payout = c.v1.payouts.create({"amount": 2_000, "currency": "usd"}, there)
    c.v1.payouts.update(payout.id, {"metadata": {"a": "b"}}, there)
    process.fault("payout.fail", payout=payout.id)
    c.v1.payouts.retrieve(payout.id, options=there)
    second = c.v1.payouts.create({"amount": 1_000, "currency": "usd"}, there)
    c.v1.payouts.cancel(second.id, options=there)
    c.v1.payouts.list(options=there)
    check_balance(c, host.id)
    return host.id


def disputes(c, process):
    intent = new_payment(c, payment_method="pm_card_createDispute")
    dispute = c.v1.disputes.list({"payment_intent": intent.id}).data[0]
    c.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    c.v1.disputes.retrieve(dispute.id, {"expand": ["charge"]})
    other = process.fault("dispute.open", charge=new_payment(c).latest_charge)
    c.v1.disputes.close(other["id"])


def evidence_files(c, process):
    paid = new_payment(c)
    opened = process.fault("dispute.open", charge=paid.latest_charge)
    paper = io.BytesIO(b"%PDF-1.7 messages")
    paper.name = "messages.pdf"
    sent = c.v1.files.create({"purpose": "dispute_evidence", "file": paper})
    c.v1.files.retrieve(sent.id)
    c.v1.files.list({"purpose": "dispute_evidence"})
    with pytest.raises(stripe.InvalidRequestError, match="No such file upload"):
        c.v1.disputes.update(opened["id"], {"evidence": {"receipt": "file_none"}})
    with pytest.raises(stripe.InvalidRequestError, match="PDF"):
        c.v1.files.create({"purpose": "dispute_evidence", "file": io.BytesIO(b"MZ")})
    evidence = {"customer_communication": sent.id}
    c.v1.disputes.update(opened["id"], {"evidence": evidence, "submit": True})
    process.fault("dispute.close", dispute=opened["id"], status="lost")
    process.fault("dispute.close", dispute=opened["id"], status="won")
    assert c.v1.disputes.retrieve(opened["id"]).status == "won"


def kept_cards(c, process):
    made = c.v1.customers.create({"email": "kept@example.org"})
    page = new_session(
        c,
        customer=made.id,
        payment_intent_data={"setup_future_usage": "off_session"},
        saved_payment_method_options={"allow_redisplay_filters": ["always", "limited"]},
    )
    assert visit(page.url, **card("4000002760003184"))[0] == 303
    challenge = c.v1.payment_intents.list({"customer": made.id}).data[0].next_action
    assert visit(challenge.redirect_to_url.url, answer="complete")[0] == 303
    (kept,) = c.v1.payment_methods.list({"customer": made.id}).data
    assert kept.allow_redisplay == "limited"
    charge = {"customer": made.id, "payment_method": kept.id, "off_session": True}
    with pytest.raises(stripe.CardError) as declined:
        new_payment(c, **charge)
    assert declined.value.code == "authentication_required"
    process.fault("card.behave", payment_method=kept.id, number="4000000000009979")
    with pytest.raises(stripe.CardError) as declined:
        new_payment(c, **charge)
    assert declined.value.error.advice_code == "do_not_try_again"
    process.fault("card.behave", payment_method=kept.id, number="4000003800000446")
    assert new_payment(c, **charge).status == "succeeded"
    again = new_session(
        c,
        customer=made.id,
        saved_payment_method_options={
            "payment_method_save": "enabled",
            "allow_redisplay_filters": ["limited"],
        },
    )
    process.fault("card.behave", payment_method=kept.id, number="4242424242424242")
    assert kept.id in visit(again.url)[2]
    assert visit(again.url, saved=kept.id)[0] == 303


def endpoints(c):
    made = c.v1.webhook_endpoints.create({"url": RETURN, "enabled_events": ["*"], "connect": True})
    c.v1.webhook_endpoints.update(made.id, {"disabled": True})
    c.v1.webhook_endpoints.retrieve(made.id)
    c.v1.webhook_endpoints.list()
    c.v1.webhook_endpoints.delete(made.id)


def test_every_answer_and_event_fits_the_published_document(sandbox):
    recorder = Recorder()
    c = sandbox.client(http_client=recorder)
    customers(c)
    intents(c, sandbox)
    charges(c)
    refunds_that_turn(c, sandbox)
    checkout(c)
    accounts(c, sandbox)
    host = moving_money(c, sandbox)
    disputes(c, sandbox)
    evidence_files(c, sandbox)
    kept_cards(c, sandbox)
    endpoints(c)
    types = set()
    for account in (None, host):
        events = c.v1.events.list({"limit": 100}, {"stripe_account": account} if account else None)
        types |= {event.type for event in events.auto_paging_iter()}
    c.v1.events.retrieve(c.v1.events.list().data[0].id)

    wrong = []
    for method, path, status, body in recorder.seen:
        wrong += [
            f"{method} {path} {status}: {p}" for p in published.problems(method, path, status, body)
        ]
        if path == "/v1/events":
            for event in body["data"]:
                found = published.object_problems(event["data"]["object"])
                wrong += [f"event {event['type']}: {p}" for p in found]
    assert not wrong, "\n".join(sorted(set(wrong)))

    assert types - published.event_types() == set()
    assert {
        "checkout.session.completed",
        "refund.failed",
        "payout.failed",
        "transfer.reversed",
    } < types
    used = {(method, ROUTER.match(method, path)[0].pattern) for method, path, *_ in recorder.seen}
    # Stripe publishes nothing of what its command-line client asks of payment pages.
    unpublished = {(route.method, route.pattern) for route in payment_pages.ROUTES}
    assert {(route.method, route.pattern) for route in ROUTER.routes} - used == unpublished
    check_balance(c)
