"""At least once, whoever dies; once where nobody does; and never to the wrong one."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.adapters.webhook_sender import HttpWebhookSender
from marketplace.webhooks.gateway import WebhookSender
from marketplace.webhooks.rules.owners import Owner, Side
from marketplace.webhooks.service import endpoints, sending
from marketplace.webhooks.service.telling import tell


class Receiver(BaseHTTPRequestHandler):
    """Notes each id; answers the first call only once it is let."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        with server.lock:
            server.ids.append(self.headers["webhook-id"])
            first = len(server.ids) == 1
        server.asked.set()
        if first:
            server.let.wait(30)
        try:
            self.send_response(200)
            self.end_headers()
        except OSError:
            # The one who asked was killed.
            return

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.ids, server.lock = [], threading.Lock()
    server.asked, server.let = threading.Event(), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.let.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint(live, live_stage, receiver):
    """An endpoint of a site, at the receiver's address; and how to tell it something."""
    live.parts.add(WebhookSender, HttpWebhookSender(loopback=True))
    place = live_stage.place()
    with live.transaction() as session:
        row, _ = endpoints.create(
            session,
            Owner(Side.SITE, place.site_id),
            url=f"http://127.0.0.1:{receiver.server_address[1]}/",
            types=["payout.paid"],
            description="",
            actor_id=place.owner_id,
            now=live.clock.now(),
        )
        return row


def say(live, row, times=1):
    with live.transaction() as session:
        for _ in range(times):
            data = {"site_id": str(row.owner_id)}
            tell(session, row.owner_id, "payout.paid", data, live.clock.now())


@pytest.mark.fault(38)
def test_a_sender_that_is_killed_leaves_the_message_to_be_sent_again(live, endpoint, receiver):
    say(live, endpoint)
    url = live.url.replace("postgresql+psycopg", "postgresql")
    module = "tests.integration.webhooks.sending_child"
    child = subprocess.Popen([sys.executable, "-m", module, url, str(endpoint.id)])
    try:
        while not receiver.asked.wait(0.1):
            assert child.poll() is None, "the sender came to its end before it was killed"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    with live.transaction() as session:
        assert sending.claim(session, endpoint.id, live.clock.now()) is None, "it is claimed"
    live.clock.advance(timedelta(minutes=3))
    with live.transaction() as session:
        assert sending.ask_all(session, live.clock.now()) == 1
    receiver.let.set()
    live.run_jobs()
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1
    with live.transaction() as session:
        tried = session.execute(
            text("SELECT number, status, error FROM webhook_attempt ORDER BY number")
        ).all()
        assert session.execute(text("SELECT state FROM webhook_delivery")).scalar() == "delivered"
    assert tried == [(1, None, sending.INTERRUPTED), (2, 200, None)]


def test_several_workers_send_each_message_once(live, endpoint, receiver):
    receiver.let.set()
    say(live, endpoint, 20)
    job = Context(live.parts, live.sessions)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(sending.send_due, job, endpoint.id) for _ in range(4)]:
            done.result()
    assert len(receiver.ids) == 20
    assert set(Counter(receiver.ids).values()) == {1}


def test_what_is_rolled_back_is_told_to_nobody(live, endpoint, receiver):
    with pytest.raises(RuntimeError), live.transaction() as session:
        data = {"site_id": str(endpoint.owner_id)}
        tell(session, endpoint.owner_id, "payout.paid", data, live.clock.now())
        session.flush()
        raise RuntimeError
    live.run_jobs()
    assert receiver.ids == []
