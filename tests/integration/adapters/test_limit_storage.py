"""A turn is counted and told of in one question, exactly, whoever asks at once."""

import threading
import time

import pytest
import redis
from limits import RateLimitItemPerHour, RateLimitItemPerSecond
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
