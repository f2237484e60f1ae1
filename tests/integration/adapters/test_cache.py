"""The cache is only speed: gone, hanging or full of rubbish, it is a miss and costs little."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from marketplace.adapters.cache import NoCache, RedisCache

MINUTE = timedelta(minutes=1)


def test_what_was_kept_is_had_until_it_is_forgotten_or_old(servers):
    cache = RedisCache(servers.redis_url, prefix="cache-test:")
    cache.set("a", b"\x00\xff", MINUTE)
    cache.set("b", b"2", timedelta(seconds=2))
    cache.set("c", b"3", timedelta())
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"\x00\xff", b"2", None)
    time.sleep(2.05)
    assert cache.get("b") is None
    cache.delete("a", "b")
    cache.delete()
    assert cache.get("a") is None
    assert cache.alive()


@pytest.mark.fault(37)
def test_a_dead_server_is_a_miss():
    cache = RedisCache("redis://127.0.0.1:1/0")
    cache.set("a", b"1", MINUTE)
    cache.delete("a")
    assert cache.get("a") is None
    assert not cache.alive()


@pytest.mark.fault(37)
def test_a_hanging_server_costs_fifty_milliseconds_once_a_second():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        cache = RedisCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        assert [cache.get("a") for _ in range(200)] == [None] * 200
        assert time.monotonic() - began < 0.5


def test_after_a_rest_it_is_asked_again(servers, monkeypatch):
    cache = RedisCache(servers.redis_url, prefix="cache-test:")
    cache.set("a", b"1", MINUTE)
    monkeypatch.setattr(cache, "_resting_until", time.monotonic() + 0.05)
    assert cache.get("a") is None
    time.sleep(0.06)
    assert cache.get("a") == b"1"
    cache.delete("a")


def test_a_connection_that_the_server_has_closed_is_no_miss(servers):
    """As after the server was started anew: the next question makes another one."""
    cache = RedisCache(servers.redis_url, prefix="cache-test:")
    cache.set("a", b"1", MINUTE)
    assert cache.get("a") == b"1"
    (mine,) = cache._line.ask(("CLIENT", "ID"))
    with redis.Redis.from_url(servers.redis_url) as other:
        assert other.client_kill_filter(_id=str(mine)) == 1
    assert cache.get("a") == b"1"
    cache.delete("a")


def test_many_threads_are_each_told_their_own(servers):
    cache = RedisCache(servers.redis_url, prefix="cache-test:")
    keys = [str(number) for number in range(20)]
    for key in keys:
        cache.set(key, key.encode(), MINUTE)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(cache.get, keys * 20))
    assert found == [key.encode() for key in keys * 20]
    cache.delete(*keys)


def test_no_cache_keeps_nothing():
    cache = NoCache()
    cache.set("a", b"1", MINUTE)
    cache.delete("a")
    assert cache.get("a") is None
    assert not cache.alive()
