"""Each published policy on its boundary days, by the site's midnight: across changes of the clock
and a leap day, and the same when it is worked out again (fault 29)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from marketplace.booking.rules import frozen
from marketplace.booking.rules.cancellation import Facts, better_of
from marketplace.booking.rules.deadlines import day_begins, days_before, decide_by
from marketplace.catalog.rules.policies import POLICIES, SELECTABLE, PolicyEvent
from marketplace.core.ids import new_id
from marketplace.core.money import Money

BOOKING = new_id()
PAID, DEPOSIT = 300_000, 20_000
# Policy, whole days before the start, what is kept that day and on the day before it.
BOUNDARIES = [
    ("tiered_days", 90, 50_000, 25_000),
    ("tiered_days", 60, 100_000, 50_000),
    ("tiered_days", 29, 150_000, 100_000),
    ("deposit_forfeit", 56, DEPOSIT, 0),
    ("fixed_fee", 63, 50_000, 25_000),
    ("visa_denial_only", 45, PAID, PAID),
]
# First days before which the clock is put forward, put back, and before which there is a leap day.
STARTS = [
    (date(2027, 4, 5), "America/New_York"),
    (date(2027, 11, 29), "America/Los_Angeles"),
    (date(2028, 3, 27), "America/Chicago"),
    (date(2028, 3, 6), "Pacific/Honolulu"),
]


def kept(policy: str, at: datetime, first_day: date, zone: str, **changes: Money) -> int:
    days = days_before(first_day, at, zone)
    facts = Facts(
        BOOKING,
        PolicyEvent.TRAINEE_CANCELS,
        days,
        Money(PAID, "USD"),
        Money(DEPOSIT, "USD"),
        **changes,
    )
    return better_of(frozen.choices(frozen.policy_to_json(policy)), facts).kept.minor


def test_every_policy_that_a_listing_can_have_is_in_the_table():
    assert {policy for policy, *_ in BOUNDARIES} == set(SELECTABLE)


@pytest.mark.fault(29)
@pytest.mark.parametrize(("first_day", "zone"), STARTS)
@pytest.mark.parametrize(("policy", "days", "from_then", "before"), BOUNDARIES)
def test_the_tier_changes_at_the_site_s_midnight_and_at_no_other(
    policy, days, from_then, before, first_day, zone
):
    midnight = day_begins(first_day - timedelta(days=days), zone)
    second = timedelta(seconds=1)
    for _ in range(2):
        assert kept(policy, midnight - second, first_day, zone) == before
        assert kept(policy, midnight, first_day, zone) == from_then
        last = day_begins(first_day - timedelta(days=days - 1), zone) - second
        assert kept(policy, last, first_day, zone) == from_then


@pytest.mark.fault(29)
def test_a_day_of_23_or_25_hours_is_one_day():
    for first_day, zone in STARTS[:2]:
        days = [days_before(first_day, _noon(first_day, back, zone), zone) for back in range(120)]
        assert days == list(range(120))


def _noon(first_day: date, back: int, zone: str) -> datetime:
    day = first_day - timedelta(days=back)
    local = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


def test_the_deposit_says_by_when_the_balance_is_due():
    terms = POLICIES["deposit_forfeit"]
    assert terms.balance_due_days(Money(20_000, "USD")) == 28
    assert terms.balance_due_days(Money(50_000, "USD")) == 56
    assert terms.balance_due_days(Money(12_345, "USD")) == 28
    assert POLICIES["visa_denial_only"].balance_due_days(Money(89_900, "USD")) == 45
    assert POLICIES["fixed_fee"].balance_due_days(Money(1, "USD")) is None


def test_how_long_a_host_may_take_is_read_from_the_terms():
    terms = frozen.policy_to_json("fixed_fee")
    assert frozen.decision_days(terms) == 10
    friday = datetime(2027, 1, 8, 18, tzinfo=UTC)
    far = date(2027, 12, 6)
    assert decide_by(friday, far, "UTC", 10) == datetime(2027, 1, 23, tzinfo=UTC)
    assert decide_by(friday, far, "UTC", 1) == datetime(2027, 1, 12, tzinfo=UTC)


def test_of_two_terms_the_better_holds_but_never_less_than_the_floor():
    first_day, zone = STARTS[0]
    at = day_begins(first_day - timedelta(days=70), zone)
    both = frozen.with_terms_of(
        frozen.policy_to_json("tiered_days"), frozen.policy_to_json("deposit_forfeit")
    )
    facts = Facts(
        BOOKING,
        PolicyEvent.TRAINEE_CANCELS,
        days_before(first_day, at, zone),
        Money(PAID, "USD"),
        Money(DEPOSIT, "USD"),
    )
    assert better_of(frozen.choices(both), facts).policy_key == "deposit_forfeit"
    floor = Money(40_000, "USD")
    assert kept("deposit_forfeit", at, first_day, zone, at_least=floor) == 40_000
    assert kept("visa_denial_only", at, first_day, zone, at_least=floor) == PAID
