"""Hosts' shares: released after attendance, sent once, taken back where money goes back."""

from datetime import date, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.core.errors import NotFound
from marketplace.payments.errors import (
    ContractReplaced,
    ContractsOverlap,
    TransferNotRetryable,
)
from marketplace.payments.gateway import GatewayRefused, GatewayUncertain
from marketplace.payments.service.hosts import accounts, contracts, transfers
from marketplace.payments.tasks import hosts as jobs
from tests.fakes.gateway import Lost
from tests.integration.payments.conftest import usd
from tests.integration.payments.hosting import WEEK, Hosting


@pytest.fixture
def host(till, gateway):
    return Hosting(till, gateway)


@pytest.fixture
def joined(host):
    host.join()
    return host


def test_half_is_released_a_week_after_the_start_and_the_rest_at_the_end(joined, till):
    thing, _ = joined.paid()
    joined.tell(thing, "first")
    till.clock.advance(WEEK - timedelta(seconds=1))
    joined.release()
    assert joined.transfers(thing) == []
    till.clock.advance(timedelta(seconds=1))
    joined.release()
    (first,) = joined.transfers(thing)
    assert (first.state, first.tranche, first.amount) == ("requested", 1, usd(17_000))
    assert joined.balances() == {"deferred_host_share": 17_000, "host_payable": 17_000}
    assert joined.send(first).state == "settled"
    assert joined.balances() == {"deferred_host_share": 17_000}
    joined.send(joined.end(thing))
    assert joined.balances() == {}
    assert [one.amount for one in joined.processor.transfers.values()] == [usd(17_000)] * 2
    assert {key for kind, key in joined.gateway.calls if kind == "transfer"} == {
        f"transfer:{row.id}" for row in joined.transfers(thing)
    }
    assert joined.agrees()
    assert joined.mismatches() == []


def test_what_is_told_again_releases_nothing_more(joined):
    thing, _ = joined.paid()
    joined.begin(thing)
    joined.tell(thing, "rest")
    joined.tell(thing, "rest")
    joined.release()
    joined.release()
    assert [row.gross for row in joined.transfers(thing)] == [usd(17_000)] * 2


def test_a_first_part_that_is_overtaken_is_not_released(joined, till):
    thing, payment_id = joined.paid()
    joined.tell(thing, "first")
    joined.tell(thing, "stop")
    till.clock.advance(WEEK)
    joined.release()
    assert joined.transfers(thing) == []
    till.refund(payment_id)
    joined.tell(thing, "rest")
    joined.release()
    assert joined.transfers(thing) == []
    assert joined.balances() == {}


def test_money_that_comes_after_the_end_is_released_too(joined):
    thing, _ = joined.paid(purpose="deposit")
    joined.end(thing)
    payment_id, page = joined.till.opened(thing, purpose="balance")
    joined.till.handle(joined.gateway.pay(page))
    joined.end(thing)
    assert [row.tranche for row in joined.transfers(thing)] == [2, 3]
    joined.work()
    assert joined.balances() == {}
    assert joined.till.payment(payment_id).state == "settled"


def test_a_contract_keeps_its_fee_and_gives_it_back(joined, till):
    joined.contract(host_fee_bp=1250)
    thing, payment_id = joined.paid()
    row = joined.end(thing)
    assert (row.gross, row.fee, row.amount) == (usd(34_000), usd(4_250), usd(29_750))
    joined.work()
    assert till.balance("platform_revenue") == -4_080 - 4_250
    till.refund(payment_id)
    joined.work()
    (back,) = joined.reversals()
    assert (back.amount, back.state) == (usd(29_750), "settled")
    assert till.balance("platform_revenue") == 0
    assert joined.balances() == {}
    assert joined.processor.held == {next(iter(joined.processor.accounts)): usd(0)}


@pytest.mark.parametrize("amounts", [(1, 9_999, 20_000, 8_080), (38_080,), (19_040, 19_040)])
def test_refunds_after_the_payout_are_taken_back_from_the_host(joined, till, run_jobs, amounts):
    joined.contract(host_fee_bp=333)
    thing, payment_id = joined.paid()
    joined.begin(thing)
    joined.work()
    joined.end(thing)
    joined.work()
    for part in amounts:
        till.refund(payment_id, usd(part))
    joined.work()
    run_jobs()
    assert joined.balances() == {}
    assert till.balance("platform_revenue") == 0
    assert joined.agrees()
    assert joined.mismatches() == []


def test_a_refund_before_the_transfer_was_sent_makes_it_smaller(joined, till):
    thing, payment_id = joined.paid()
    row = joined.end(thing)
    till.refund(payment_id, usd(19_040))
    assert joined.transfer(row.id).amount == usd(17_000)
    assert joined.reversals() == []
    till.refund(payment_id, usd(19_040))
    assert joined.transfer(row.id).state == "withdrawn"
    joined.work()
    assert joined.processor.transfers == {}
    assert joined.balances() == {}


@pytest.mark.fault(30)
def test_a_refund_while_the_transfer_is_under_way_is_taken_back(joined, till):
    thing, payment_id = joined.paid()
    row = joined.end(thing)
    joined.gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        joined.send(row)
    till.refund(payment_id)
    assert joined.transfer(row.id).amount == usd(34_000)
    jobs.send_reversal(till.context, str(joined.reversals()[0].id))
    assert joined.reversals()[0].state == "requested"
    joined.work()
    till.clock.advance(timedelta(minutes=6))
    jobs.poll(till.context)
    joined.work()
    assert joined.reversals()[0].state == "settled"
    assert joined.balances() == {}
    assert len(joined.processor.transfers) == 1


@pytest.mark.fault(31)
def test_a_transfer_whose_answer_was_lost_a_day_ago_is_made_once(joined, till):
    thing, _ = joined.paid()
    row = joined.end(thing)
    joined.gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        joined.send(row)
    joined.gateway.forget_keys()
    assert joined.send(row).state == "settled"
    joined.send(row)
    assert len(joined.processor.transfers) == 1
    assert joined.agrees()


@pytest.mark.fault(31)
def test_the_database_itself_refuses_a_second_transfer_of_a_tranche(joined, till):
    thing, _ = joined.paid()
    joined.end(thing)
    again = (
        "INSERT INTO host_transfer SELECT gen_random_uuid() AS id, payable_kind, payable_id,"
        " tranche, release_id, site_id, contract_id, currency, gross_minor, fee_minor,"
        " netted_minor, taken_minor, amount_minor, reversed_minor, state, held_for, earned_at"
        " FROM host_transfer RETURNING 1"
    )
    with pytest.raises(IntegrityError, match="uq_host_transfer"):
        till.one(again)


@pytest.mark.fault(32)
def test_a_reversal_without_enough_balance_is_a_debt_that_later_shares_pay(joined, till, run_jobs):
    thing, payment_id = joined.paid()
    joined.end(thing)
    joined.work()
    account = joined.account().processor_account
    joined.processor.spend(account, usd(20_000))
    till.refund(payment_id)
    joined.work()
    run_jobs()
    (back,) = joined.reversals()
    assert back.state == "owed"
    assert joined.balances() == {"host_receivable": -34_000}
    assert joined.agrees()
    other, _ = joined.paid()
    first = joined.begin(other)
    assert (first.netted, first.amount, first.state) == (usd(17_000), usd(0), "withdrawn")
    rest = joined.end(other)
    assert (rest.netted, rest.amount) == (usd(17_000), usd(0))
    third, _ = joined.paid()
    assert joined.end(third).amount == usd(34_000)
    joined.work()
    assert joined.balances() == {}
    assert joined.mismatches() == []


@pytest.mark.fault(35)
def test_what_a_disabled_account_can_not_receive_stays_owed(host, till):
    thing, _ = host.paid()
    row = host.end(thing)
    assert (row.state, row.held_for) == ("held", "account")
    assert host.balances() == {"host_payable": 34_000}
    with till.context.transaction() as session, pytest.raises(TransferNotRetryable):
        transfers.send_again(session, row.id, reason="asked", now=till.clock.now())
    account = host.join()
    host.work()
    assert host.transfer(row.id).state == "settled"
    till.handle(host.processor.disable(account))
    other, _ = host.paid()
    assert host.end(other).state == "held"
    assert host.balances() == {"host_payable": 34_000}
    assert host.account().disabled_reason == "under_review"
    till.handle(host.processor.onboard(account))
    host.work()
    assert host.balances() == {}


@pytest.mark.fault(35)
def test_an_account_disabled_before_we_are_told_refuses_and_the_debt_stays(joined, till):
    thing, _ = joined.paid()
    row = joined.end(thing)
    account = joined.account().processor_account
    event = joined.processor.disable(account)
    assert joined.send(row).state == "held"
    assert joined.balances() == {"host_payable": 34_000}
    till.handle(event)
    till.handle(joined.processor.onboard(account))
    joined.work()
    assert joined.transfer(row.id).state == "settled"
    assert joined.gateway.calls[-1] == ("transfer", f"transfer:{row.id}:1")


def test_a_refused_transfer_is_tried_again_under_another_key(joined, till):
    """Closed by a person while it is refused still, its case is open again with the next refusal."""
    thing, _ = joined.paid()
    row = joined.end(thing)
    refused = GatewayRefused("no money", code="balance_insufficient")
    joined.gateway.failures = [refused]
    assert joined.send(row).state == "failed"
    assert till.quarantined() == ["transfer_failed"]
    till.close_case("transfer_failed")
    assert till.quarantined() == []
    till.clock.advance(timedelta(hours=1))
    jobs.poll(till.context)
    # It is looked for first, then sent.
    joined.gateway.failures = [None, refused]
    joined.work()
    assert till.quarantined() == ["transfer_failed"]
    assert till.case("transfer_failed")["closed_before"].endswith(f"{till.payer_id}: Seen.")
    till.clock.advance(timedelta(hours=1))
    jobs.poll(till.context)
    joined.work()
    assert joined.transfer(row.id).state == "settled"
    assert joined.balances() == {}
    assert till.quarantined() == []


@pytest.mark.fault(35)
def test_a_payout_that_the_hosts_bank_returns_is_told_and_stays_theirs(joined, till, mail):
    account = joined.account().processor_account
    event = joined.processor.tell_payout(account, "payout.failed", failure_message="Closed.")
    assert till.handle(event) == "processed"
    assert joined.account().payout_failure == "Closed."
    joined.gateway.at += timedelta(days=1)
    till.handle(joined.processor.tell_payout(account, "payout.paid"))
    assert joined.account().payout_failure is None


def test_events_of_unknown_accounts_and_foreign_transfers_are_set_aside(joined, till):
    foreign = joined.processor.tell_payout("acct_other", "payout.failed")
    assert till.handle(foreign) == "quarantined"
    thing, _ = joined.paid()
    joined.send(joined.end(thing))
    (name,) = joined.processor.transfers
    assert till.handle(joined.processor.tell_transfer("transfer.created", name)) == "processed"
    by_hand = joined.gateway._event("transfer.created", {"id": "tr_x", "metadata": {}})
    assert till.handle(by_hand) == "quarantined"
    assert sorted(till.quarantined()) == ["account", "transfer_not_ours"]


def test_an_account_that_is_told_of_before_its_name_is_written_down_is_no_alarm(host, till):
    with till.context.transaction() as session:
        accounts.ask_onboarding(session, host.site_id, asked_by=till.payer_id, now=till.clock.now())
        accounts.plan_onboarding(session, host.site_id)
    name = host.processor.create_account(
        f"account:{host.site_id}", site_id=host.site_id, email="x@example.org"
    ).id
    event = host.processor.onboard(name)
    assert till.handle(event) == "received"
    jobs.open_onboarding(till.context, str(host.site_id))
    assert till.handle(event) == "processed"
    assert (till.quarantined(), host.account().transfers_enabled) == ([], True)


def test_an_event_of_a_foreign_account_waits_no_longer_than_an_account_is_made(host, till):
    with till.context.transaction() as session:
        accounts.ask_onboarding(session, host.site_id, asked_by=till.payer_id, now=till.clock.now())
        accounts.plan_onboarding(session, host.site_id)
    foreign = host.processor.tell_payout("acct_other", "payout.failed")
    assert till.handle(foreign) == "received"
    till.clock.advance(timedelta(minutes=10))
    assert till.handle(foreign) == "quarantined"


def test_an_account_whose_answer_was_lost_is_made_once(host, till):
    with till.context.transaction() as session:
        accounts.ask_onboarding(session, host.site_id, asked_by=till.payer_id, now=till.clock.now())
    host.gateway.failures = [Lost()]
    with pytest.raises(GatewayUncertain):
        jobs.open_onboarding(till.context, str(host.site_id))
    host.gateway.forget_keys()
    jobs.open_onboarding(till.context, str(host.site_id))
    assert len(host.processor.accounts) == 1
    row = host.account()
    assert row.link_url == f"https://host.test/{row.processor_account}"
    assert row.due == ["external_account"]


def test_two_contracts_never_count_on_one_day(host, till, monkeypatch):
    begin = date(2026, 1, 1)
    host.contract(valid_from=begin, valid_until=date(2027, 1, 1))
    host.contract(valid_from=date(2027, 1, 1), host_fee_bp=900)
    between = {"valid_from": date(2026, 12, 31), "valid_until": date(2027, 1, 2)}
    with pytest.raises(ContractsOverlap, match="counts from 2026-01-01 to before 2027-01-01"):
        host.contract(**between)
    # Somebody made theirs after that look: the table refuses by itself.
    monkeypatch.setattr(contracts.hosts, "contract_within", lambda *_: None)
    with pytest.raises(IntegrityError, match="ex_fee_contract_site_id_valid"):
        host.contract(**between)


def test_a_contract_is_replaced_and_stays_readable(host, till):
    first = host.contract()
    now = till.clock.now()
    terms = contracts.Terms(now.date(), None, 500, "host", "better")
    with till.context.transaction() as session:
        contracts.replace(session, first, terms, set_by=till.payer_id, now=now)
    with till.context.transaction() as session, pytest.raises(ContractReplaced):
        contracts.withdraw(session, first, by=till.payer_id, now=now)
    for change in ("UPDATE fee_contract SET host_fee_bp = 1", "DELETE FROM fee_contract"):
        with pytest.raises(IntegrityError, match="never changed"):
            till.one(f"{change} RETURNING 1")
    assert ContractsOverlap.code == "contracts_overlap"
    with till.context.transaction() as session, pytest.raises(NotFound):
        contracts.withdraw(session, till.site_id, by=till.payer_id, now=now)
