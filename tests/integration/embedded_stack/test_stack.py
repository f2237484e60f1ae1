"""The stack as a whole: what it gives, what it keeps, whom it refuses, what it leaves."""

import os
import signal
import stat
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
import redis

from config.settings import load
from marketplace.embedded.processes import DirectoryInUseError, descendants
from marketplace.embedded.stack import Ports, Stack
from tests.integration.embedded_stack.outside import (
    USERS,
    alive,
    eventually,
    family,
    give_to,
    kill_9,
    line_of,
    program,
)

START = """
import sys, time
from pathlib import Path
from marketplace.embedded.stack import Stack
with Stack(Path(sys.argv[1]), given={}) as stack:
    print("url", stack.environment()["DATABASE_URL"].replace("+psycopg", ""))
    time.sleep(999)
"""


def make(home: Path, said: list[str] | None = None, **given: str) -> Stack:
    lines = [] if said is None else said
    return Stack(home, given=given, progress=lines.append, site_url="http://127.0.0.1:8123")


def test_it_gives_settings_that_the_application_takes(place: Path):
    said: list[str] = []
    # This process may have started the servers that the whole test run shares.
    others = set(family(os.getpid()))
    with make(place / "home", said) as stack:
        environment = stack.environment()
        settings = load(environment)
        assert settings.environment == "development"
        assert settings.public_url == "http://127.0.0.1:8123"
        with psycopg.connect(environment["DATABASE_URL"].replace("+psycopg", "")) as connection:
            assert connection.info.dbname == "marketplace"
        with redis.Redis.from_url(environment["REDIS_URL"]) as cache:
            assert cache.ping()
        assert stack.mail is not None
        with urllib.request.urlopen(stack.mail.address() + "/healthz", timeout=5) as answer:
            assert answer.status == 200
        members = [pid for pid in family(os.getpid()) if pid not in others]
        assert len(members) >= 4
        assert len([line for line in said if "port" in line]) == 4
    assert not [pid for pid in members if alive(pid)]
    kept = place / "home" / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_second_start_finds_the_same_ports_secrets_and_data(place: Path):
    with make(place / "home") as stack:
        first = stack.environment()
        with psycopg.connect(first["DATABASE_URL"].replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE fact AS SELECT 42 AS value")
    begun = time.monotonic()
    with make(place / "home") as stack:
        assert time.monotonic() - begun < 10
        second = stack.environment()
        assert {**second, "REDIS_URL": ""} == {**first, "REDIS_URL": ""}
        with psycopg.connect(second["DATABASE_URL"].replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT value FROM fact").fetchone() == (42,)


def test_what_the_environment_gives_is_not_started(place: Path):
    given = {
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "STRIPE_SECRET_KEY": "sk_test_mine",
        "SMTP_URL": "smtp://127.0.0.1:1",
        "DATABASE_URL": "postgresql://127.0.0.1:1/mine",
    }
    with make(place / "home", **given) as stack:
        assert stack.servers == []
        environment = stack.environment()
        assert given.items() <= environment.items()
        assert "STRIPE_API_BASE" not in environment


def test_two_stacks_do_not_share_a_home(place: Path):
    others = {"STRIPE_API_BASE": "http://127.0.0.1:1", "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    with (
        make(place / "home", **others),
        pytest.raises(DirectoryInUseError, match=rf"already runs in .*process {os.getpid()}"),
    ):
        make(place / "home", **others).start()
    with make(place / "home", **others):
        pass


@pytest.mark.parametrize("user", USERS)
def test_kill_9_and_again(place: Path, user: str):
    give_to(user, place)
    with program(START, place / "home", user=user) as first:
        uri = line_of(first, "url")
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("CREATE TABLE fact AS SELECT 42 AS value")
        # started again at once, while what is left of the first is still ending
        members = family(first.pid)
        first.send_signal(signal.SIGKILL)
        first.wait()
        with program(START, place / "home", user=user) as second:
            with psycopg.connect(line_of(second, "url")) as connection:
                assert connection.execute("SELECT value FROM fact").fetchone() == (42,)
            assert eventually(lambda: not any(map(alive, members)))
            assert kill_9(second) == []


def test_one_that_cannot_start_takes_the_others_with_it(place: Path):
    before = set(family(os.getpid()))
    home = place / "home"
    home.mkdir()
    (home / "valkey").write_text("no folder")
    with pytest.raises(OSError, match="valkey"):
        make(home).start()
    assert eventually(lambda: not set(family(os.getpid())) - before)
    (home / "valkey").unlink()
    with make(home):
        pass


def test_servers_that_end_are_revived(place: Path):
    said: list[str] = []
    stack = Stack(place / "home", Ports(), given={}, progress=said.append)
    with stack:
        before = stack.environment()
        for server in stack.servers:
            assert server.process is not None
            os.kill(descendants(server.process.pid)[0], signal.SIGKILL)
        assert eventually(lambda: not any(server.running for server in stack.servers))
        stack.revive()
        assert all(server.running for server in stack.servers)
        assert stack.environment() == before
    assert len([line for line in said if "ended by itself" in line]) == 4
