"""Each fault that a booking must survive has a test that names it.

The numbers are rows of the table of faults; a test names its rows with `pytest.mark.fault`.
"""

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
# What each says, so that a reader needs no table beside it.
OF_BOOKINGS = {
    1: "many buyers, one seat",
    2: "the same request sent twice at once",
    3: "the same idempotency key with another body",
    4: "the same key while the first is in flight",
    5: "a crash after the hold and before the payment page",
    29: "a cancellation on the exact boundary",
    39: "the clock jumps ahead and back",
    40: "the host lowers seats below those sold",
    45: "two coordinators decide on one application",
}
OF_MONEY = {
    6: "a crash after Stripe succeeded and before it was written down",
    7: "an answer of Stripe is lost",
    8: "Stripe hangs",
    9: "a failure kept under a key",
    10: "bursts of 429 and 409",
    11: "a retry after Stripe has forgotten its keys",
    12: "one event five times at once",
    13: "the refund event before the payment event",
    14: "a stale failure after success",
    15: "the event never comes",
    16: "a crash with an event stored and not handled",
    17: "the database is down when an event comes",
    18: "forged, tampered, stale or wrongly keyed signatures; a secret in rotation",
    19: "a wrong amount, currency, account or mode",
    20: "return page, webhook and poller together",
    21: "the hold expires as the payment succeeds",
    22: "the trainee cancels while paying",
    23: "two tabs, two payment sessions",
    24: "3-D Secure abandoned",
    25: "a late failure after processing",
    26: "two partial refunds at once",
    27: "a process killed in the middle of a refund",
    28: "a refund that fails days later",
    30: "a refund against a payout",
    31: "a process killed in the middle of a transfer",
    32: "a reversal that the host's balance does not cover",
    33: "a dispute before, and after, the payout",
    34: "a dispute won, lost, its events out of order",
    35: "a host's account disabled, a payout returned",
    41: "a mismatch put into the ledger by hand",
}
OF_EXPORTS = {
    43: "a worker killed in the middle of an export",
    44: "the client of a long download goes away",
}


def named() -> dict[int, list[str]]:
    """The rows that tests name, and which tests those are."""
    found = defaultdict(list)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    where = f"{path.relative_to(TESTS)}::{node.name}"
                    for row in mark.args:
                        assert isinstance(row, ast.Constant)
                        found[row.value].append(where)
    return found


def test_each_fault_of_a_booking_is_named_by_a_test():
    found = named()
    assert {row: words for row, words in OF_BOOKINGS.items() if not found[row]} == {}


def test_each_fault_of_money_on_its_way_is_named_by_a_test():
    found = named()
    assert {row: words for row, words in OF_MONEY.items() if not found[row]} == {}


def test_each_fault_of_an_export_is_named_by_a_test():
    found = named()
    assert {row: words for row, words in OF_EXPORTS.items() if not found[row]} == {}


def test_the_search_finds_what_is_marked():
    assert (
        "integration/booking/test_deciding.py::test_the_second_to_decide_is_told_who_did"
        in (named()[45])
    )
