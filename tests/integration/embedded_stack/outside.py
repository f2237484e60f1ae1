"""Programs run from outside, as another user too, and what is left of them."""

import functools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from marketplace.embedded.processes import descendants

PROJECT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 30.0
PROBE = "import psycopg, subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"


@functools.cache
def plain_user() -> tuple[str, ...] | None:
    """The words before a command that run it as a user without rights; None if that can't be.

    The interpreter may lie where only root may look; the right to search folders lets it be used
    nevertheless, and it is no right to write.
    """
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    entry = pwd.getpwnam("daemon")
    user = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    search = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for words in (user, (*user, *search)):
        probe = subprocess.run(
            [*words, sys.executable, "-c", PROBE], capture_output=True, check=False
        )
        if probe.returncode == 0:
            return words
    return None


USERS = ["ourselves", *(["plain user"] if plain_user() else [])]


def words_for(user: str) -> tuple[str, ...]:
    """What stands before a command to run it as one of USERS."""
    return (plain_user() or ()) if user == "plain user" else ()


def give_to(user: str, path: Path) -> None:
    """Let one of USERS own a folder."""
    if user == "plain user":
        entry = pwd.getpwnam("daemon")
        os.chown(path, entry.pw_uid, entry.pw_gid)


@contextmanager
def program(
    code: str, *arguments: object, user: str = "ourselves"
) -> Iterator[subprocess.Popen[str]]:
    """A Python program with its output in a pipe, killed at the end."""
    process = subprocess.Popen(
        [*words_for(user), sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def line_of(process: subprocess.Popen[str], beginning: str) -> str:
    """What follows `beginning` on the first line that begins so."""
    seen = []
    for line in process.stdout or ():
        seen.append(line)
        if line.startswith(beginning):
            return line.removeprefix(beginning).strip()
    raise AssertionError(f"the program ended without {beginning!r}: {''.join(seen)}")


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def eventually(condition: Callable[[], bool], *, within: float = PATIENCE_SECONDS) -> bool:
    """Whether the condition comes to hold in time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def family(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *descendants(pid)]


def kill_9(process: subprocess.Popen[str]) -> list[int]:
    """Kill a program and return the processes of its family that are still there in the end."""
    members = family(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    eventually(lambda: not any(map(alive, members)))
    return [pid for pid in members if alive(pid)]
