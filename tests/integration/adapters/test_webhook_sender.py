"""The sender stays out of private networks, whatever names, certificates and answers say."""

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marketplace.adapters.secret_vault import AesSecretVault
from marketplace.adapters.webhook_sender import HttpWebhookSender
from marketplace.core.errors import Unavailable
from marketplace.webhooks.gateway import NotReached

NAME = "hooks.example"
BODY = b'{"type":"ping"}'
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Receiver(BaseHTTPRequestHandler):
    """Notes what it is sent, and answers as the path says."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.seen.append((self.path, dict(self.headers), self.rfile.read(length)))
        status = int(self.path.strip("/").partition("?")[0] or 200)
        self.send_response(status)
        self.send_header("Location", "/200")
        self.send_header("Retry-After", "120")
        self.end_headers()
        if status == 200:
            self.wfile.write(b"\xff\x00" + b"a" * 100_000)

    def log_message(self, *args):
        pass


@contextmanager
def receiver(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen = []
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(url, **options):
    given = {"loopback": True, "resolver": lambda host, port: ["127.0.0.1"], **options}
    return HttpWebhookSender(**given).send(url, {"webhook-id": "msg_1"}, BODY)


def test_what_is_sent_and_what_is_read_of_the_answer(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with receiver() as server:
        port = server.server_address[1]
        answer = send(f"http://localhost:{port}/200?key=1")
        path, headers, body = server.seen[0]
        assert (path, body, headers["webhook-id"]) == ("/200?key=1", BODY, "msg_1")
        assert headers["Host"] == f"localhost:{port}"
        assert answer.status == 200
        assert answer.excerpt.startswith("\ufffda")
        assert len(answer.excerpt) < 1100
        assert answer.retry_after.total_seconds() == 120
        # A redirect is an answer, not a way.
        assert send(f"http://localhost:{port}/302").status == 302
        assert len(server.seen) == 2


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"], ["169.254.169.254"], ["100.64.0.1"], ["224.0.0.1"], ["0.0.0.0"],
        ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["fd00::1"], ["fe80::1%eth0"],
        ["8.8.8.8", "192.168.0.1"], ["127.0.0.1"], ["::1"],
    ],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_not_called(addresses, monkeypatch):
    """One bad address among good ones is enough: nobody connects to any."""
    monkeypatch.setattr(socket, "create_connection", _nobody)
    with pytest.raises(NotReached, match=r"hooks\.example leads to .*, which is not called"):
        send(f"https://{NAME}/", loopback=False, resolver=lambda host, port: addresses)


def test_only_this_machine_is_let_in_by_the_setting_for_development(monkeypatch):
    monkeypatch.setattr(socket, "create_connection", _nobody)
    with pytest.raises(NotReached, match="not called: private"):
        send(f"https://{NAME}/", resolver=lambda host, port: ["10.0.0.1"])
    with pytest.raises(NotReached, match="https://"):
        send(f"http://{NAME}/")
    with pytest.raises(NotReached, match="https://"):
        send("http://127.0.0.1/", loopback=False)


def _nobody(*args, **kwargs):
    raise AssertionError("it connected")


def test_the_address_that_was_judged_is_the_one_that_is_called(monkeypatch):
    """A name that leads elsewhere a moment later is not asked again."""
    asked, called = [], []

    def rebinding(host, port):
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address, timeout):
        called.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotReached, match="No answer: Connection refused"):
        send(f"https://{NAME}/", loopback=False, resolver=rebinding)
    assert asked == [NAME]
    assert called == [("8.8.8.8", 443)]


def test_tls_asks_for_the_name_and_not_for_the_address(tmp_path):
    context, trusted = certificates(tmp_path, NAME)
    seen = []
    context.sni_callback = lambda line, name, _: seen.append(name)
    with receiver(context) as server:
        url = f"https://{NAME}:{server.server_address[1]}/204"
        tls = lambda: ssl.create_default_context(cafile=trusted)
        assert send(url, tls=tls).status == 204
        assert server.seen[0][1]["Host"] == f"{NAME}:{server.server_address[1]}"
        assert seen == [NAME]
        with pytest.raises(NotReached, match="TLS"):
            send(url)
        with pytest.raises(NotReached, match="TLS"):
            send(url.replace(NAME, "other.example"), tls=tls)
        assert len(server.seen) == 1


def certificates(folder, name):
    """A server's context for `name`, and the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    names = [x509.DNSName(name), x509.IPAddress(ip_address("10.9.9.9"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both, alone = folder / "both.pem", folder / "alone.pem"
    both.write_bytes(private + pem)
    alone.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, alone


@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_who_does_not_answer_is_not_waited_for(drip):
    """Neither for silence nor for one byte now and then: there is one end for all of it."""
    silent = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def trickle():
        line, _ = silent.accept()
        with line:
            with suppress(OSError):
                line.sendall(drip)
            while not over.wait(0.05):
                try:
                    line.sendall(b"a" if drip else b"")
                except OSError:
                    return

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NotReached, match=r"No answer within 0\.3 seconds"):
            send(url, whole_seconds=0.3)
    finally:
        over.set()
        # On a machine so busy that nobody connected in time, somebody still waits for that.
        with suppress(OSError):
            socket.create_connection(silent.getsockname()).close()
        thread.join()
        silent.close()


def test_what_cannot_be_reached_is_said_in_words():
    with pytest.raises(NotReached, match="has no address"):
        send(f"https://{NAME}/", resolver=lambda host, port: fail(socket.gaierror(-2, "unknown")))
    closed = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    closed.close()
    with pytest.raises(NotReached, match="refused"):
        send(url)


def fail(error):
    raise error


def test_a_sealed_secret_opens_under_its_own_label_only():
    vault = AesSecretVault(KEY)
    sealed = vault.seal("one", b"secret")
    assert b"secret" not in sealed
    assert vault.open("one", sealed) == b"secret"
    with pytest.raises(Unavailable):
        vault.open("two", sealed)
