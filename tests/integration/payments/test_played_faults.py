"""Rows of the fault table played for real: a cable that is cut, a bank that changes its mind, races.

Everything between a payer's click and the books is true but the bank: the official SDK, signed
webhooks over HTTP, a PostgreSQL behind a cable, the sandbox's own process.
"""

import re
import select
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from marketplace.adapters.stripe_cards import StripeCards
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.app import build_parts, create_app
from marketplace.core.clock import Clock
from marketplace.core.ids import new_id
from marketplace.payments import tasks
from marketplace.payments.errors import RefundExceedsPayment
from marketplace.payments.events import Payable
from marketplace.payments.gateway import CardGateway, GatewayUncertain, PaymentGateway
from marketplace.payments.tasks import cards as card_jobs
from tests import settings as test_settings
from tests.integration.payments.carding import BALANCE
from tests.integration.payments.conftest import WHOLE, Till, _silence, usd
from tests.integration.payments.test_cards import ask_by_card, live_counter  # noqa: F401 - a fixture
from tests.integration.payments.test_payout_races import together
from tests.integration.payments.test_through_stripe import (  # noqa: F401 - fixtures
    GOOD,
    Street,
    agrees,
    gateway,
    street,
)
from tests.integration.stripe_sandbox.running import KEY, SECRET, card, eventually, visit

QUICK = ("--retry-first", "0.05", "--retry-longest", "0.2", "--settle-after", "3600")
FROM_BANK = "000123456789"
OPEN = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
)


class Cable:
    """A TCP proxy: `cut` ends every connection and takes no new one; `lose` swallows an answer.

    `sent` is what went to the far end.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to, self._whole = (host, port), True
        self._lost: bytes | None = None
        self.sent = b""
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole = False
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._whole = True

    def lose(self, request: bytes) -> None:
        """Carry the next `request`, and cut the connection when its answer comes."""
        self._lost = request

    def close(self) -> None:
        self.cut()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(self._to)
                self._pairs.append((near, far))
                threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, suppress(OSError):
            asked = b""
            while True:
                for end in select.select([near, far], [], [])[0]:
                    piece = end.recv(65_536)
                    if not piece:
                        return
                    if end is near:
                        asked += piece
                        self.sent += piece
                    elif self._lost is not None and self._lost in asked:
                        self._lost = None
                        return
                    (far if end is near else near).sendall(piece)


def true_gateway(sandbox):
    return StripeGateway(KEY, webhook_secrets=(SECRET,), api_base=sandbox.url, waits=())


@pytest.fixture
def cabled(live):
    """The application served over HTTP, with its database at the end of a cable."""
    at = urlsplit(live.url)
    cable = Cable(at.hostname, at.port)
    url = live.url.replace(f":{at.port}/", f":{cable.port}/")
    settings = test_settings.make(DATABASE_URL=url)
    parts = build_parts(settings)
    parts.add(Clock, live.clock)
    app = create_app(settings, parts)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    yield cable, parts, f"http://127.0.0.1:{server.server_port}/api/v1/stripe/webhook"
    server.shutdown()
    serving.join()
    server.server_close()
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()
    cable.close()


@pytest.mark.fault(17)
def test_with_the_cable_to_the_database_cut_stripe_sends_the_event_again(live, cabled, start):
    cable, parts, hook = cabled
    sandbox = start("--webhook-url", hook, "--webhook-secret", SECRET, *QUICK)
    for each in (parts, live.parts):
        each.add(PaymentGateway, true_gateway(sandbox))
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    payment_id, _ = till.opened()
    cable.cut()
    assert visit(till.payment(payment_id).checkout_url, **card(GOOD))[0] == 303

    def told(state):
        found = sandbox.json("GET", "/_sandbox/webhooks")["deliveries"]
        return [one for one in found if one["type"] == "checkout.session.completed" and state(one)]

    eventually(lambda: told(lambda one: one["attempts"] > 1 and (one["status"] or 500) >= 500), 60)
    assert till.one("SELECT count(*) FROM webhook_event") == 0
    cable.mend()
    eventually(lambda: told(lambda one: one["status"] == 200), 60)
    live.run_jobs()
    assert till.payment(payment_id).state == "settled"
    assert till.names() == ["PaymentSettled"]
    assert agrees(till, sandbox)
    _silence(till)


@pytest.mark.fault(7)
def test_the_answer_to_a_charge_is_lost_on_the_way_and_it_is_charged_once_under_one_key(
    live_counter,  # noqa: F811
):
    """Row 7 in its words: Stripe has charged, a proxy between us loses its answer, no webhook comes.

    The next try asks first whether Stripe has it, and else sends the same key: none but that one is sent.
    """
    counter, trainee_id, booking_id = live_counter
    payment_id = ask_by_card(counter, trainee_id, booking_id)
    at = urlsplit(counter.sandbox.url)
    cable = Cable(at.hostname, at.port)
    near = f"http://127.0.0.1:{cable.port}"
    counter.job.parts.add(CardGateway, StripeCards(KEY, api_base=near, waits=()))
    cable.lose(b"POST /v1/payment_intents ")
    with pytest.raises(GatewayUncertain):
        card_jobs.charge_card(counter.job, str(payment_id))
    assert counter.succeeded() == [BALANCE]
    assert counter.payment(payment_id).state == "requested"
    card_jobs.charge_card(counter.job, str(payment_id))
    cable.close()
    assert counter.payment(payment_id).state == "settled"
    assert counter.succeeded() == [BALANCE]
    keys = re.findall(rb"(?i)idempotency-key: (charge:\S+)", cable.sent)
    assert set(keys) == {f"charge:{payment_id}".encode()}


@pytest.mark.fault(8)
def test_while_stripe_hangs_for_80_s_nothing_is_open_or_locked_and_the_api_answers(live, start):
    """Row 8 in its words: Stripe hangs for 80 s. Our own patience is scaled, nothing else.

    The setting `timeouts` is 3 s here in place of 20, both far below 80: the caller gives up by the
    same path. The rest of the 80 s, in which Stripe says that the key is in use, is ended by a restart.
    """
    sandbox = start("--available-after", "0")
    patience = {"timeouts": (1.0, 3.0), "waits": ()}
    live.parts.add(PaymentGateway, StripeGateway(KEY, api_base=sandbox.url, **patience))
    till, client = Till(live.sessions, live.parts, live.clock), live.app.test_client()
    payment_id = till.request()
    assert client.get("/api/v1/listings").status_code == 200
    sandbox.fault("request.hang", seconds=80, path="/v1/checkout/sessions", method="POST")
    failures: list[BaseException] = []

    def call():
        try:
            tasks.open_checkout(till.context, str(payment_id))
        except GatewayUncertain as error:
            failures.append(error)

    calling = threading.Thread(target=call)
    calling.start()
    eventually(lambda: not sandbox.json("GET", "/_sandbox/faults")["faults"])
    looks = 0
    while calling.is_alive():
        assert till.one(OPEN) == 0
        # Refused at once if anybody had a lock on it.
        assert till.one("SELECT id FROM payment FOR UPDATE NOWAIT") == payment_id
        assert client.get("/api/v1/listings").status_code == 200
        looks += calling.is_alive()
        calling.join(0.1)
    assert looks
    call()
    assert len(failures) == 2
    sandbox.kill()
    sandbox.restart()
    call()
    assert (len(failures), till.payment(payment_id).state) == (2, "open")
    assert len(sandbox.client().v1.checkout.sessions.list().data) == 1


@pytest.mark.fault(23)
def test_two_tabs_that_both_pay_are_one_payment_and_one_refund(till, street, run_jobs):  # noqa: F811
    thing = Payable("thing", new_id())
    first, _ = till.opened(thing)
    till.cancel(first)
    second, _ = till.opened(thing)
    for payment_id in (first, second):
        url = street.sandbox.client().v1.checkout.sessions.retrieve(
            till.payment(payment_id).processor_session
        )
        assert visit(url.url, **card(GOOD))[0] == 303
    street.wait_for("checkout.session.completed", 2)
    street.deliver()
    run_jobs()
    rows = [till.payment(one) for one in (first, second)]
    assert {one.state for one in rows} == {"settled"}
    assert sorted(one.surplus for one in rows) == [False, True]
    assert sorted(one.refunded_minor for one in rows) == [0, WHOLE.minor]
    assert till.names().count("PaymentSettled") == 1
    assert agrees(till, street.sandbox)


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    ("outcome", "state", "told"),
    [("insufficient_funds", "failed", "PaymentFailed"), ("succeeded", "settled", "PaymentSettled")],
)
def test_a_bank_debit_is_nothing_until_it_has_succeeded(
    parts, till, start, receiver, client, run_jobs, outcome, state, told
):
    ours = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    sandbox = start(*ours, *QUICK, "--bank-debits", "--available-after", "0")
    parts.add(PaymentGateway, true_gateway(sandbox))
    walk = Street(sandbox, receiver, client)
    payment_id, _ = till.opened()
    assert walk.pay(till, payment_id, FROM_BANK)[0] == 303
    walk.wait_for("checkout.session.completed")
    walk.wait_for("payment_intent.processing")
    walk.deliver()
    run_jobs()
    assert (till.payment(payment_id).state, till.names(), till.books()) == ("open", [], {})
    intent = till.payment(payment_id).processor_intent
    sandbox.fault("intent.settle", payment_intent=intent, outcome=outcome)
    ending = "succeeded" if state == "settled" else "failed"
    walk.wait_for(f"checkout.session.async_payment_{ending}")
    walk.deliver()
    run_jobs()
    assert (till.payment(payment_id).state, till.names()) == (state, [told])
    assert agrees(till, sandbox)


@pytest.mark.fault(26)
def test_partial_refunds_at_once_through_stripe_never_exceed_the_charge(live, start, receiver):
    ours = ("--webhook-url", receiver.url, "--webhook-secret", SECRET)
    sandbox = start(*ours, *QUICK, "--available-after", "0")
    live.parts.add(PaymentGateway, true_gateway(sandbox))
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    payment_id, _ = till.opened()
    assert visit(till.payment(payment_id).checkout_url, **card(GOOD))[0] == 303
    tasks.look_at_checkout(till.context, str(payment_id))
    granted = []

    def ask():
        with suppress(RefundExceedsPayment):
            granted.append(till.refund(payment_id, usd(15_000)))

    assert together(*[ask] * 6) == []
    assert len(granted) == 2

    def send(refund_id):
        return lambda: tasks.send_refund(till.context, str(refund_id))

    failures = together(*[send(one) for one in granted for _ in range(3)])
    assert [one for one in failures if not isinstance(one, GatewayUncertain)] == []
    for one in granted:
        tasks.send_refund(till.context, str(one))
        assert till.refund_row(one).state == "settled"
    made = sandbox.client().v1.refunds.list().data
    assert sorted(one.amount for one in made) == [15_000, 15_000]
    assert till.payment(payment_id).refundable == usd(8_080)
    assert agrees(till, sandbox)
    _silence(till)
