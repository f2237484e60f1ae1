"""PostgreSQL: whoever starts it and however it ends, what was committed stays."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.embedded import server as server_module
from marketplace.embedded.postgres import EmbeddedPostgres
from marketplace.embedded.processes import (
    DirectoryInUseError,
    PortTakenError,
    StackError,
    choose_port,
    descendants,
)
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

SERVE = """
import sys, time
from pathlib import Path
from marketplace.embedded.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print("uri", server.conninfo())
    time.sleep(999)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False) as started:
        yield started


def ask(uri: str, query: str) -> object:
    with psycopg.connect(uri, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def run(uri: str, *statements: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


SLEEPERS = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()"


def sleep_on(uri: str) -> None:
    """Run a long statement until the server goes away."""
    with contextlib.suppress(psycopg.OperationalError):
        run(uri, "SELECT pg_sleep(60)")


def test_databases_are_made_copied_and_dropped(server: EmbeddedPostgres):
    server.create_database("origin")
    run(server.conninfo("origin"), "CREATE TABLE fact AS SELECT 42 AS value")
    server.create_database("copy-1", template="origin")
    assert ask(server.conninfo("copy-1"), "SELECT value FROM fact") == 42
    assert server.has_database("copy-1")
    with psycopg.connect(server.conninfo("copy-1")):
        server.drop_database("copy-1")
    assert not server.has_database("copy-1")
    server.drop_database("copy-1")
    assert server.url("origin").startswith("postgresql+psycopg://")


def test_it_is_what_was_promised(server: EmbeddedPostgres):
    def setting(name: str) -> object:
        return ask(server.conninfo(), f"SHOW {name}")

    assert str(setting("server_version")).startswith("18")
    assert setting("fsync") == "off"
    assert setting("max_connections") == "200"
    assert setting("timezone") == "UTC"
    assert setting("unix_socket_directories") == ""
    assert setting("server_encoding") == "UTF8"


def test_only_the_loopback_interface_and_only_with_the_password(server: EmbeddedPostgres):
    assert ask(server.conninfo(), "SHOW listen_addresses") == "127.0.0.1"
    password = ask(server.conninfo(), "SELECT rolpassword FROM pg_authid WHERE rolname = user")
    assert str(password).startswith("SCRAM-SHA-256$")
    wrong = server.conninfo().replace(server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    with pytest.raises(psycopg.OperationalError, match="no password"):
        psycopg.connect(server.conninfo().replace(f":{server.password}", ""))


def test_it_never_runs_as_root(server: EmbeddedPostgres):
    assert server.process is not None
    servers = descendants(server.process.pid)
    owners = set()
    for pid in servers:
        # A backend may end between being listed and being looked at.
        with contextlib.suppress(FileNotFoundError):
            owners.add(Path(f"/proc/{pid}").stat().st_uid)
    assert owners == {server.user.uid if server.user else os.geteuid()}
    assert 0 not in owners


def test_a_throwaway_leaves_nothing():
    server = EmbeddedPostgres(durable=False)
    server.start()
    assert server.process is not None
    members = family(server.process.pid)
    with pytest.raises(StackError, match="already started"):
        server.start()
    server.stop()
    assert not server.directory.exists()
    assert not any(map(alive, members))
    server.stop()


@pytest.mark.parametrize("user", USERS)
def test_kill_9_of_the_parent_leaves_no_process_and_loses_nothing(place: Path, user: str):
    give_to(user, place)
    data = place / "postgres"
    with program(SERVE, data, user=user) as first:
        uri = line_of(first, "uri")
        run(uri, "CREATE TABLE fact (value int)", "INSERT INTO fact VALUES (42)")
        # a statement is running in a backend all the while
        busy = threading.Thread(target=sleep_on, args=(uri,))
        busy.start()
        assert eventually(lambda: ask(uri, SLEEPERS) == 1)
        assert kill_9(first) == []
        busy.join(10)
        assert not busy.is_alive()
    begun = time.monotonic()
    with program(SERVE, data, user=user) as second:
        uri = line_of(second, "uri")
        assert ask(uri, "SELECT value FROM fact") == 42
        assert ask(uri, "SHOW fsync") == "on"
        assert kill_9(second) == []
    assert time.monotonic() - begun < 20


def test_started_at_once_after_kill_9_it_waits_for_what_is_left(place: Path):
    with program(SERVE, place / "postgres") as first:
        uri = line_of(first, "uri")
        run(uri, "CREATE TABLE fact AS SELECT 42 AS value")
        first.kill()
        first.wait()
        with EmbeddedPostgres(place / "postgres") as again:
            assert ask(again.conninfo(), "SELECT value FROM fact") == 42


def test_killed_during_initdb_it_starts_anew(place: Path):
    data = place / "postgres"
    with program(SERVE, data) as first:
        assert eventually(lambda: (data / "data.new" / "base").exists())
        assert kill_9(first) == []
    assert not (data / "data").exists()
    with EmbeddedPostgres(data) as server:
        assert ask(server.conninfo(), "SELECT 1") == 1


def test_kill_9_of_every_server_process_loses_nothing(place: Path):
    server = EmbeddedPostgres(place / "postgres")
    with server:
        run(server.conninfo(), "CREATE TABLE fact (value int)", "INSERT INTO fact VALUES (42)")
        before = server.conninfo()
        server.crash()
        assert not server.running
        server.revive()
        assert server.conninfo() == before
        assert ask(before, "SELECT value FROM fact") == 42
        assert "was not properly shut down" in server.log.read_text()


def test_a_pid_file_whose_number_is_another_process_is_no_obstacle(place: Path):
    with EmbeddedPostgres(place / "postgres") as server:
        cluster, user = server.cluster, server.user
    stale = cluster / "postmaster.pid"
    with program("import time; print('up'); time.sleep(99)") as other:
        line_of(other, "up")
        stale.write_text(f"{other.pid}\n{cluster}\n")
        if user is not None:
            os.chown(stale, user.uid, user.gid)
        with EmbeddedPostgres(place / "postgres") as again:
            assert ask(again.conninfo(), "SELECT 1") == 1


def test_two_on_one_directory_are_refused(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "LEFTOVER_PATIENCE_SECONDS", 0.2)
    with EmbeddedPostgres(place / "postgres", durable=False) as first:
        with pytest.raises(DirectoryInUseError, match="another PostgreSQL works in"):
            EmbeddedPostgres(place / "postgres").start()
        assert ask(first.conninfo(), "SELECT 1") == 1


def test_the_port_asked_for_is_taken_or_told(place: Path, monkeypatch: pytest.MonkeyPatch):
    port = choose_port()
    with EmbeddedPostgres(place / "postgres", port, durable=False) as server:
        assert server.port == port
        monkeypatch.setattr(
            "marketplace.embedded.processes.choose_port.__kwdefaults__", {"patience": 0.1}
        )
        with pytest.raises(PortTakenError, match=str(port)):
            EmbeddedPostgres(port=port, durable=False).start()


def test_a_free_port_that_was_snatched_is_replaced(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        offered = iter([taken, choose_port()])
        monkeypatch.setattr(server_module, "choose_port", lambda _: next(offered))
        with EmbeddedPostgres(durable=False) as server:
            assert server.port != taken


def test_a_lost_password_is_told(place: Path):
    with EmbeddedPostgres(place / "postgres", durable=False):
        pass
    (place / "postgres" / "password").unlink()
    with pytest.raises(StackError, match="password is missing"):
        EmbeddedPostgres(place / "postgres").start()


def test_a_setting_that_postgresql_refuses_is_shown(place: Path):
    with pytest.raises(StackError, match="no_such_setting"):
        EmbeddedPostgres(
            place / "postgres", durable=False, settings={"no_such_setting": "1"}
        ).start()


def test_other_binaries_must_exist(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PG_BIN", str(place))
    with pytest.raises(StackError, match="PG_BIN"):
        EmbeddedPostgres(place / "postgres").start()


def test_data_where_only_root_may_look_is_kept_elsewhere(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    """Only root's own folders are closed to the user that PostgreSQL runs as."""
    monkeypatch.setattr("marketplace.embedded.privileges.shared_place", lambda *_: place)
    tmp_path.chmod(0o700)
    for _ in range(2):
        with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
            assert ask(server.conninfo(), "SELECT 1") == 1
            assert server.cluster.is_relative_to(place if server.user else tmp_path)
