"""A turn is counted and told of in one question, exactly, whoever asks at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from limits import RateLimitItemPerHour, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from marketplace.adapters.limit_storage import address
from marketplace.core.ids import new_id

HOURLY = RateLimitItemPerHour(5)


@pytest.fixture
def counts(servers):
    return storage_from_string(address(servers.redis_url))


@pytest.fixture
def limiter(counts):
    return FixedWindowRateLimiter(counts)


def test_a_turn_and_what_its_headers_say_are_one_question(counts, limiter, monkeypatch):
    def asked_again(*_):
        raise AssertionError("one question was enough")

    who = str(new_id())
    monkeypatch.setattr(counts.storage, "get", asked_again)
    monkeypatch.setattr(counts.storage, "ttl", asked_again)
    limiter.hit(HOURLY, who)
    limiter.hit(HOURLY, who)
    told = limiter.get_window_stats(HOURLY, who)
    assert told.remaining == 3
    assert 3590 < told.reset_time - time.time() <= 3600


def test_what_was_told_of_one_caller_is_not_said_of_another(limiter):
    one, other = str(new_id()), str(new_id())
    for _ in range(3):
        limiter.hit(HOURLY, one)
    limiter.hit(HOURLY, other)
    assert limiter.get_window_stats(HOURLY, one).remaining == 2
    assert limiter.get_window_stats(HOURLY, other).remaining == 4


def test_never_more_turns_than_the_rate_whoever_asks_at_once(limiter):
    who, granted = str(new_id()), []

    def ask() -> None:
        granted.extend(limiter.hit(HOURLY, who) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(granted), len(granted)) == (5, 30)


def test_a_window_ends_even_if_its_key_was_left_without_an_end(servers, counts, limiter):
    item, who = RateLimitItemPerSecond(1), str(new_id())
    with redis.Redis.from_url(servers.redis_url) as server:
        server.set(counts.prefixed_key(item.key_for(who)), 7)
    assert not limiter.hit(item, who)
    time.sleep(1.1)
    assert limiter.hit(item, who)


def test_without_redis_each_process_counts_for_itself():
    assert address(None) == "memory://"


MINUTELY = RateLimitItemPerMinute(1200)


def test_a_wide_limit_costs_one_question_in_many_turns(counts, limiter, monkeypatch):
    who, asked, take = str(new_id()), [], counts._take
    monkeypatch.setattr(counts, "_take", lambda *given: asked.append(1) or take(*given))
    assert all(limiter.hit(MINUTELY, who) for _ in range(240))
    assert len(asked) == 10
    assert limiter.get_window_stats(MINUTELY, who).remaining == 960


@pytest.mark.parametrize("turns", [49, 50, 51, 120, 1210])
def test_one_process_grants_exactly_the_limit(limiter, turns):
    item, who = RateLimitItemPerMinute(turns), str(new_id())
    assert sum(limiter.hit(item, who) for _ in range(turns + 60)) == turns


@pytest.mark.parametrize("turns", [3, 120, 1210])
def test_processes_together_never_exceed_a_limit_and_waste_little_of_it(servers, turns):
    item, who = RateLimitItemPerMinute(turns), str(new_id())
    processes = [
        FixedWindowRateLimiter(storage_from_string(address(servers.redis_url))) for _ in range(3)
    ]
    granted = sum(process.hit(item, who) for _ in range(turns) for process in processes)
    assert turns - 2 * (max(turns // 50, 1) - 1) <= granted <= turns


def test_threads_of_one_process_are_never_given_one_number_twice(counts):
    key = MINUTELY.key_for(str(new_id()))
    with ThreadPoolExecutor(12) as pool:
        given = list(pool.map(lambda _: counts.incr(key, 60), range(600)))
    assert len(set(given)) == 600


def test_numbers_end_with_their_window(limiter):
    item, who = RateLimitItemPerSecond(100), str(new_id())
    assert sum(limiter.hit(item, who) for _ in range(130)) == 100
    time.sleep(1.1)
    assert limiter.hit(item, who)
