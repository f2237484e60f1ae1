"""`make smoke`: a fresh stack, the story, one JSON line of what happened and how long it took."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.smoke.clients import ROOT, StoryBroken, hold
from tests.smoke.story import Story

START_SECONDS = 60.0


def start(home: Path) -> "subprocess.Popen[str]":
    log = (home / "run.log").open("w")
    return subprocess.Popen(
        [sys.executable, "-m", "marketplace.embedded.run", "--home", str(home), "--no-demo",
         "--port", str(free_port())],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
    )  # fmt: skip


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_ready(home: Path, process: "subprocess.Popen[str]") -> dict[str, str]:
    """Return the stack's environment once the site serves."""
    deadline = time.monotonic() + START_SECONDS
    while "Serving until" not in (home / "run.log").read_text():
        hold(process.poll() is None, "the stack ended", (home / "run.log").read_text()[-2000:])
        hold(time.monotonic() < deadline, "the stack is up within a minute")
        time.sleep(0.1)
    return json.loads((home / "stack.json").read_text())


def stop(process: "subprocess.Popen[str]") -> bool:
    """Ctrl-C, and see that nothing of its session is left."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    return not subprocess.run(
        ["ps", "-o", "pid=", "-s", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the stack's folder")
    options = parser.parse_args()
    began = time.monotonic()
    folder = (
        tempfile.TemporaryDirectory(prefix="smoke-", delete=False)
        if sys.version_info >= (3, 12)
        else None
    )
    home = Path(folder.name if folder else tempfile.mkdtemp(prefix="smoke-"))
    result: dict[str, object] = {"ok": False}
    process = start(home)
    try:
        environment = await_ready(home, process)
        result["start_seconds"] = round(time.monotonic() - began, 2)
        story = Story(environment, lambda line: print(line, file=sys.stderr, flush=True))
        try:
            story.play()
        finally:
            result["steps"] = story.timings
            result["facts"] = story.facts
        result["ok"] = True
    except StoryBroken as broken:
        result["broken"] = str(broken)
    finally:
        result["no_process_left"] = stop(process)
        result["total_seconds"] = round(time.monotonic() - began, 2)
    result["ok"] = bool(result["ok"] and result["no_process_left"])
    print(json.dumps(result))
    if result["ok"] and not options.keep:
        import shutil

        shutil.rmtree(home, ignore_errors=True)
    else:
        print(f"logs: {home}", file=sys.stderr)
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
