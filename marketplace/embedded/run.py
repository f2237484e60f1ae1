"""`make run`: the whole product on this machine, from nothing, until Ctrl-C.

Starts the embedded stack, migrates, loads the demo, runs the web server and a worker, and says
where everything is. Started again it goes on with the same data.
"""

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from marketplace.embedded.guard import Orders
from marketplace.embedded.helpers import PROJECT
from marketplace.embedded.processes import (
    LOOPBACK,
    GuardedProcess,
    PortTakenError,
    StackError,
    choose_port,
    held,
    log_tail,
)
from marketplace.embedded.stack import Ports, Stack, say
from marketplace.embedded.supervisor import Child, Supervisor, open_log

USUAL_PORT = 8000
READY_TIMEOUT_SECONDS = 60.0
READY_POLL_SECONDS = 0.1
REVIVE_SECONDS = 1.0
SCRIPTS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Step:
    """A command that is run to its end before the application starts."""

    title: str
    command: Sequence[str]
    shown: bool = False  # whether its output is for the terminal too


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run beside the stack; tests put smaller commands here."""

    steps: Sequence[Step]
    children: Sequence[Child]
    epilogue: Sequence[Step]
    ready_path: str = "/readyz"
    keeper: socket.socket | None = None  # of the site's port, until the web server takes it


def flask(*arguments: str) -> list[str]:
    """A command of the application's command line."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def usual_plan(
    port: int, *, web_workers: int, demo: bool, keeper: socket.socket | None = None
) -> Plan:
    """Migrate, load the demo, serve by granian, work off jobs; until then `keeper` has the port."""
    granian = [
        *(str(SCRIPTS / "granian"), "--interface", "wsgi", "wsgi:app"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", str(web_workers)),
        *("--blocking-threads", "8", "--respawn-failed-workers", "--workers-kill-timeout", "3"),
    ]
    # One command for both: starting the application is most of what each would cost.
    load = Step("migrating and loading the demo", flask("demo", "load", "--upgrade"), shown=True)
    accounts = [sys.executable, "-m", "marketplace.embedded.people"]
    return Plan(
        steps=[load if demo else Step("migrating", flask("db", "upgrade"))],
        children=[Child("web", granian), Child("worker", flask("worker"))],
        epilogue=[Step("demo accounts", accounts, shown=True)] if demo else [],
        keeper=keeper,
    )


def site_port(asked: int) -> socket.socket:
    """Hold the port asked for, else the usual one, else any free one."""
    if asked == 0:
        with contextlib.suppress(PortTakenError):
            return held(USUAL_PORT)
    return held(choose_port(asked))


def without_password(url: str) -> str:
    """A URL fit to be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


class Application:
    """One run of the product over a started stack."""

    def __init__(self, stack: Stack, plan: Plan, supervisor: Supervisor) -> None:
        self.stack = stack
        self.plan = plan
        self.supervisor = supervisor
        self.revive_at = 0.0

    def run(self) -> None:
        """Prepare, serve until a stop is asked for, stop."""
        begun = time.monotonic()
        for step in self.plan.steps:
            self._do(step)
        if self.plan.keeper is not None:
            self.plan.keeper.close()
        try:
            self.supervisor.start()
            # started now, shown below: they load while the web server does
            last = [(step, self._begin(step)) for step in self.plan.epilogue]
            self._await_ready()
            self._introduce(time.monotonic() - begun)
            for step, process in last:
                self._finish(step, process)
            say("\nServing until Ctrl-C.")
            self.supervisor.run(self._revive)
        finally:
            say("stopping …")
            self.supervisor.stop()

    def _do(self, step: Step) -> None:
        """Run a step; StackError with the end of its log if it fails."""
        begun = time.monotonic()
        say(f"{step.title} …")
        self._finish(step, self._begin(step))
        say(f"  done in {time.monotonic() - begun:.1f} s")

    def _begin(self, step: Step) -> GuardedProcess:
        orders = Orders(parent=os.getpid(), command=step.command, directory=str(PROJECT))
        environment = dict(self.supervisor.environment)
        if step.shown and not self.supervisor.verbose:
            # What it says of its progress is for the terminal; what it logs is not.
            environment["LOG_LEVEL"] = "WARNING"
        return GuardedProcess(orders, output=None, env=environment)

    def _finish(self, step: Step, process: GuardedProcess) -> None:
        path = self.supervisor.logs / f"{step.title.replace(' ', '-')}.log"
        try:
            with open_log(path) as log:
                self._copy(process, log.write, shown=step.shown)
            status = process.wait()
        finally:
            process.stop()
        if status != 0:
            raise StackError(
                f"{step.title} failed (status {status}); {path} ends:\n{log_tail(path)}"
            )

    @staticmethod
    def _copy(process: GuardedProcess, write: Callable[[bytes], object], *, shown: bool) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                write(line)
                if shown:
                    say(f"  {line.decode(errors='replace').rstrip()}")

    def _await_ready(self) -> None:
        """Wait for the web server to answer; StackError if it does not in time."""
        url = self.stack.site_url + self.plan.ready_path
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not answers(url):
            self.supervisor.check()
            if time.monotonic() > deadline:
                log = self.supervisor.logs / "web.log"
                raise StackError(
                    f"{url} did not answer within {READY_TIMEOUT_SECONDS:.0f} s;"
                    f" {log} ends:\n{log_tail(log)}"
                )
            time.sleep(READY_POLL_SECONDS)

    def _revive(self) -> None:
        if time.monotonic() < self.revive_at:
            return
        self.revive_at = time.monotonic() + REVIVE_SECONDS
        try:
            self.stack.revive()
        except StackError as error:
            say(f"{error}")

    def _introduce(self, seconds: float) -> None:
        say(f"\nReady, {seconds:.1f} s after the stack.\n")
        for name, address in addresses(self.stack, self.supervisor.environment).items():
            say(f"  {name:<16}{address}")
        say("")


def answers(url: str) -> bool:
    """Whether the address is served with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False


def addresses(stack: Stack, environment: Mapping[str, str]) -> dict[str, str]:
    """Where everything is, for a person; no password among it."""
    shown = {
        "site": stack.site_url,
        "API": f"{stack.site_url}/api/v1/docs",
        "mail": stack.mail.address() if stack.mail else "",
        "mail to": environment.get("SMTP_URL", ""),
        "Stripe sandbox": stack.stripe.address() if stack.stripe else "",
        "database": environment.get("DATABASE_URL", ""),
        "cache": environment.get("REDIS_URL", ""),
        "files": environment.get("OBJECT_STORE_URL", ""),
        "logs": str(stack.home / "logs"),
    }
    return {name: without_password(url) for name, url in shown.items() if url}


class StopSignals:
    """Turns the first SIGINT, SIGTERM or SIGHUP into KeyboardInterrupt and ignores the next.

    So the first stops whatever is being waited for, and none disturbs the stopping.
    """

    def __init__(self) -> None:
        self.seen = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle)

    def _handle(self, *_: object) -> None:
        if not self.seen:
            self.seen = True
            raise KeyboardInterrupt


def serve(stack: Stack, plan: Plan, *, verbose: bool = False) -> None:
    """Start the stack, run the plan over it until KeyboardInterrupt, stop everything."""
    say(f"Starting the stack in {stack.home}")
    with stack:
        logs = stack.home / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        supervisor = Supervisor(
            children=plan.children,
            logs=logs,
            environment={**stack.environment(), "PYTHONUNBUFFERED": "1"},
            directory=PROJECT,
            parent=os.getpid(),
            say=say,
            verbose=verbose,
        )
        Application(stack, plan, supervisor).run()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="make run, or python -m marketplace.embedded.run",
        description="Run the whole product on this machine until Ctrl-C: PostgreSQL, Valkey, a "
        "Stripe sandbox, a mail sink, the web server and a worker. Servers that the "
        "environment gives (DATABASE_URL, REDIS_URL, STRIPE_API_BASE or STRIPE_SECRET_KEY, "
        "SMTP_URL) are used instead of started. Started again, it goes on with the same data.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument("--home", type=Path, default=Path(".local"), help="folder of data and logs")
    ports = {
        "port": f"of the site; 0 takes {USUAL_PORT} if it is free, else any",
        "postgres-port": "of PostgreSQL",
        "redis-port": "of Valkey",
        "stripe-port": "of the Stripe sandbox",
        "mail-port": "of the mail sink's pages",
        "smtp-port": "of the mail sink's SMTP",
    }
    for name, what in ports.items():
        made.add_argument(f"--{name}", type=_port, default=0, metavar="N", help=what)
    made.add_argument("--workers", type=_count, default=2, metavar="N", help="web processes")
    made.add_argument("--no-demo", action="store_true", help="do not load the demo")
    made.add_argument("--verbose", action="store_true", help="show every line that is logged")
    return made


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:  # noqa: PLR2004 - the range of ports
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:  # noqa: PLR2004 - the limits are in the message
        raise argparse.ArgumentTypeError("1 to 64")
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    given = parser().parse_args(arguments)
    asked = Ports(
        postgres=given.postgres_port,
        valkey=given.redis_port,
        stripe=given.stripe_port,
        mail=given.mail_port,
        smtp=given.smtp_port,
    )
    StopSignals()
    try:
        with site_port(given.port) as site:
            port: int = site.getsockname()[1]
            plan = usual_plan(port, web_workers=given.workers, demo=not given.no_demo, keeper=site)
            stack = Stack(given.home, asked, site_url=f"http://{LOOPBACK}:{port}")
            serve(stack, plan, verbose=given.verbose)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
