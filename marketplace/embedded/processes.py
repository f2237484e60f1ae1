"""Starting, watching and ending guarded processes: what every embedded server shares."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from marketplace.embedded.guard import Orders

LOOPBACK = "127.0.0.1"
READY_POLL_SECONDS = 0.02
LOG_TAIL_LINES = 15
LOG_TAIL_BYTES = 64 * 1024


class StackError(RuntimeError):
    """An embedded server can't be started or used; the message is meant for a person."""


class PortTakenError(StackError):
    """The port that was asked for is in use."""


class DirectoryInUseError(StackError):
    """Another stack, or what is left of one, still works in the directory."""


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(asked: int = 0, *, patience: float = 5.0) -> int:
    """The port asked for, or any free one when 0 is asked for.

    A port may still be held by a server that is just ending: it is waited for `patience`
    seconds, then PortTakenError is raised.
    """
    if asked == 0:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            return int(probe.getsockname()[1])
    deadline = time.monotonic() + patience
    while not port_is_free(asked):
        if time.monotonic() > deadline:
            raise PortTakenError(f"port {asked} on {LOOPBACK} is in use by another program")
        time.sleep(0.1)
    return asked


def held(port: int) -> socket.socket:
    """A socket that keeps the port until it is closed; PortTakenError if another has it.

    For a server that shares its port between processes: it would share it with a stranger's, too.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        keeper.bind((LOOPBACK, port))
        keeper.listen()
    except OSError as error:
        keeper.close()
        raise PortTakenError(f"port {port} on {LOOPBACK} is in use by another program") from error
    return keeper


def log_tail(log: Path) -> str:
    """The last lines of a log, indented, for an error message."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (nothing was written)"
    return "    (there is no log)"


class GuardedProcess:
    """A command below its guard, ended with its parent whatever happens to either.

    `output` is a file, or None for a pipe that `stdout` then gives.
    """

    def __init__(
        self, orders: Orders, *, output: IO[bytes] | None, env: Mapping[str, str] | None = None
    ) -> None:
        self.grace = orders.grace
        self.popen = subprocess.Popen(
            orders.argv(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            pass_fds=() if orders.keep_fd is None else (orders.keep_fd,),
            start_new_session=True,  # Ctrl-C in a terminal is the supervisor's to handle
        )

    @property
    def pid(self) -> int:
        """Process id of the guard."""
        return self.popen.pid

    @property
    def stdout(self) -> IO[bytes] | None:
        """What the command prints, when no output file was given."""
        return self.popen.stdout

    def poll(self) -> int | None:
        """Exit status of the command, None while it runs."""
        return self.popen.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Exit status, waited for."""
        return self.popen.wait(timeout)

    def ask_to_stop(self) -> None:
        """Begin a graceful stop and return at once."""
        with contextlib.suppress(ProcessLookupError):
            self.popen.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Stop gracefully, by force after the grace; returns the exit status."""
        self.ask_to_stop()
        return self.popen.wait(self.grace + 10)

    def detach(self) -> None:
        """Leave the process to its guard; it ends with the parent named in its orders."""
        self.popen.returncode = 0  # else the interpreter warns of a process not waited for


def wait_until_ready(
    check: Callable[[], bool], process: GuardedProcess, *, name: str, log: Path, timeout: float
) -> None:
    """Poll `check` until it holds; StackError with the log's tail if it never does."""
    deadline = time.monotonic() + timeout
    while not check():
        if (status := process.poll()) is not None:
            raise StackError(
                f"{name} ended at start (status {status}); {log} ends:\n{log_tail(log)}"
            )
        if time.monotonic() > deadline:
            process.stop()
            raise StackError(
                f"{name} was not ready after {timeout:.0f} s; {log} ends:\n{log_tail(log)}"
            )
        time.sleep(READY_POLL_SECONDS)


def run_guarded(orders: Orders, *, name: str, log: Path, timeout: float) -> None:
    """Run a command to its end; StackError unless it succeeds in time."""
    with log.open("ab") as output:
        process = GuardedProcess(orders, output=output)
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.stop()
        raise StackError(
            f"{name} took over {timeout:.0f} s; {log} ends:\n{log_tail(log)}"
        ) from None
    if status != 0:
        raise StackError(f"{name} failed (status {status}); {log} ends:\n{log_tail(log)}")


class DirectoryLock:
    """Exclusive use of a directory, also against what a killed predecessor left behind.

    The lock belongs to an open file that guards and servers inherit (`keep_fd`), so it is free
    exactly when the last of them has ended, and never stale.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open lock file, for `Orders.keep_fd`."""
        if self._descriptor is None:
            raise StackError(f"{self.path} is not locked")
        return self._descriptor

    def acquire(self, *, patience: float, busy: str) -> None:
        """Lock within `patience` seconds; DirectoryInUseError with the text `busy` otherwise."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip()
                    os.close(descriptor)
                    raise DirectoryInUseError(f"{busy} (process {holder or 'unknown'})") from None
                time.sleep(0.05)
            else:
                break
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give up this process's share; does nothing if it has none."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def descendants(pid: int) -> list[int]:
    """Processes below this one, nearest first (Linux; elsewhere none are found)."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found + [below for child in found for below in descendants(child)]


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
