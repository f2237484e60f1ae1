"""Connected accounts: onboarding, transfers, reversals, fees, payouts, disputes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.integration.stripe_sandbox.running import (
    RETURN,
    check_balance,
    eventually,
    new_host,
    new_payment,
    visit,
)


def link_for(client, account):
    return client.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": RETURN + "/again",
            "return_url": RETURN + "/done",
        }
    )


def test_a_host_is_onboarded_in_the_browser(sandbox, client):
    account = client.v1.accounts.create(
        {
            "type": "express",
            "email": "h@example.org",
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    assert not account.payouts_enabled
    assert "external_account" in account.requirements.currently_due
    link = link_for(client, account)
    assert account.id in visit(link.url)[2]
    assert visit(link.url, answer="later")[1] == RETURN + "/done"
    assert not client.v1.accounts.retrieve(account.id).details_submitted
    assert visit(link.url)[1] == RETURN + "/again"
    assert visit(link_for(client, account).url, answer="submit")[1] == RETURN + "/done"
    done = client.v1.accounts.retrieve(account.id)
    assert (done.details_submitted, done.payouts_enabled) == (True, True)
    assert done.capabilities.transfers == "active"
    assert done.requirements.currently_due == []
    late = link_for(client, account)
    sandbox.fault("clock.advance", seconds=301)
    assert visit(late.url)[1] == RETURN + "/again"


def test_a_transfer_needs_an_able_account_and_money(sandbox, client):
    raw = client.v1.accounts.create(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    host = new_host(sandbox, client)
    for destination, code in (
        (raw.id, "insufficient_capabilities_for_transfer"),
        ("acct_none", "resource_missing"),
        (host.id, "balance_insufficient"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.transfers.create(
                {"amount": 100, "currency": "usd", "destination": destination}
            )
        assert refused.value.code == code


def test_transfers_out_of_a_charge_never_exceed_it(sandbox, client):
    host = new_host(sandbox, client)
    paid = new_payment(client, 10_000)

    def transfer(_):
        try:
            return client.v1.transfers.create(
                {
                    "amount": 3_000,
                    "currency": "usd",
                    "destination": host.id,
                    "source_transaction": paid.latest_charge,
                }
            ).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(transfer, range(8))) == 9_000
    assert check_balance(client) == {"usd": 10_000 - 320 - 9_000}
    assert check_balance(client, host.id) == {"usd": 9_000}


def test_a_reversal_needs_the_hosts_money(sandbox, client, receiver):
    host = new_host(sandbox, client)
    there = {"stripe_account": host.id}
    paid = new_payment(client, 10_000)
    transfer = client.v1.transfers.create(
        {
            "amount": 8_000,
            "currency": "usd",
            "destination": host.id,
            "source_transaction": paid.latest_charge,
        }
    )
    back = client.v1.transfers.reversals.create(transfer.id, {"amount": 3_000})
    assert back.amount == 3_000
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 3_000
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 5_001})
    client.v1.payouts.create({"amount": 4_500, "currency": "usd"}, there)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.transfers.reversals.create(transfer.id, {"amount": 5_000})
    assert refused.value.code == "balance_insufficient"
    rest = client.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    assert rest.transfer == transfer.id
    assert check_balance(client) == {"usd": 10_000 - 320 - 8_000 + 3_500}
    assert check_balance(client, host.id) == {"usd": 0}
    assert eventually(lambda: len(receiver.of("transfer.reversed")) == 2)


def test_a_destination_charge_pays_the_fee_and_is_pulled_back(sandbox, client):
    host = new_host(sandbox, client)
    split = {"transfer_data": {"destination": host.id}, "application_fee_amount": 1_000}
    paid = new_payment(client, 10_000, **split)
    charge = client.v1.charges.retrieve(paid.latest_charge, {"expand": ["transfer"]})
    assert charge.transfer.amount == 10_000
    assert check_balance(client) == {"usd": 1_000 - 320}
    assert check_balance(client, host.id) == {"usd": 9_000}
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 5_000, "reverse_transfer": True})
    assert check_balance(client) == {"usd": 1_000 - 320}
    assert check_balance(client, host.id) == {"usd": 4_000}


def test_a_payout_arrives_or_comes_back(start):
    process = start("--available-after", "0", "--settle-after", "3600")
    client = process.client()
    new_payment(client, 50_000)
    first, second = (
        client.v1.payouts.create({"amount": n, "currency": "usd"}) for n in (1_000, 2_000)
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 50_000, "currency": "usd"})
    assert refused.value.code == "balance_insufficient"
    process.fault("clock.advance", seconds=3_601)
    assert client.v1.payouts.retrieve(first.id).status == "paid"
    before = check_balance(client)["usd"]
    process.fault("payout.fail", payout=second.id, code="no_account")
    failed = client.v1.payouts.retrieve(second.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "no_account")
    assert check_balance(client)["usd"] == before + 2_000
    third = client.v1.payouts.create({"amount": 500, "currency": "usd"})
    assert client.v1.payouts.cancel(third.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.cancel(first.id)
    assert check_balance(client)["usd"] == before + 2_000


def test_a_disabled_account_takes_no_money_and_pays_none_out(sandbox, client):
    host = new_host(sandbox, client)
    paid = new_payment(client, 10_000)
    params = {
        "amount": 1_000,
        "currency": "usd",
        "destination": host.id,
        "source_transaction": paid.latest_charge,
    }
    client.v1.transfers.create(params)
    sandbox.fault("account.disable", account=host.id, reason="rejected.fraud")
    stopped = client.v1.accounts.retrieve(host.id)
    assert (stopped.payouts_enabled, stopped.requirements.disabled_reason) == (
        False,
        "rejected.fraud",
    )
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.transfers.create(params)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 1_000, "currency": "usd"}, {"stripe_account": host.id})
    assert refused.value.code == "payouts_not_allowed"
    assert check_balance(client, host.id) == {"usd": 1_000}
    sandbox.fault("account.enable", account=host.id)
    assert client.v1.transfers.create(params).amount == 1_000


@pytest.mark.parametrize(
    ("evidence", "status", "left"),
    [("winning_evidence", "won", 9_680 - 1_500), ("losing_evidence", "lost", -320 - 1_500)],
)
def test_a_dispute_won_and_lost(sandbox, client, receiver, evidence, status, left):
    paid = new_payment(client, 10_000, payment_method="pm_card_createDispute")
    dispute = client.v1.disputes.list({"charge": paid.latest_charge}).data[0]
    assert (dispute.status, dispute.reason, dispute.amount) == (
        "needs_response",
        "fraudulent",
        10_000,
    )
    assert client.v1.charges.retrieve(paid.latest_charge).disputed
    assert check_balance(client) == {"usd": -320 - 1_500}
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "Four weeks"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    closed = client.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True}
    )
    assert closed.status == status
    assert check_balance(client) == {"usd": left}
    assert len(closed.balance_transactions) == (2 if status == "won" else 1)
    eventually(lambda: receiver.of("charge.dispute.closed"))
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute.id)


def test_an_inquiry_moves_no_money_until_it_escalates(sandbox, client):
    paid = new_payment(client, 10_000, payment_method="pm_card_createDisputeInquiry")
    dispute = client.v1.disputes.list({"charge": paid.latest_charge}).data[0]
    assert dispute.status == "warning_needs_response"
    assert check_balance(client) == {"usd": 9_680}
    sandbox.fault("dispute.escalate", dispute=dispute.id)
    assert check_balance(client) == {"usd": -320 - 1_500}
    sandbox.fault("dispute.close", dispute=dispute.id, status="won")
    assert check_balance(client) == {"usd": 9_680 - 1_500}


def test_an_unexplained_entry_is_in_the_balance(sandbox, client):
    new_payment(client, 10_000)
    sandbox.fault("balance.adjust", amount=-77, currency="usd")
    assert check_balance(client) == {"usd": 9_680 - 77}
    entry = client.v1.balance_transactions.list({"type": "adjustment"}).data[0]
    assert (entry.source, entry.net) == (None, -77)


def test_accounts_see_only_their_own(sandbox, client):
    host = new_host(sandbox, client)
    mine = client.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve(mine.id, options={"stripe_account": host.id})
    assert missing.value.http_status == 404
    with pytest.raises(stripe.PermissionError):
        client.v1.customers.list(options={"stripe_account": "acct_none"})
