"""`flask payments`: the books compared with the processor, and read, at a terminal."""

from datetime import timedelta

import pytest

from marketplace.cli.money import payments
from tests.integration.payments.conftest import WHOLE, usd


@pytest.fixture
def run(app, till):
    return lambda *given: app.test_cli_runner().invoke(payments, given)


def test_books_that_agree_end_well_and_others_do_not(run, till, gateway):
    _, page = till.opened()
    till.handle(gateway.pay(page))
    agreed = run("reconcile", "--since", "2020-01-01")
    assert agreed.exit_code == 0, agreed.output
    told, count = agreed.output.splitlines()
    assert told.startswith("since 2020-01-01 00:00 UTC: ")
    assert "1 balance transactions, 0 posted" in told
    assert count == "0 mismatch(es)"
    gateway.move("charge", usd(7_700), "ch_unknown")
    gateway.at += timedelta(hours=1)
    till.clock.advance(timedelta(hours=1))
    found = run("reconcile", "--since", "2020-01-01")
    assert found.exit_code == 1
    assert "ch_unknown" in found.output
    assert found.output.splitlines()[-1].endswith("mismatch(es)")
    assert not found.output.endswith("\n0 mismatch(es)\n")


def test_a_time_that_is_none_is_refused_with_what_was_expected(run):
    refused = run("reconcile", "--since", "yesterday")
    assert refused.exit_code == 2
    assert "--since" in refused.output
    assert "%Y-%m-%d" in refused.output


def test_the_trial_balance_has_every_account_and_sums_to_nothing(run, till, gateway):
    _, page = till.opened()
    till.handle(gateway.pay(page, fee=False))
    shown = run("trial-balance")
    assert shown.exit_code == 0, shown.output
    heading, *rows = [line.split() for line in shown.output.splitlines()]
    assert heading == ["account", "owner", "debits", "credits", "balance"]
    assert {"processor_clearing"} < {row[0] for row in rows}
    clearing = next(line for line in shown.output.splitlines() if "processor_clearing" in line)
    assert str(WHOLE) in clearing
