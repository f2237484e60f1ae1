"""What a client has: HTTP with a token, a terminal, a mailbox, a browser's form on a payment page."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 45.0


class StoryBroken(AssertionError):
    """Something did not go as the story says."""


def hold(condition: object, what: str, seen: object = "") -> None:
    """Go on only if `condition` holds."""
    if not condition:
        raise StoryBroken(f"{what}: {seen}" if seen != "" else what)


def until(what: str, ask: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask until the answer is truthy; the story waits for jobs as any client would."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        hold(time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


class Api:
    """The API as one account sees it; every answer's status is checked."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base + "/api/v1", timeout=30)

    def sign_in(self, email: str, password: str) -> "Api":
        answer = self("POST", "/auth/login", {"email": email, "password": password})
        self.http.headers["Authorization"] = f"Bearer {answer['token']}"
        return self

    def __call__(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, **more: Any
    ) -> Any:
        """Return the answer's JSON; a status other than `expect` (default: any 2xx) ends the story."""
        response = self.send(method, path, body, **more)
        good = response.is_success if expect is None else response.status_code == expect
        hold(good, f"{method} {path} answered {response.status_code}", response.text[:600])
        return response.json() if response.content else None

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        if isinstance(body, bytes):
            more["content"] = body
        elif body is not None:
            more["json"] = body
        return self.http.request(method, path, headers=headers, **more)

    def update(self, method: str, path: str, body: Any) -> Any:
        """Read the version, then change it: what `If-Match` asks for."""
        tag = self.send("GET", path).headers.get("ETag")
        return self(method, path, body, headers={"If-Match": tag} if tag else {})


class Terminal:
    """`flask` commands, in an environment that names the stack."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**os.environ, **environment}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: "subprocess.Popen[str]") -> str:
        out, err = process.communicate(timeout=180)
        what = f"{process.args[3:]} ended with {process.returncode}"
        hold(process.returncode == 0, what, out[-2000:] + err)
        return out

    def __call__(self, *arguments: str) -> str:
        return self.end(self.start(*arguments))

    def together(self, *commands: tuple[str, ...]) -> list[str]:
        """Run commands at the same time; their outputs in order. All are over, also if one fails."""
        with ExitStack() as stack:
            started = [stack.enter_context(self.start(*each)) for each in commands]
            return [self.end(process) for process in started]


class Mailbox:
    """The mail sink's JSON view."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=30)

    def wait(self, to: str, containing: str) -> dict[str, Any]:
        """Return the newest message to `to` whose subject or text has `containing`."""

        def look() -> Any:
            listed = self.http.get("/messages", params={"to": to}).json()
            for entry in listed.get("messages", listed.get("items", [])):
                message = self.http.get(f"/messages/{entry['id']}").json()
                if containing in json.dumps(message, ensure_ascii=False):
                    return message
            return None

        return until(f"a mail to {to} with {containing!r}", look)

    def attachment(self, message: dict[str, Any], number: int = 0) -> bytes:
        path = message["attachments"][number]["path"]
        return self.http.get(path).content


def link_in(message: dict[str, Any], pattern: str) -> str:
    """Return the first match of `pattern` (one group) in a message's text."""
    found = re.search(pattern, message["text"])
    hold(found, f"no link like {pattern} in the mail", message["text"])
    return found[1] if found else ""


def pay(page: str, card: str = "4242424242424242") -> str:
    """Fill in the hosted payment page as a browser would; return where it sends one back to."""
    with httpx.Client(timeout=30) as browser:
        shown = browser.get(page)
        hold(shown.status_code == 200, "the payment page opens", shown.status_code)
        form = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', shown.text))
        action = re.search(r'<form[^>]*action="([^"]+)"', shown.text)
        form |= {
            "number": card,
            "expiry": "12 / 34",
            "cvc": "123",
            "name": "Ana Souza",
            "email": form.get("email") or "ana@example.org",
        }
        target = httpx.URL(page).join(unescape(action[1]) if action else "")
        answer = browser.post(target, data=form)
        hold(answer.status_code in {302, 303}, "the card is accepted", answer.text[:400])
        return answer.headers["Location"]
