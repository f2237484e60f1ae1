"""What is asked of both sides: ids, searches, the yardstick's statements as a pgbench script."""

from datetime import date

import pytest

from benchmarks import bare, books, data, ids, ledger, processor, statements
from benchmarks.__main__ import BENCHMARKS, parser
from benchmarks.search import searches


def test_ids_are_distinct_and_in_rising_order():
    made = [ids.of(kind, number) for kind in (ids.TRAINEE, ids.LISTING) for number in range(20)]
    assert made == sorted(set(made))
    assert {one.version for one in made} == {7}


@pytest.mark.parametrize("today", [date(2026, 11, day) for day in range(20, 28)])
def test_listings_begin_on_a_monday_far_enough_ahead(today):
    first = data.first_day(today)
    assert first.isoweekday() == 1
    assert data.DAYS_AHEAD <= (first - today).days < data.DAYS_AHEAD + 7


def test_searches_are_of_several_shapes_and_the_same_in_every_run():
    found = searches(48)
    assert found == searches(48)
    assert len(set(found)) > 24
    assert any("q=" in path and "start_from=" in path for path in found)


@pytest.mark.parametrize("spread", [True, False])
def test_the_script_of_a_booking_has_the_yardsticks_two_transactions(spread):
    script = bare.booking_script(spread=spread, listings=64, per_client=10)
    lines = script.splitlines()
    assert lines.count("BEGIN;") == lines.count("COMMIT;") == 2
    assert sum(not line.startswith("\\") for line in lines) == 4 + len(statements.HOLD) + len(
        statements.PAY
    )
    assert "%(" not in script


def test_a_statement_becomes_one_line_with_its_places_filled():
    assert bare.as_script("SELECT %(a)s,\n  %(b)s", {"a": "1", "b": ":two"}) == "SELECT 1, :two"


def test_the_command_line_knows_every_benchmark():
    given = parser().parse_args([word for name in BENCHMARKS for word in ("--only", name)])
    assert given.only == list(BENCHMARKS)
    assert not given.quick


def test_the_script_of_a_posting_is_one_transaction_that_balances():
    lines = ledger.script().splitlines()
    assert (lines.count("BEGIN;"), lines.count("COMMIT;")) == (1, 1)
    assert books.PAID == books.HOST + books.KEPT


def test_the_processor_lists_all_it_has_newest_first_page_by_page():
    listed, seen, after = processor.Listed(250), [], ""
    while True:
        page = listed.answer(f"/v1/balance_transactions?limit=100{after}")
        seen += [one["id"] for one in page["data"]]
        if not page["has_more"]:
            break
        after = f"&starting_after={seen[-1]}"
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 250
    assert listed.answer("/v1/charges") is None
