"""What the embedded servers have in common: choosing a port, starting, reviving, stopping."""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import (
    DirectoryLock,
    GuardedProcess,
    StackError,
    choose_port,
    log_tail,
    wait_until_ready,
)

PORT_ATTEMPTS = 5
LEFTOVER_PATIENCE_SECONDS = 40  # how long what is left of a killed stack may take to end


class EmbeddedServer:
    """A server of the stack, as a context manager or by `start` and `stop`.

    `directory` keeps its files (deleted at the end if `temporary`); port 0 takes a free one;
    `parent` is the process id that the server lives with, this one unless another is named.
    """

    name: ClassVar[str]
    start_timeout: ClassVar[float] = 30.0  # seconds

    def __init__(
        self, directory: Path, port: int, *, temporary: bool = False, parent: int | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.temporary = temporary
        self.asked_port = self.port = port
        self.parent = os.getpid() if parent is None else parent
        self.log = self.directory / "server.log"
        self.lock = DirectoryLock(self.directory / "lock")
        self.process: GuardedProcess | None = None

    def start(self) -> None:
        """Start and return when requests are answered; StackError otherwise."""
        if self.running:
            raise StackError(f"this {self.name} is already started")
        try:
            self._prepare()
            self._launch()
        except BaseException:
            self.stop()
            raise

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def revive(self) -> None:
        """Start again where clients look for it, after it ended by itself."""
        self.asked_port = self.port
        self.lock.release()
        self.start()

    def stop(self) -> None:
        """Stop gracefully; a temporary directory is deleted. Does nothing when not started."""
        process, self.process = self.process, None
        if process is not None:
            process.stop()
        self.lock.release()
        if self.temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def detach(self) -> None:
        """Forget a started server, which then runs until its parent ends."""
        process, self.process = self.process, None
        if process is not None:
            process.detach()
        self.lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        """What is to be done before the first attempt to listen."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_directory()

    def _lock_directory(self) -> None:
        self.lock.acquire(
            patience=LEFTOVER_PATIENCE_SECONDS,
            busy=f"another {self.name} works in {self.directory}",
        )

    def _orders(self) -> Orders:
        """How to run the server on `self.port`."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether a client is served now."""
        raise NotImplementedError

    def _launch(self) -> None:
        """Start, on another port if somebody else just took the free one."""
        for attempt in range(PORT_ATTEMPTS):
            self.port = choose_port(self.asked_port)
            with self.log.open("ab") as output:
                self.process = GuardedProcess(self._orders(), output=output)
            try:
                wait_until_ready(
                    self._answers,
                    self.process,
                    name=self.name,
                    log=self.log,
                    timeout=self.start_timeout,
                )
            except StackError:
                lost_race = "address already in use" in log_tail(self.log).lower()
                if self.asked_port or not lost_race or attempt == PORT_ATTEMPTS - 1:
                    raise
            else:
                return
