"""Turns are counted in Redis with one command; its absence is told, quickly, and no error."""

import socket

import pytest
import redis

from marketplace.adapters.turn_counter import RedisTurnCounter
from marketplace.embedded.processes import choose_port


@pytest.fixture
def server(servers):
    with redis.Redis.from_url(servers.redis_url) as found:
        yield found


def test_turns_add_up_in_a_window_that_ends(servers, server):
    counter, other = (RedisTurnCounter(servers.redis_url, prefix="t1:") for _ in range(2))
    total, left = counter.take("who", 24, 60)
    assert (total, 59 < left <= 60) == (24, True)
    assert other.take("who", 2, 60)[0] == 26
    assert 0 < server.pttl("t1:who") <= 60_000
    server.delete("t1:who")
    assert counter.take("who", 1, 60)[0] == 1


def test_a_key_that_lost_its_end_gets_one(servers, server):
    server.set("t2:who", 7)
    assert RedisTurnCounter(servers.redis_url, prefix="t2:").take("who", 1, 60)[0] == 8
    assert 0 < server.pttl("t2:who") <= 60_000


def test_scripts_flushed_from_the_server_are_loaded_again(servers, server):
    counter = RedisTurnCounter(servers.redis_url, prefix="t3:")
    counter.take("who", 1, 60)
    server.script_flush()
    assert counter.take("who", 1, 60)[0] == 2


@pytest.mark.fault(37)
def test_a_server_that_is_not_there_is_no_answer_and_not_asked_again_at_once(monkeypatch):
    counter = RedisTurnCounter(f"redis://127.0.0.1:{choose_port()}/0")
    asked = []
    ask = counter._script
    monkeypatch.setattr(counter, "_script", lambda **given: asked.append(1) or ask(**given))
    assert [counter.take("who", 1, 60) for _ in range(100)] == [None] * 100
    assert len(asked) == 1
    counter._resting_until = 0.0
    assert counter.take("who", 1, 60) is None
    assert len(asked) == 2


@pytest.mark.fault(37)
def test_a_server_that_hangs_is_no_answer():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        counter = RedisTurnCounter(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert counter.take("who", 1, 60) is None
