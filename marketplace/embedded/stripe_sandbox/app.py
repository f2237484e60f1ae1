"""The Flask application over one sandbox."""

import logging
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from marketplace.embedded.stripe_sandbox.api import Api
from marketplace.embedded.stripe_sandbox.clock import SandboxClock
from marketplace.embedded.stripe_sandbox.deliveries import Deliveries, Retry
from marketplace.embedded.stripe_sandbox.faults import Faults
from marketplace.embedded.stripe_sandbox.resources import accounts, endpoints
from marketplace.embedded.stripe_sandbox.routes import api as api_routes
from marketplace.embedded.stripe_sandbox.routes import faults as fault_routes
from marketplace.embedded.stripe_sandbox.routes import hosted as hosted_routes
from marketplace.embedded.stripe_sandbox.routes import state as state_routes
from marketplace.embedded.stripe_sandbox.store import Store
from marketplace.embedded.stripe_sandbox.ticker import Ticker
from marketplace.embedded.stripe_sandbox.work import Settings

logging.getLogger(__name__).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Endpoint:
    """A webhook endpoint from the command line; ``connect`` for events of connected accounts."""

    id: str
    url: str
    secret: str
    connect: bool = False


@dataclass(frozen=True)
class Sandbox:
    """Everything that runs, wired together."""

    store: Store
    clock: SandboxClock
    settings: Settings
    faults: Faults
    deliveries: Deliveries
    ticker: Ticker
    api: Api

    def start(self) -> None:
        """Start the background threads: deliveries that were left are taken up again."""
        self.deliveries.start()
        self.ticker.start()

    def stop(self) -> None:
        self.ticker.stop()
        self.deliveries.stop()


def build(
    directory: Path, settings: Settings, retry: Retry, given: tuple[Endpoint, ...] = ()
) -> Sandbox:
    """Open the store in ``directory`` and wire the parts; no thread runs yet."""
    store = Store(directory)
    with store.read() as tx:
        clock = SandboxClock(float(tx.setting("clock_offset", "0")))
    faults = Faults()
    deliveries = Deliveries(store, clock, faults, retry)
    api = Api(store, clock, settings, faults, deliveries.wake)
    with store.write() as tx:
        work = api.work(tx)
        accounts.platform_account(work)
        accounts.pay_in(work)
        for one in given:
            endpoints.ensure(work, one.id, one.url, one.secret, connect=one.connect)
    ticker = Ticker(store, clock, api.work, deliveries.wake)
    return Sandbox(store, clock, settings, faults, deliveries, ticker, api)


def create_app(sandbox: Sandbox) -> Flask:
    """The WSGI application; the sandbox's threads are the caller's business."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.extensions["stripe_sandbox"] = sandbox
    app.config["MAX_CONTENT_LENGTH"] = 8 * 1024 * 1024
    app.config["MAX_FORM_PARTS"] = 10_000
    for module in (api_routes, fault_routes, hosted_routes, state_routes):
        app.register_blueprint(module.blueprint)
    return app
