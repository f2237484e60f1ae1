"""A guarded command never outlives its parent, its guard, or its welcome."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import (
    LOOPBACK,
    GuardedProcess,
    PortTakenError,
    StackError,
    choose_port,
    descendants,
    held,
    run_guarded,
    wait_until_ready,
)
from tests.integration.embedded_stack.outside import (
    alive,
    eventually,
    family,
    kill_9,
    line_of,
    program,
)

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
# a child, and a grandchild that left its group and ignores SIGTERM
FAMILY = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}], start_new_session=True)
time.sleep(99)
"""
PARENT = """
import os, sys, time
from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import GuardedProcess
orders = Orders(
    parent=os.getpid(), command=[sys.executable, "-c", sys.argv[1]], grace=0.5,
    remove=sys.argv[2],
)
process = GuardedProcess(orders, output=None)
print("read", process.stdout.readline())
time.sleep(99)
"""


def guarded(code: str, log: Path, **orders: object) -> GuardedProcess:
    with log.open("wb") as output:
        made = Orders(parent=os.getpid(), command=[sys.executable, "-c", code], **orders)  # type: ignore[arg-type]
        return GuardedProcess(made, output=output)


def test_the_exit_status_is_passed_on(tmp_path: Path):
    assert guarded("raise SystemExit(7)", tmp_path / "log").wait(10) == 7
    killed = guarded("import os; os.kill(os.getpid(), 9)", tmp_path / "log")
    assert killed.wait(10) == 128 + signal.SIGKILL


def test_a_stop_is_polite_then_not(tmp_path: Path):
    log = tmp_path / "log"
    process = guarded(STUBBORN, log, grace=0.5)
    assert eventually(lambda: log.read_text() == "up\n")
    begun = time.monotonic()
    assert process.stop() == 128 + signal.SIGKILL
    assert 0.4 < time.monotonic() - begun < 8


def test_the_stop_signal_is_the_one_asked_for(tmp_path: Path):
    log = tmp_path / "log"
    code = "import time; print('up', flush=True)\ntry: time.sleep(99)\nexcept KeyboardInterrupt: raise SystemExit(3)"
    process = guarded(code, log, stop_signal=signal.SIGINT)
    assert eventually(lambda: log.read_text() == "up\n")
    assert process.stop() == 3


def test_kill_9_of_the_parent_ends_the_whole_family(tmp_path: Path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    with program(PARENT, FAMILY, folder) as parent:
        line_of(parent, "read")
        assert len(family(parent.pid)) == 4
        assert kill_9(parent) == []
    assert eventually(lambda: not folder.exists())


def test_kill_9_of_the_guard_ends_the_command(tmp_path: Path):
    log = tmp_path / "log"
    process = guarded("import time; print('up', flush=True); time.sleep(99)", log)
    assert eventually(lambda: log.read_text() == "up\n")
    (command,) = descendants(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    assert eventually(lambda: not alive(command))


def test_orphans_end_with_the_command(tmp_path: Path):
    log = tmp_path / "log"
    process = guarded(FAMILY.replace("time.sleep(99)\n", "time.sleep(0.5)\n"), log)
    assert eventually(lambda: "up" in log.read_text())
    members = descendants(process.pid)
    process.wait(20)
    assert not any(map(alive, members))


def test_a_guard_whose_parent_is_gone_starts_nothing(tmp_path: Path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    orders = Orders(parent=gone.pid, command=["touch", str(tmp_path / "started")])
    with (tmp_path / "log").open("wb") as output:
        assert GuardedProcess(orders, output=output).wait(10) == 0
    assert not (tmp_path / "started").exists()


def test_a_server_that_ends_at_start_shows_its_log(tmp_path: Path):
    log = tmp_path / "log"
    process = guarded("print('the reason'); raise SystemExit(4)", log)
    with pytest.raises(StackError, match=r"thing ended at start \(status 4\)[\s\S]*the reason"):
        wait_until_ready(lambda: False, process, name="thing", log=log, timeout=10)


def test_a_server_that_never_answers_is_stopped(tmp_path: Path):
    log = tmp_path / "log"
    process = guarded("import time; time.sleep(99)", log)
    with pytest.raises(StackError, match="was not ready after"):
        wait_until_ready(lambda: False, process, name="thing", log=log, timeout=0.3)
    assert process.poll() is not None


def test_a_command_that_takes_too_long_is_stopped(tmp_path: Path):
    orders = Orders(parent=os.getpid(), command=["sleep", "99"])
    with pytest.raises(StackError, match="took over"):
        run_guarded(orders, name="sleeping", log=tmp_path / "log", timeout=0.3)


def test_a_taken_port_is_waited_for_and_then_refused():
    with program(
        "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
        "print('port', s.getsockname()[1]); time.sleep(99)"
    ) as other:
        port = int(line_of(other, "port"))
        with pytest.raises(PortTakenError, match=str(port)):
            choose_port(port, patience=0.2)
        other.kill()
        assert choose_port(port) == port
    assert choose_port() != choose_port()


def test_a_port_that_is_held_is_nobody_elses_until_it_is_let_go():
    port = choose_port()
    with held(port):
        with pytest.raises(PortTakenError, match=str(port)):
            held(port)
        # Nor that of a server that would share it.
        with pytest.raises(OSError, match="in use"):
            socket.create_server((LOOPBACK, port), reuse_port=True)
    socket.create_server((LOOPBACK, port), reuse_port=True).close()
