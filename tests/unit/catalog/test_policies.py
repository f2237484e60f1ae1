import copy

import pytest

from marketplace.catalog.rules import policies
from marketplace.catalog.rules.policies import (
    DOCUMENT,
    POLICIES,
    KeptKind,
    PaysBackAs,
    PolicyEvent,
    PolicyFault,
)
from marketplace.core.money import Money

KEYS = ["tiered_days", "deposit_forfeit", "fixed_fee", "visa_denial_only", "host_withdraws"]


def kept(key, days, event=PolicyEvent.TRAINEE_CANCELS, option=0):
    clause = POLICIES[key].clause(event)
    assert clause
    return clause.options[option].window(days).kept


def test_all_five_published_policies_are_expressed():
    assert list(POLICIES) == KEYS
    assert tuple(KEYS[:4]) == policies.SELECTABLE
    assert policies.ALWAYS == ("host_withdraws",)


@pytest.mark.parametrize(
    ("days", "minor"),
    [
        (365, 25000),
        (91, 25000),
        (90, 50000),
        (61, 50000),
        (60, 100000),
        (30, 100000),
        (29, 150000),
        (0, 150000),
        (-3, 150000),
    ],
)
def test_tiered_days(days, minor):
    assert kept("tiered_days", days).amount == Money(minor, "USD")


@pytest.mark.parametrize(("days", "minor"), [(64, 25000), (63, 50000), (0, 50000)])
def test_fixed_fee(days, minor):
    assert kept("fixed_fee", days).amount == Money(minor, "USD")


@pytest.mark.parametrize(("days", "kind"), [(57, KeptKind.NOTHING), (56, KeptKind.DEPOSIT)])
def test_deposit_forfeit(days, kind):
    assert kept("deposit_forfeit", days).kind is kind
    terms = POLICIES["deposit_forfeit"]
    assert terms.deposit
    assert (terms.deposit.amount, terms.deposit.balance_due_days) == (Money(20000, "USD"), 28)
    assert terms.deposit_alternatives[0].amount == Money(50000, "USD")


def test_visa_denial():
    assert kept("visa_denial_only", 300).kind is KeptKind.EVERYTHING
    clause = POLICIES["visa_denial_only"].clause(PolicyEvent.VISA_DENIED)
    assert clause
    assert clause.proof == "visa_denial"
    voucher, half = clause.options
    assert (voucher.pays_back_as, voucher.window(5).kept.kind) == (
        PaysBackAs.VOUCHER,
        KeptKind.NOTHING,
    )
    assert (half.pays_back_as, half.window(5).kept.basis_points) == (
        PaysBackAs.ORIGINAL_PAYMENT,
        5000,
    )


def test_host_withdraws():
    assert kept("host_withdraws", 1, PolicyEvent.HOST_WITHDRAWS).kind is KeptKind.NOTHING
    unanswered = POLICIES["host_withdraws"].clause(PolicyEvent.REQUEST_UNANSWERED)
    assert unanswered
    assert unanswered.after_business_days == 10
    assert POLICIES["host_withdraws"].clause(PolicyEvent.TRAINEE_CANCELS) is None


def spoilt(change):
    document = copy.deepcopy(DOCUMENT)
    change(document)
    return document


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(format=2),
        lambda d: d["policies"].append(d["policies"][0]),
        lambda d: d["policies"][0]["clauses"][0]["options"].clear(),
        lambda d: d["policies"][0]["clauses"][0]["options"][0]["windows"].pop(),
        lambda d: d["policies"][0]["clauses"][0]["options"][0]["windows"].pop(1),
        lambda d: d["policies"][0]["clauses"][0]["options"][0]["windows"][0].update(to_days=40),
        lambda d: d["policies"][0]["clauses"][0]["options"][0]["windows"][0]["kept"].update(
            amount=-1
        ),
        lambda d: d["policies"][0]["clauses"][0].update(event="rain"),
        lambda d: d["policies"][3]["clauses"][1]["options"][1]["windows"][0]["kept"].update(
            basis_points=10001
        ),
        lambda d: d["policies"][1].pop("deposit"),
    ],
)
def test_terms_that_contradict_themselves_are_refused(change):
    with pytest.raises(PolicyFault):
        policies.read(spoilt(change))
