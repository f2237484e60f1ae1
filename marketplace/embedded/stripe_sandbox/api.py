"""From a request to an answer: key, faults, route, idempotency, work, rendering.

Knows nothing of HTTP servers, so that it can be tested by calling it.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from marketplace.embedded.stripe_sandbox import idempotency, ids
from marketplace.embedded.stripe_sandbox.clock import SandboxClock
from marketplace.embedded.stripe_sandbox.errors import ApiError, unauthorized
from marketplace.embedded.stripe_sandbox.faults import Faults, RequestFault
from marketplace.embedded.stripe_sandbox.render import Renderer
from marketplace.embedded.stripe_sandbox.resources import (
    accounts,
    catalog,
    charges,
    customers,
    disputes,
    endpoints,
    files,
    intents,
    payment_pages,
    payouts,
    refunds,
    sessions,
    transfers,
)
from marketplace.embedded.stripe_sandbox.routing import Route, Router
from marketplace.embedded.stripe_sandbox.shapes import API_VERSION, PLATFORM, Json
from marketplace.embedded.stripe_sandbox.store import Store, Transaction
from marketplace.embedded.stripe_sandbox.work import Settings, Work

_MODULES = (
    accounts,
    catalog,
    charges,
    customers,
    disputes,
    endpoints,
    files,
    intents,
    payment_pages,
    payouts,
    refunds,
    sessions,
    transfers,
)
_SHORTEST_KEY = len("sk_test_") + 1
ROUTER = Router(route for module in _MODULES for route in module.ROUTES)


class Dropped(Exception):
    """A fault asked for the connection to be closed without an answer."""


@dataclass(frozen=True)
class Call:
    """One request. ``key`` is the secret API key; ``account`` the Stripe-Account header.

    ``version`` is the API version that it names, if it names one.
    """

    method: str
    path: str
    params: Json
    key: str | None
    account: str | None = None
    idempotency_key: str | None = None
    version: str | None = None
    request_id: str = field(default_factory=lambda: ids.new_id("req", 14))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """Answers API calls. ``changed`` is called after every commit, to wake the deliveries."""

    def __init__(
        self,
        store: Store,
        clock: SandboxClock,
        settings: Settings,
        faults: Faults,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._faults = faults
        self._changed = changed
        self._running = idempotency.Running()

    def work(self, tx: Transaction, *, account: str = PLATFORM) -> Work:
        """A unit of work outside any API call, for the pages, the ticker and the faults."""
        return Work(tx, self._clock.seconds(), self._settings, account)

    def handle(self, call: Call) -> Answer:
        """Answer one call; raises ``Dropped`` only where a fault asked for it."""
        try:
            self._authenticate(call)
            fault = self._faults.request(call.method, call.path)
            if fault is not None and fault.kind == "error" and not (fault.stored or fault.work):
                raise _played(fault)
            route, args = ROUTER.match(call.method, call.path)
            if call.method == "POST" and call.idempotency_key:
                return self._keyed(call, route, args, fault)
            answer = self._faulty(call, fault, lambda: self._run(call, route, args, None))
        except ApiError as error:
            answer = _refusal(error, call.request_id)
        return _finished(answer, call)

    def _authenticate(self, call: Call) -> None:
        key = call.key
        if not key:
            raise unauthorized(
                "No API key was given. Send it as a bearer token: 'Authorization: Bearer sk_test_…'"
            )
        if key.startswith(("sk_live_", "rk_live_")):
            raise unauthorized("This is a sandbox: it refuses live keys.", code="livemode_mismatch")
        if not key.startswith(("sk_test_", "rk_test_")) or len(key) < _SHORTEST_KEY:
            raise unauthorized("Invalid API key.", code="api_key_invalid")
        if self._settings.keys and key not in self._settings.keys:
            raise unauthorized("Invalid API key.", code="api_key_invalid")
        if call.account and call.account != PLATFORM:
            with self._store.read() as tx:
                known = tx.get("account", call.account, PLATFORM)
            if known is None:
                raise ApiError(
                    f"The key has no access to account '{call.account}'.",
                    status=403,
                    code="account_invalid",
                    stored=False,
                )

    def _faulty(self, call: Call, fault: RequestFault | None, run: Callable[[], Answer]) -> Answer:
        """Run with the fault played around it."""
        if fault is None:
            return run()
        if fault.kind == "hang" and not fault.work:
            time.sleep(fault.seconds)
        if fault.kind == "drop" and not fault.work:
            raise Dropped
        answer = run()
        if fault.kind == "hang" and fault.work:
            time.sleep(fault.seconds)
        if fault.kind == "drop":
            raise Dropped
        if fault.kind == "error" and not (fault.stored and call.idempotency_key):
            raise _played(fault)
        return answer

    def _keyed(
        self, call: Call, route: Route, args: dict[str, str], fault: RequestFault | None
    ) -> Answer:
        key = str(call.idempotency_key)
        scope = f"{call.account or PLATFORM}/{key}"
        try:
            idempotency.check_key(key)
            with self._running.claim(scope, key):
                wanted = idempotency.fingerprint(call.method, call.path, call.params)
                with self._store.read() as tx:
                    old = idempotency.saved(tx, scope, key, wanted)
                if old is not None:
                    return _replayed(old, call)
                mark = _Mark(scope, wanted, fault)
                answer = self._faulty(call, fault, lambda: self._run(call, route, args, mark))
        except ApiError as error:
            answer = _refusal(error, call.request_id)
        return _finished(answer, call)

    def _run(self, call: Call, route: Route, args: dict[str, str], mark: "_Mark | None") -> Answer:
        params = route.form.parse(call.params)
        expand = params.pop("expand", [])
        if call.method == "GET":
            with self._store.read() as tx:
                return self._perform(call, route, args, params, expand, tx)
        with self._store.write() as tx:
            answer = self._perform_or_refuse(call, route, args, params, expand, tx, mark)
        self._changed()
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def _perform(
        self,
        call: Call,
        route: Route,
        args: dict[str, str],
        params: Json,
        expand: list[str],
        tx: Transaction,
    ) -> Answer:
        work = Work(
            tx,
            self._clock.seconds(),
            self._settings,
            call.account or PLATFORM,
            call.request_id,
            call.idempotency_key,
            named_version=call.version is not None,
        )
        body = route.handler(work, args, params)
        return Answer(200, _encode(Renderer(tx, work.now).answer(body, expand)))

    def _perform_or_refuse(
        self,
        call: Call,
        route: Route,
        args: dict[str, str],
        params: Json,
        expand: list[str],
        tx: Transaction,
        mark: "_Mark | None",
    ) -> Answer | ApiError:
        """Do the work and store the answer under its key, in this one transaction."""
        outcome: Answer | ApiError
        try:
            if mark is not None and mark.refuses:
                raise _played(mark.fault)
            with tx.savepoint():
                outcome = self._perform_keeping_declines(call, route, args, params, expand, tx)
        except ApiError as error:
            outcome = error
        if mark is not None and mark.replaces:
            outcome = _played(mark.fault)
        if mark is not None and not (isinstance(outcome, ApiError) and not outcome.stored):
            shown = outcome
            if isinstance(shown, ApiError):
                shown = _refusal(shown, call.request_id)
            kept = idempotency.Saved(shown.status, shown.body, call.request_id)
            idempotency.keep(tx, mark.scope, mark.wanted, kept, self._clock.seconds())
        return outcome

    def _perform_keeping_declines(
        self,
        call: Call,
        route: Route,
        args: dict[str, str],
        params: Json,
        expand: list[str],
        tx: Transaction,
    ) -> Answer | ApiError:
        try:
            return self._perform(call, route, args, params, expand, tx)
        except ApiError as error:
            if not error.commit:
                raise
            return error


@dataclass(frozen=True)
class _Mark:
    """A request under a key, and the fault to play on it."""

    scope: str
    wanted: str
    fault: RequestFault | None

    @property
    def refuses(self) -> bool:
        """A stored error instead of the work."""
        return self._stored and not (self.fault is not None and self.fault.work)

    @property
    def replaces(self) -> bool:
        """A stored error although the work was done."""
        return self._stored and self.fault is not None and self.fault.work

    @property
    def _stored(self) -> bool:
        return self.fault is not None and self.fault.kind == "error" and self.fault.stored


def _played(fault: RequestFault | None) -> ApiError:
    status = 500 if fault is None else fault.status
    stored = fault is not None and fault.stored
    code = {429: "rate_limit", 409: "lock_timeout"}.get(status)
    kind = "api_error" if code is None else "invalid_request_error"
    error = ApiError("A fault was asked for.", status=status, kind=kind, code=code, stored=stored)
    error.retry_after = None if fault is None else fault.retry_after
    return error


def _encode(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _refusal(error: ApiError, request_id: str) -> Answer:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status in (409, 429):
        headers["Stripe-Should-Retry"] = "true"
    return Answer(error.status, _encode(error.body(request_id)), headers)


def _replayed(old: idempotency.Saved, call: Call) -> Answer:
    headers = {"Idempotent-Replayed": "true", "Original-Request": old.request_id}
    return _finished(Answer(old.status, old.body, headers), call)


def _finished(answer: Answer, call: Call) -> Answer:
    headers = {"Request-Id": call.request_id, "Stripe-Version": API_VERSION}
    if call.idempotency_key and call.method == "POST":
        headers["Idempotency-Key"] = call.idempotency_key
        headers.setdefault("Original-Request", call.request_id)
    if call.account:
        headers["Stripe-Account"] = call.account
    return Answer(answer.status, answer.body, {**headers, **answer.headers})
