"""Child processes: run one with a plan, and what CPU and memory a tree of them used (Linux).

`run_python` starts an interpreter, for what is measured from the start or by its memory;
`run_forked` a fork of one that has the application's code loaded, for all the rest.
"""

import contextlib
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from marketplace.embedded.processes import descendants

TIMEOUT_SECONDS = 1_200
# Libraries load these where they find them.
DEVELOPMENT_ONLY = ("yaml", "rich")
TICKS = os.sysconf("SC_CLK_TCK")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["benchmarks.loaded"])


class ChildFailed(RuntimeError):
    """A child process of a benchmark ended badly; the message has the end of what it said."""


def run_python(
    module: str, plan: Mapping[str, Any], folder: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Run `python -m module PLAN` to its end and return the JSON object that it prints last."""
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False) as file:
        json.dump(plan, file)
    path = Path(file.name)
    try:
        return last_line([sys.executable, "-m", module, str(path)], environment)
    finally:
        path.unlink()


def load_ahead() -> None:
    """Begin to load what forks begin with; the first of them waits for the rest of it."""
    forkserver.ensure_running()


def run_forked(
    module: str, plan: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    """Have `main` of a module answer a plan, in a process of its own with that environment."""
    ours, theirs = _FORKS.Pipe(duplex=False)
    with tempfile.NamedTemporaryFile("r") as said:
        given = (theirs, said.name, module, dict(plan), dict(environment))
        process = _FORKS.Process(target=_answer, args=given)
        process.start()
        theirs.close()
        try:
            if not ours.poll(TIMEOUT_SECONDS):
                process.kill()
                raise ChildFailed(f"{module}: no answer within {TIMEOUT_SECONDS} s")
            found: dict[str, Any] = ours.recv()
        except EOFError:
            process.join()
            raise ChildFailed(f"{module}: {said.read()[-2000:]}") from None
        finally:
            process.join()
    return found


def _answer(
    theirs: Connection, said: str, module: str, plan: dict[str, Any], environment: dict[str, str]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with Path(said).open("a") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    theirs.send(importlib.import_module(module).main(plan))


def last_line(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a command; the JSON object in the last line of its output, or `ChildFailed`."""
    done = subprocess.run(
        command,
        env=dict(environment),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        raise ChildFailed(f"{' '.join(command[:4])}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and all below it, those that have ended included."""
    total = 0
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{each}/stat").read_text()
            # The name in parentheses may hold spaces; utime is the 12th field after it.
            fields = stat.rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICKS
