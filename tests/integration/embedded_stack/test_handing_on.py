"""The mail sink hands on what the application answers for, signed as the application expects."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest

from marketplace.adapters.reply_signer import HmacReplySigner
from marketplace.embedded.mail_sink.handing_on import LATER, NOT_THERE, TAKEN, HandingOn

KEY, SECRET = "k" * 40, "s" * 40


def signer(domain="reply.localhost", keys=(KEY,), secret=SECRET):
    return HmacReplySigner(keys, domain, secret)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, TAKEN), (404, NOT_THERE), (413, NOT_THERE), (403, LATER), (500, LATER)],
)
def test_the_sender_is_told_what_the_application_says(status, answer):
    seen = []

    class Application(BaseHTTPRequestHandler):
        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Mail-Signature"], content))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Application)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    onward = HandingOn("reply.localhost", f"http://127.0.0.1:{server.server_port}/x", SECRET)
    assert onward.concerns(["a@b", "r.x@Reply.Localhost"]) == ["r.x@Reply.Localhost"]
    assert onward.hand_on("r.x@reply.localhost", b"From: a\r\n\r\nyes") == answer
    thread.join()
    server.server_close()
    ((path, signature, content),) = seen
    assert path == "/x?to=r.x%40reply.localhost"
    assert signer().handed_on(signature, content, datetime.now(UTC))
    assert not signer().handed_on(signature, content + b"!", datetime.now(UTC))
    assert not signer(secret=None).handed_on(signature, content, datetime.now(UTC))


def test_an_application_that_is_away_is_tried_again():
    onward = HandingOn("reply.localhost", "http://127.0.0.1:1/x", SECRET)
    assert onward.hand_on("r.x@reply.localhost", b"x") == LATER


def test_an_address_survives_what_mail_does_to_it_and_nothing_else():
    reader = UUID(int=7)
    address = signer().address(reader)
    local = address.partition("@")[0]
    assert len(local) <= 64
    assert local == local.lower()
    assert signer().read(address.upper()) == reader
    assert signer(keys=("n" * 40, KEY)).read(address) == reader
    assert signer(keys=("n" * 40,)).read(address) is None
    assert signer(domain="other.localhost").read(address) is None
    assert signer(domain=None).address(reader) is None
    for position in range(2, len(local)):
        other = "a" if local[position] != "a" else "b"
        changed = address[:position] + other + address[position + 1 :]
        assert signer().read(changed) in {None, reader}
    assert signer().read(address[:-30] + address[-17:]) is None
