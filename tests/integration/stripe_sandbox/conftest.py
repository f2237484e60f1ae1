"""Fixtures: sandbox processes on free ports, started by the test and gone after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stripe

from tests.integration.stripe_sandbox.running import SECRET, Process, Receiver

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a sandbox with options; several share the test's directory only if told to."""
    started: list[Process] = []

    def starter(*options: str, directory: Path | None = None) -> Process:
        place = directory or tmp_path / f"sandbox{len(started)}"
        started.append(Process(place, *options))
        return started[-1]

    yield starter
    for process in started:
        if process.process.poll() is None:
            process.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def sandbox(start: Start, receiver: Receiver) -> Process:
    """A fresh sandbox that sends its events to `receiver`, and is quick to retry and settle."""
    quick = ("--retry-first", "0.05", "--settle-after", "3600", "--available-after", "0")
    return start("--webhook-url", receiver.url, "--webhook-secret", SECRET, *quick)


@pytest.fixture
def client(sandbox: Process) -> stripe.StripeClient:
    return sandbox.client()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One sandbox for the tests of a module that don't disturb each other."""
    process = Process(tmp_path_factory.mktemp("shared"))
    yield process
    process.stop()
