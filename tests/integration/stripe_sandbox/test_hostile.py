"""Every endpoint with hostile values in every parameter: an answer or a refusal, never a 500."""

import json
import random
from collections import Counter

import pytest

from marketplace.embedded.stripe_sandbox import acts, forms
from marketplace.embedded.stripe_sandbox.api import ROUTER
from marketplace.embedded.stripe_sandbox.app import build, create_app
from marketplace.embedded.stripe_sandbox.deliveries import Retry
from marketplace.embedded.stripe_sandbox.work import Settings

VALUES = [
    "",
    "0",
    "-1",
    "50",
    "9" * 25,
    "true",
    "usd",
    "http://a.b:x",
    "x" * 300,
    "\0",
    "é",
    "won",
    "pm_card_visa",
    "pm_card_createDispute",
    "pm_usBankAccount",
    "pm_card_authenticationRequired",
    "pm_card_visa_chargeDeclined",
    "tok_visa",
    "payment",
    "card",
    "*",
]
PATHS = ("customer", "latest_charge", "charge.payment_intent", "data.object", "livemode", "x.y")


class Hostile:
    """Random requests, half of them meant well, about objects that earlier ones made."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ids = ["none"]

    def value(self):
        pool = self.ids if self.random.random() < 0.4 else VALUES
        return self.random.choice(pool)

    def fill(self, fields, within=""):
        filled = {}
        for name, field in fields.items():
            if field.required or self.random.random() < 0.4:
                filled |= self.one(field, f"{within}[{name}]" if within else name)
        return filled

    def one(self, field, name):
        choose = self.random.choice
        if self.random.random() < 0.04:
            return {name: self.value()}
        if isinstance(field, forms.Group):
            return self.fill(field.of, name)
        if isinstance(field, forms.ListOf):
            count = self.random.randint(0, 2)
            parts = [self.one(field.of, f"{name}[{number}]") for number in range(count)]
            return {key: value for part in parts for key, value in part.items()}
        if isinstance(field, forms.Metadata):
            return {f"{name}[a]": self.value()}
        return {name: choose(self.likely(field, name))}

    def likely(self, field, name):
        if isinstance(field, forms.Choice):
            return field.of
        plain = {
            forms.Int: ["1", "12", "50", "500", "5000", self.value()],
            forms.Currency: ["usd"],
            forms.Url: ["http://127.0.0.1:9/x", self.value()],
            forms.Bool: ["true", "false"],
        }
        if type(field) in plain:
            return plain[type(field)]
        prefix = PREFIXES.get(name.strip("]").split("[")[-1], "?")
        fitting = [known for known in self.ids if known.startswith(prefix)]
        return [*fitting, *fitting, "pm_card_visa", self.value()]

    def path(self, pattern):
        wanted = OWNERS.get(pattern.split("/")[2 if "checkout" not in pattern else 3], "")
        while "{" in pattern:
            before, _, rest = pattern.partition("{")
            likely = [i for i in self.ids if i.startswith(wanted)] or self.ids
            pattern = before + self.random.choice(likely) + rest.partition("}")[2]
        return pattern


PREFIXES = {
    "customer": "cus_", "charge": "ch_", "payment_intent": "pi_", "destination": "acct_",
    "source_transaction": "ch_", "product": "prod_", "price": "price_", "payment_method": "pm_",
    "account": "acct_",
}  # fmt: skip
OWNERS = {
    "customers": "cus_", "charges": "ch_", "payment_intents": "pi_", "accounts": "acct_",
    "sessions": "cs_", "refunds": "re_", "transfers": "tr_", "payouts": "po_", "disputes": "du_",
    "payment_methods": "pm_", "webhook_endpoints": "we_", "products": "prod_", "prices": "price_",
}  # fmt: skip


@pytest.fixture
def sandbox(tmp_path):
    made = build(tmp_path, Settings(available_after=0), Retry())
    yield made
    made.stop()
    made.store.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_request_makes_a_500(sandbox, seed):
    client = create_app(sandbox).test_client()
    hostile = Hostile(seed)
    seen = Counter()
    for _ in range(1_500):
        route = hostile.random.choice(ROUTER.routes)
        data = hostile.fill(route.form.fields)
        if hostile.random.random() < 0.1:
            data["expand[0]"] = hostile.random.choice(PATHS)
        path = hostile.path(route.pattern)
        sent = {"query_string": data} if route.method == "GET" else {"data": data}
        headers = {"Authorization": "Bearer sk_test_hostile"}
        answer = client.open(path, method=route.method, headers=headers, **sent)
        assert answer.status_code in (200, 400, 402, 404), (route.method, path, data, answer.text)
        seen[answer.status_code] += 1
        body = json.loads(answer.data)
        if answer.status_code == 200 and "id" in body and route.method == "POST":
            made = (body["id"], body.get("latest_charge"), body.get("payment_method"))
            hostile.ids += [one for one in made if isinstance(one, str)]
            hostile.ids = hostile.ids[:1] + hostile.ids[-80:]
            if body["object"] == "account":
                with sandbox.store.write() as tx:
                    acts.enable_account(sandbox.api.work(tx), body["id"])
    assert seen[200] > 150
