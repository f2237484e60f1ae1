"""Run one command that never outlives its parent: ``guard --parent PID -- command…``.

A process cannot clean up after its own kill -9, so every server of the embedded stack
runs below a guard of its own. The guard watches the parent by a pidfd (elsewhere by
polling), and when the parent is gone it stops the command politely, then by force,
descendants included. Should the guard itself be killed, the kernel signals the command
(PR_SET_PDEATHSIG). Only the standard library is used, so a guard starts in milliseconds:
``python -I -S guard.py``.

The guard ends with the command's exit status, or 128 + the signal that ended it.
"""

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.2
ORPHAN_GRACE_SECONDS = 3.0
CANNOT_RUN = 126  # the shell's status for a command that it can't run


@dataclass(frozen=True, slots=True)
class Orders:
    """What a guard was told to do; one field an option of the command line."""

    parent: int
    command: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    user: int | None = None
    group: int | None = None
    directory: str | None = None
    remove: str | None = None
    keep_fd: int | None = None

    def argv(self) -> list[str]:
        """The command line that gives these orders to a guard process."""
        options = {
            "--parent": self.parent,
            "--stop-signal": self.stop_signal.name,
            "--grace": self.grace,
            "--user": self.user,
            "--group": self.group,
            "--directory": self.directory,
            "--remove": self.remove,
            "--keep-fd": self.keep_fd,
        }
        given = [[name, str(value)] for name, value in options.items() if value is not None]
        return [
            *(sys.executable, "-I", "-S", str(Path(__file__).resolve())),
            *(word for pair in given for word in pair),
            "--",
            *self.command,
        ]


def _prctl() -> Callable[..., int] | None:
    """The C function, or None where the system has none (macOS)."""
    if not sys.platform.startswith("linux"):
        return None
    function: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    return function


class Guard:
    """One guarded command; `run()` returns its exit status."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.prctl = _prctl()
        self.is_child = os.getppid() == orders.parent
        self.stop_requested = False
        self.woken, waker = os.pipe()
        for end in (self.woken, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask_to_stop(self, *_: object) -> None:
        self.stop_requested = True

    def run(self) -> int:
        """Start the command, wait for its end or the parent's, leave nothing behind."""
        if self.prctl is not None:
            # orphaned grandchildren come to the guard instead of to init, to be ended below
            self.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        parent_fd = self._open_parent()
        status = 0
        if parent_fd is not None or self._parent_alive():
            child = self._start()
            self._wait_for_cause(child, parent_fd)
            status = self._stop(child)
            self._end_orphans(child.pid)
        if self.orders.remove is not None and not self._parent_alive():
            shutil.rmtree(self.orders.remove, ignore_errors=True)
        return status if status >= 0 else 128 - status

    def _start(self) -> subprocess.Popen[bytes]:
        orders, guard_pid = self.orders, os.getpid()

        def die_with_guard() -> None:
            # Runs after the change of user, which would clear the setting.
            if self.prctl is not None:
                self.prctl(PR_SET_PDEATHSIG, int(orders.stop_signal), 0, 0, 0)
                if os.getppid() != guard_pid:
                    os._exit(1)

        unprivileged = orders.user is not None
        return subprocess.Popen(
            list(orders.command),
            stdin=subprocess.DEVNULL,
            cwd=orders.directory,
            user=orders.user,
            group=orders.group,
            extra_groups=[] if unprivileged else None,
            pass_fds=() if orders.keep_fd is None else (orders.keep_fd,),
            process_group=0,
            preexec_fn=die_with_guard,  # noqa: PLW1509 - the guard has a single thread
        )

    def _open_parent(self) -> int | None:
        """A descriptor that becomes readable when the parent ends; None where unsupported."""
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            return os.pidfd_open(self.orders.parent)
        except OSError:  # no such process, or a kernel without pidfd: polling tells
            return None

    def _parent_alive(self) -> bool:
        if self.is_child:  # surer than the number alone, which may be given out again
            return os.getppid() == self.orders.parent
        try:
            os.kill(self.orders.parent, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _wait_for_cause(self, child: subprocess.Popen[bytes], parent_fd: int | None) -> None:
        """Return when the command ended, a stop was asked for, or the parent is gone."""
        watched = [self.woken] if parent_fd is None else [self.woken, parent_fd]
        timeout = POLL_SECONDS if parent_fd is None else None
        while child.poll() is None and not self.stop_requested:
            ready, _, _ = select.select(watched, [], [], timeout)
            if parent_fd in ready or (parent_fd is None and not self._parent_alive()):
                return
            self._drain()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.woken, 512)

    def _stop(self, child: subprocess.Popen[bytes]) -> int:
        """Exit status of the command, stopped politely and then by force if it still runs."""
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(self.orders.stop_signal)
            try:
                return child.wait(self.orders.grace)
            except subprocess.TimeoutExpired:
                child.kill()
        return child.wait()

    def _end_orphans(self, group: int) -> None:
        """Give descendants a moment to follow the command, then kill them."""
        deadline = time.monotonic() + ORPHAN_GRACE_SECONDS
        while _reap() and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        while _reap():
            for pid in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def _reap() -> bool:
    """Collect the ended children; True while others live."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


def _children() -> Iterator[int]:
    """Direct children of this process (Linux; elsewhere orphans do not come to it)."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(OSError):
        yield from map(int, listing.read_text().split())


def parse(arguments: Sequence[str]) -> Orders:
    """Orders from a command line; exits with usage on a fault."""
    parser = argparse.ArgumentParser(prog="guard", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--parent", type=int, required=True, help="process id to live with")
    parser.add_argument(
        "--stop-signal", default="SIGTERM", choices=[s.name for s in signal.Signals]
    )
    parser.add_argument("--grace", type=float, default=10.0, help="seconds before SIGKILL")
    parser.add_argument("--user", type=int, help="numeric user to run the command as")
    parser.add_argument("--group", type=int, help="numeric group to run the command as")
    parser.add_argument("--directory", help="working directory of the command")
    parser.add_argument("--remove", help="directory to delete if the parent is gone")
    parser.add_argument("--keep-fd", type=int, help="descriptor the command inherits")
    parser.add_argument("command", nargs="+")
    given = vars(parser.parse_args(arguments))
    return Orders(**{**given, "stop_signal": signal.Signals[given["stop_signal"]]})


def main() -> int:
    """Entry point of the guard process."""
    orders = parse(sys.argv[1:])
    try:
        return Guard(orders).run()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{orders.command[0]} can't be run: {error}", file=sys.stderr)
        return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
