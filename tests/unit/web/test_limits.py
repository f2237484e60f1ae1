"""Turns are never more than the rate, whoever hands them out."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketplace.web import limits
from marketplace.web.limits import Book, OwnCount, Rate


class Common:
    """The count that two processes share; it can be taken away."""

    def __init__(self, ends=60.0):
        self.totals: dict[str, int] = {}
        self.asked = 0
        self.ends = ends
        self.alive = True
        self.lock = threading.Lock()

    def take(self, key, turns, seconds):
        if not self.alive:
            return None
        with self.lock:
            self.asked += 1
            self.totals[key] = self.totals.get(key, 0) + turns
            return self.totals[key], self.ends


def allowed(book, rate, tries, key="k"):
    return sum(book.turn(key, rate).allowed for _ in range(tries))


@pytest.mark.parametrize("text", ["", "10", "ten/minute", "0/minute", "10/fortnight", "-1/hour"])
def test_a_rate_that_is_none_is_an_error(text):
    with pytest.raises(ValueError, match="1200/minute expected"):
        Rate.parse(text)


def test_a_rate_is_read():
    assert Rate.parse("1200/minute") == Rate(1200, 60)
    assert Rate.parse("3/hour") == Rate(3, 3600)


@pytest.mark.parametrize("turns", [1, 3, 49, 50, 51, 1200])
def test_one_process_allows_exactly_the_rate(turns):
    assert allowed(Book(Common()), Rate(turns, 60), turns + 20) == turns


@pytest.mark.parametrize("turns", [1, 3, 120, 1210])
def test_processes_together_never_exceed_the_rate_and_waste_little(turns):
    common, rate = Common(), Rate(turns, 60)
    books = [Book(common) for _ in range(3)]
    given = sum(allowed(book, rate, 1) for _ in range(turns) for book in books)
    assert given <= turns
    assert given >= turns - 2 * (rate.at_once - 1)


def test_threads_of_one_process_share_a_count():
    book, rate = Book(Common()), Rate(500, 60)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: allowed(book, rate, 50), range(16))) == 500


def test_who_asks_often_costs_one_question_in_many():
    common = Common()
    allowed(Book(common), Rate(1200, 60), 240)
    assert common.asked == 10


def test_without_a_common_count_the_process_counts_alone():
    assert allowed(Book(OwnCount()), Rate(100, 60), 200) == 100


def test_a_common_count_that_dies_shuts_no_door_and_opens_none_wider():
    common, rate = Common(), Rate(100, 60)
    book = Book(common)
    assert allowed(book, rate, 10) == 10
    common.alive = False
    assert allowed(book, rate, 200) == 90


def test_the_next_window_begins_anew(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    book, rate = Book(OwnCount()), Rate(5, 60)
    assert allowed(book, rate, 9) == 5
    verdict = book.turn("k", rate)
    assert (verdict.allowed, verdict.left, verdict.seconds) == (False, 0, 60.0)
    now[0] += 61
    assert allowed(book, rate, 9) == 5


def test_callers_beyond_what_is_remembered_are_asked_about_again(monkeypatch):
    monkeypatch.setattr(limits, "MOST_WINDOWS", 10)
    common, rate = Common(), Rate(2, 60)
    book = Book(common)
    for caller in range(30):
        assert allowed(book, rate, 3, f"k{caller}") == 2
    assert allowed(book, rate, 1, "k0") == 0
