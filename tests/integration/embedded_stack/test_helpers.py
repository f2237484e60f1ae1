"""Valkey and the mail sink as real processes."""

import http.client
import json
import os
import signal
import smtplib
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import redis

from marketplace.embedded import valkey as valkey_module
from marketplace.embedded.helpers import EmbeddedMailSink
from marketplace.embedded.processes import StackError, descendants
from marketplace.embedded.valkey import EmbeddedValkey
from tests.integration.embedded_stack.outside import (
    USERS,
    alive,
    eventually,
    family,
    give_to,
    kill_9,
    line_of,
    program,
)

VALKEY = """
import sys, time
from pathlib import Path
from marketplace.embedded.valkey import EmbeddedValkey
with EmbeddedValkey(Path(sys.argv[1])) as server:
    print("url", server.url())
    time.sleep(999)
"""
MAIL = """
import sys, time
from pathlib import Path
from marketplace.embedded.helpers import EmbeddedMailSink
with EmbeddedMailSink(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])) as sink:
    print("ports", sink.port, sink.smtp_port)
    time.sleep(999)
"""


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as response:
        return json.load(response)


def send(port: int, to: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "from@x.org", to, subject
    message.set_content("text")
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.send_message(message)


def test_valkey_serves_those_with_the_password():
    with EmbeddedValkey() as server:
        with redis.Redis.from_url(server.url(63)) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
            assert client.config_get("bind")["bind"] == "127.0.0.1"
        with (
            redis.Redis(port=server.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("key")
        assert server.process is not None
        members = family(server.process.pid)
    assert not server.directory.exists()
    assert not any(map(alive, members))


@pytest.mark.parametrize("user", USERS)
def test_valkey_ends_with_its_parent(place: Path, user: str):
    give_to(user, place)
    for _ in range(2):
        with program(VALKEY, place / "valkey", user=user) as parent:
            with redis.Redis.from_url(line_of(parent, "url")) as client:
                assert client.ping()
            assert kill_9(parent) == []


def test_valkey_killed_is_revived_at_the_same_address():
    with EmbeddedValkey() as server:
        before = server.url()
        assert server.process is not None
        os.kill(descendants(server.process.pid)[0], signal.SIGKILL)
        assert eventually(lambda: not server.running)
        server.revive()
        assert server.url() == before
        with redis.Redis.from_url(before) as client:
            assert client.ping()


def test_another_valkey_must_exist(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VALKEY_BIN", "/nowhere/valkey-server")
    with pytest.raises(StackError, match="VALKEY_BIN"):
        valkey_module.find_binary()


def test_mail_is_kept_through_kill_9(place: Path):
    with program(MAIL, place, 0, 0) as first:
        port, smtp_port = map(int, line_of(first, "ports").split())
        send(smtp_port, "a@y.org", "Confirm your address")
        assert kill_9(first) == []
    with program(MAIL, place, port, smtp_port) as second:
        assert line_of(second, "ports") == f"{port} {smtp_port}"
        found = get(f"http://127.0.0.1:{port}/messages?to=a@y.org&wait=5")["messages"]
        assert [each["subject"] for each in found] == ["Confirm your address"]
        assert kill_9(second) == []


def test_a_client_waits_for_mail(place: Path):
    with EmbeddedMailSink(place) as sink:
        newest = sink.address() + "/messages?to=b@y.org"
        assert get(newest + "&wait=0.1")["messages"] == []
        send(sink.smtp_port, "b@y.org", "one")
        (one,) = get(newest + "&wait=10")["messages"]
        send(sink.smtp_port, "b@y.org", "two")
        (two,) = get(f"{newest}&wait=10&since={one['id']}")["messages"]
        assert two["subject"] == "two"
        assert get(f"{sink.address()}/messages/{two['id']}")["text"].strip() == "text"
        request = urllib.request.Request(sink.address() + "/messages", method="DELETE")
        with urllib.request.urlopen(request, timeout=5) as response:
            assert json.load(response) == {"deleted": 2}


def test_a_page_of_elsewhere_does_not_read_the_mail(place: Path):
    with EmbeddedMailSink(place) as sink:
        connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=5)
        connection.request("GET", "/messages", headers={"Host": "attacker.example"})
        assert connection.getresponse().status == 421
        connection.close()
