"""Any order of payments, refunds, disputes, transfers and failures: the books still hold."""

import itertools
import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from marketplace.embedded.stripe_sandbox import acts
from marketplace.embedded.stripe_sandbox.api import Api, Call
from marketplace.embedded.stripe_sandbox.app import build
from marketplace.embedded.stripe_sandbox.deliveries import Retry
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.forms import unflatten
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM
from marketplace.embedded.stripe_sandbox.work import Settings

METHODS = ("visa", "bypassPending", "visa_chargeDeclined", "createDispute", "createDisputeInquiry")
amounts = st.integers(50, 20_000)
picks = st.integers(0, 10_000)


class Books(RuleBasedStateMachine):
    """Drives the API without HTTP; every answer is 2xx or a refusal that changes nothing."""

    @initialize()
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.sandbox = build(Path(self.folder.name), Settings(available_after=60), Retry())
        self.api: Api = self.sandbox.api
        self.host = self.post(
            "/v1/accounts", **{"type": "express", "capabilities[transfers][requested]": "true"}
        )["id"]
        self.act(acts.enable_account, account=self.host)
        self.keys = itertools.count()

    def teardown(self):
        if hasattr(self, "sandbox"):
            self.sandbox.store.close()
            self.folder.cleanup()

    def call(self, method, path, account=None, key=None, **params):
        pairs = [(name, str(value)) for name, value in params.items()]
        call = Call(method, path, unflatten(pairs), "sk_test_machine", account, key)
        return self.api.handle(call)

    def post(self, path, account=None, **params):
        answer = self.call("POST", path, account, **params)
        assert answer.status in (200, 400, 402), answer.body
        return json.loads(answer.body)

    def act(self, act, **fields):
        try:
            with self.sandbox.store.write() as tx:
                act(self.api.work(tx), **fields)
        except ApiError:
            pass

    def some(self, kind, pick, account=PLATFORM):
        with self.sandbox.store.read() as tx:
            found = tx.select(kind, account)
        return found[pick % len(found)]["id"] if found else "none"

    @rule(amount=amounts, method=st.sampled_from(METHODS), manual=st.booleans(), key=st.booleans())
    def pay(self, amount, method, manual, key):
        params = {
            "amount": amount,
            "currency": "usd",
            "confirm": "true",
            "payment_method": f"pm_card_{method}",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "capture_method": "manual" if manual else "automatic",
        }
        name = f"key-{next(self.keys)}" if key else None
        first = self.call("POST", "/v1/payment_intents", key=name, **params)
        if key:
            second = self.call("POST", "/v1/payment_intents", key=name, **params)
            assert (first.status, first.body) == (second.status, second.body)

    @rule(pick=picks, amount=amounts)
    def capture(self, pick, amount):
        intent = self.some("payment_intent", pick)
        if intent != "none":
            self.post(f"/v1/payment_intents/{intent}/capture", amount_to_capture=amount)

    @rule(pick=picks, amount=amounts)
    def refund(self, pick, amount):
        self.post("/v1/refunds", charge=self.some("charge", pick), amount=amount)

    @rule(pick=picks)
    def fail_refund(self, pick):
        self.act(acts.fail_refund, refund=self.some("refund", pick))

    @rule(pick=picks, won=st.booleans())
    def decide(self, pick, won):
        self.act(
            acts.close_dispute, dispute=self.some("dispute", pick), status="won" if won else "lost"
        )

    @rule(pick=picks)
    def dispute(self, pick):
        self.act(acts.open_dispute, charge=self.some("charge", pick))

    @rule(pick=picks)
    def escalate(self, pick):
        self.act(acts.escalate_dispute, dispute=self.some("dispute", pick))

    @rule(pick=picks, amount=amounts, sourced=st.booleans())
    def transfer(self, pick, amount, sourced):
        source = {"source_transaction": self.some("charge", pick)} if sourced else {}
        self.post("/v1/transfers", amount=amount, currency="usd", destination=self.host, **source)

    @rule(pick=picks, amount=amounts)
    def reverse(self, pick, amount):
        transfer = self.some("transfer", pick)
        if transfer != "none":
            self.post(f"/v1/transfers/{transfer}/reversals", amount=amount)

    @rule(amount=amounts, theirs=st.booleans())
    def pay_out(self, amount, theirs):
        self.post("/v1/payouts", self.host if theirs else None, amount=amount, currency="usd")

    @rule(pick=picks, theirs=st.booleans())
    def fail_payout(self, pick, theirs):
        owner = self.host if theirs else PLATFORM
        self.act(acts.fail_payout, payout=self.some("payout", pick, owner))

    @rule(seconds=st.sampled_from([30, 61, 4_000]))
    def wait(self, seconds):
        self.sandbox.clock.offset += seconds
        self.sandbox.ticker.run_due()

    @invariant()
    def balances_are_the_sums_of_their_entries(self):
        with self.sandbox.store.read() as tx:
            for account in (PLATFORM, self.host):
                work = self.api.work(tx).on(account)
                entries = tx.select("balance_transaction", account)
                assert work.balance("usd") == sum(entry["net"] for entry in entries)
                assert all(entry["net"] == entry["amount"] - entry["fee"] for entry in entries)
                assert all(entry["available_on"] > 0 for entry in entries)
            assert self.api.work(tx).on(self.host).balance("usd") >= 0

    @invariant()
    def nothing_exceeds_what_it_came_from(self):
        with self.sandbox.store.read() as tx:
            for charge in tx.select("charge", PLATFORM):
                if not charge.get("_released"):
                    assert 0 <= charge["amount_refunded"] <= charge["amount_captured"]
                good = [
                    refund["amount"]
                    for refund in tx.select("refund", PLATFORM, {"charge": charge["id"]})
                    if refund["status"] != "failed"
                ]
                assert sum(good) <= charge["amount_captured"] <= charge["amount"]
            for transfer in tx.select("transfer", PLATFORM):
                assert 0 <= transfer["amount_reversed"] <= transfer["amount"]


Books.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestBooks = Books.TestCase
