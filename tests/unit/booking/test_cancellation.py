"""The refund under each published policy, on and around every boundary (fault 29)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.errors import ProofNeeded, TermsSilent
from marketplace.booking.rules import frozen
from marketplace.booking.rules.cancellation import Facts, There, options, quote
from marketplace.booking.rules.deadlines import days_before
from marketplace.catalog.rules.policies import POLICIES, SELECTABLE, PaysBackAs, PolicyEvent
from marketplace.core.ids import new_id
from marketplace.core.money import Money

BOOKING = new_id()


def usd(dollars: int) -> Money:
    return Money(dollars * 100, "USD")


def refund(policy: str, days: int, paid: int = 2000, deposit: int = 400, **changes):
    terms = frozen.policies(frozen.policy_to_json(policy))
    event = changes.pop("event", PolicyEvent.TRAINEE_CANCELS)
    proofs = frozenset(changes.pop("proofs", ()))
    facts = Facts(BOOKING, event, days, usd(paid), usd(deposit), proofs)
    return quote(terms, facts, changes.pop("option", None))


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("days", "kept"),
    [(365, 250), (91, 250), (90, 500), (61, 500), (60, 1000), (30, 1000), (29, 1500), (-3, 1500)],
)
def test_tiered_days(days, kept):
    found = refund("tiered_days", days)
    assert (found.kept, found.refund) == (usd(kept), usd(2000 - kept))
    assert found.within_days == 15


@pytest.mark.fault(29)
@pytest.mark.parametrize(("days", "kept"), [(57, 0), (56, 200), (0, 200)])
def test_deposit_forfeit(days, kept):
    assert refund("deposit_forfeit", days, deposit=200).kept == usd(kept)


@pytest.mark.fault(29)
@pytest.mark.parametrize(("days", "kept"), [(64, 250), (63, 500)])
def test_fixed_fee(days, kept):
    assert refund("fixed_fee", days).kept == usd(kept)


def test_visa_denial_only_keeps_everything_without_a_proof():
    assert refund("visa_denial_only", 300).refund == usd(0)
    with pytest.raises(ProofNeeded):
        refund("visa_denial_only", 300, event=PolicyEvent.VISA_DENIED)


def test_with_a_proof_the_trainee_chooses_half_back_or_a_voucher():
    denied = {"event": PolicyEvent.VISA_DENIED, "proofs": {"visa_denial"}}
    half = refund("visa_denial_only", 10, **denied)
    assert (half.option, half.refund) == ("half_back", usd(1000))
    voucher = refund("visa_denial_only", 10, option="voucher", **denied)
    assert (voucher.pays_back_as, voucher.refund) == (PaysBackAs.VOUCHER, usd(2000))
    assert half.mark != voucher.mark
    with pytest.raises(TermsSilent) as refused:
        refund("visa_denial_only", 10, option="cash", **denied)
    assert refused.value.extra["options"] == ["voucher", "half_back"]


@pytest.mark.parametrize("policy", SELECTABLE)
@pytest.mark.parametrize("days", [-10, 0, 29, 400])
def test_all_goes_back_when_the_host_withdraws(policy, days):
    found = refund(policy, days, event=PolicyEvent.HOST_WITHDRAWS)
    assert (found.kept, found.refund) == (usd(0), usd(2000))
    assert found.policy_key == "host_withdraws"


def test_an_event_that_no_terms_speak_of_is_refused():
    with pytest.raises(TermsSilent):
        options([POLICIES["fixed_fee"]], PolicyEvent.VISA_DENIED)


def test_a_fee_in_another_currency_is_not_taken():
    terms = frozen.policies(frozen.policy_to_json("fixed_fee"))
    paid = Money(1000, "EUR")
    with pytest.raises(TermsSilent, match="currency"):
        quote(terms, Facts(BOOKING, PolicyEvent.TRAINEE_CANCELS, 5, paid, paid))


def test_never_more_is_kept_than_was_paid():
    found = refund("tiered_days", 5, paid=400)
    assert (found.kept, found.refund) == (usd(400), usd(0))


def test_the_lines_say_what_happens_to_each_part():
    found = refund("tiered_days", 75)
    assert [(line.code, line.amount) for line in found.lines] == [
        ("deposit_paid", usd(400)),
        ("balance_paid", usd(1600)),
        ("kept", usd(-500)),
        ("refund", usd(1500)),
    ]
    assert "from 90 to 61 days before the start" in found.lines[2].text
    assert found.valid_through_days == 61


def test_a_night_that_changes_nothing_keeps_the_quote():
    assert refund("tiered_days", 80).mark == refund("tiered_days", 70).mark
    assert refund("tiered_days", 61).mark != refund("tiered_days", 60).mark


@pytest.mark.fault(29)
def test_on_the_boundary_the_policy_has_one_tier_and_the_same_when_replayed():
    first_day, zone = date(2027, 6, 7), "America/Los_Angeles"
    # 90 days before is 9 March; the clock is put forward on 14 March in between.
    last = datetime(2027, 3, 9, 7, 59, 59, tzinfo=UTC)
    first = last + timedelta(seconds=1)
    assert days_before(first_day, last, zone) == 91
    assert days_before(first_day, first, zone) == 90
    for _ in range(2):
        assert refund("tiered_days", days_before(first_day, last, zone)).kept == usd(250)
        assert refund("tiered_days", days_before(first_day, first, zone)).kept == usd(500)


@given(
    st.sampled_from(SELECTABLE),
    st.integers(-100, 500),
    st.integers(0, 1_000_000),
    st.integers(0, 1_000_000),
)
def test_kept_and_refund_are_the_whole_of_what_was_paid(policy, days, paid, deposit):
    terms = frozen.policies(frozen.policy_to_json(policy))
    facts = Facts(
        BOOKING, PolicyEvent.TRAINEE_CANCELS, days, Money(paid, "USD"), Money(deposit, "USD")
    )
    found = quote(terms, facts)
    assert found.kept + found.refund == found.paid
    assert found.kept.minor >= 0
    assert found.refund.minor >= 0
    before = sum(line.amount.minor for line in found.lines if line.code != "refund")
    assert before == found.refund.minor


@pytest.mark.parametrize(
    ("left", "lost", "kept", "gone", "back"),
    [
        # A dispute took all of it, or more than the terms would give back.
        (0, 2000, 0, 2000, 0),
        (300, 1700, 300, 1700, 0),
        # It took less: what it took counts as given back.
        (1600, 400, 500, 400, 1100),
        # Somebody gave money back besides: that is theirs, as long as there is enough.
        (1800, 0, 500, 0, 1500),
        (1000, 0, 500, 500, 1000),
        (700, 400, 500, 800, 700),
    ],
)
def test_what_went_back_before_does_not_go_back_again(left, lost, kept, gone, back):
    terms = frozen.policies(frozen.policy_to_json("tiered_days"))
    there = There(usd(left), usd(lost))
    cancelled = PolicyEvent.TRAINEE_CANCELS
    found = quote(terms, Facts(BOOKING, cancelled, 75, usd(2000), usd(400), there=there))
    said = {line.code: line.amount for line in found.lines}
    assert (found.kept, found.refund) == (usd(kept), usd(back))
    assert found.paid == usd(2000 - gone) == found.kept + found.refund
    assert said.get("gone", usd(0)) == usd(-gone)
    assert sum(said.values(), usd(0)) - said["refund"] == found.refund


@given(st.sampled_from(SELECTABLE), st.integers(0, 500), st.integers(1, 1_000_000))
def test_waiting_never_pays(policy, days, paid):
    terms = frozen.policies(frozen.policy_to_json(policy))

    def back(at: int) -> Money:
        money = Money(paid, "USD")
        return quote(terms, Facts(BOOKING, PolicyEvent.TRAINEE_CANCELS, at, money, money)).refund

    assert back(days) <= back(days + 1)
