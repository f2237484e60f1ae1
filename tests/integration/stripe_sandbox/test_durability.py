"""What was acknowledged survives kill -9; nothing is done twice; no process is left behind."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import stripe

from marketplace.embedded.stripe_sandbox.app import build
from marketplace.embedded.stripe_sandbox.deliveries import Retry
from marketplace.embedded.stripe_sandbox.work import Settings
from tests.integration.stripe_sandbox.running import (
    SECRET,
    check_balance,
    eventually,
    new_payment,
    new_session,
)


def test_what_the_platform_pays_in_itself_is_there_once(tmp_path):
    for _ in range(2):
        made = build(tmp_path, Settings(opening_balance=700), Retry())
        with made.store.read() as tx:
            assert made.api.work(tx).balance("usd", available_only=True) == 700
        made.store.close()


def test_everything_acknowledged_survives_kill_9(sandbox, client):
    """Payments are made from three threads when the process is killed, and asked for again."""
    known: dict[str, str] = {}
    stop = threading.Event()

    def pay(name):
        number = 0
        while not stop.is_set():
            key = f"{name}-{number}"
            try:
                made = new_payment_under(sandbox.client(), key)
            except stripe.APIConnectionError:
                return
            known[key] = made.id
            number += 1

    threads = [threading.Thread(target=pay, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(known) > 20)
    sandbox.kill()
    stop.set()
    for thread in threads:
        thread.join()
    sandbox.restart()

    stored = {
        intent.id for intent in client.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
    }
    assert set(known.values()) <= stored
    assert len(stored) <= len(known) + len(threads)
    for key, made in known.items():
        assert new_payment_under(client, key).id == made
    # A lost answer is had again by its key: no payment is doubled.
    for name in range(3):
        tried = sum(key.startswith(f"{name}-") for key in known)
        new_payment_under(client, f"{name}-{tried}")
    after = list(client.v1.charges.list({"limit": 100}).auto_paging_iter())
    assert len(after) == len(known) + len(threads)
    assert check_balance(client) == {"usd": len(after) * 9_680}


def new_payment_under(client, key):
    return client.v1.payment_intents.create(
        {
            "amount": 10_000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        },
        {"idempotency_key": key},
    )


def test_deliveries_go_on_after_a_restart(start, receiver):
    options = ("--webhook-url", receiver.url, "--webhook-secret", SECRET, "--retry-first", "0.2")
    process = start(*options)
    receiver.answers[:] = [500] * 100
    process.client().v1.customers.create({"email": "a@example.org"})
    eventually(lambda: receiver.got)
    process.kill()
    receiver.answers.clear()
    before = len(receiver.got)
    process.restart()
    eventually(lambda: len(receiver.got) > before)
    assert {body["id"] for body in receiver.bodies} == {receiver.bodies[0]["id"]}


def test_the_clock_and_open_sessions_survive(start):
    process = start()
    client = process.client()
    session = new_session(client)
    process.fault("clock.advance", seconds=86_000)
    process.kill()
    process.restart()
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert process.json("GET", "/_sandbox/health")["now"] > time.time() + 85_000
    process.fault("clock.advance", seconds=500)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_two_processes_can_not_share_a_store(sandbox):
    command = [sys.executable, "-m", "marketplace.embedded.stripe_sandbox"]
    second = subprocess.run(
        [*command, "--data", str(sandbox.directory)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "another sandbox holds" in second.stderr


def test_a_taken_port_is_said(sandbox, tmp_path):
    command = [sys.executable, "-m", "marketplace.embedded.stripe_sandbox", "--data", str(tmp_path)]
    port = sandbox.url.rpartition(":")[2]
    second = subprocess.run(
        [*command, "--port", port], capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert f"port {port} can't be used" in second.stderr


def test_it_goes_when_its_parent_is_killed(tmp_path):
    script = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'marketplace.embedded.stripe_sandbox',"
        " '--data', sys.argv[1], '--parent-pid', str(os.getpid())])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent.stdout:
        child = int(parent.stdout.readline())
        assert parent.stdout.readline().startswith("listening on ")
        parent.kill()
        parent.wait(10)
        eventually(lambda: _gone(child), 10)


def _gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_it_ends_in_order(start):
    process = start()
    process.process.send_signal(signal.SIGTERM)
    assert process.stop() == 0


def test_help_and_bad_options(tmp_path):
    command = [sys.executable, "-m", "marketplace.embedded.stripe_sandbox"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "--webhook-secret" in shown.stdout
    bad = subprocess.run(
        [*command, "--data", str(tmp_path), "--webhook-url", "http://127.0.0.1:1/"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode == 2
    public = subprocess.run(
        [*command, "--data", str(tmp_path), "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "loopback" in public.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_payment_made_and_one_declined_are_both_there(sandbox, client):
    with pytest.raises(stripe.CardError) as declined:
        new_payment(client, payment_method="pm_card_visa_chargeDeclined")
    sandbox.kill()
    sandbox.restart()
    intent = client.v1.payment_intents.retrieve(declined.value.error.payment_intent.id)
    assert intent.last_payment_error.decline_code == "generic_decline"
