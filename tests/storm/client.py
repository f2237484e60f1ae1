"""One process of the storm: a trainee or a host who does what they please until told to stop.

`python -m tests.storm.client PLAN` reads a plan (JSON) and prints one JSON object: how often what
was answered, and every booking that was acknowledged. An answer that never came is asked for again
with the same key, as a careful client does.
"""

import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.smoke.clients import Api, StoryBroken, pay

DECLINED = "4000000000000002"
GOOD = "4242424242424242"
PATIENCE_SECONDS = 40.0
PAUSE_SECONDS = 0.05


class Client:
    """Random steps over a few trainees and hosts; the seed decides, the others interfere."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.random = random.Random(plan["seed"])
        self.trainees = [self._signed_in(token) for token in plan["trainees"]]
        self.hosts = {site: self._signed_in(token) for site, token in plan["hosts"].items()}
        # The first of its trainees is a student whose school says yes or no to each booking.
        self.student, self.school = self.trainees[0], self._signed_in(plan["school"]["token"])
        self.counts: Counter[str] = Counter()
        self.acknowledged: dict[str, str] = {}
        self.live: list[tuple[Api, str]] = []
        self.unexpected: list[str] = []
        self.tag: str | None = None

    def _signed_in(self, token: str) -> Api:
        api = Api(self.plan["base"])
        api.http.headers["Authorization"] = f"Bearer {token}"
        return api

    def run(self) -> dict[str, Any]:
        deadline = time.monotonic() + self.plan["seconds"]
        steps: list[tuple[Callable[[], None], int]] = [
            (self.hold, 6),
            (self.apply, 4),
            (self.decide, 3),
            (self.ask_school, 4),
            (self.decide_as_school, 3),
            (self.pay, 6),
            (self.withdraw, 2),
            (self.cancel, 2),
            (self.call_off, 1),
            (self.change_seats, 2),
        ]
        moves, weights = zip(*steps, strict=True)
        while time.monotonic() < deadline:
            (step,) = self.random.choices(moves, weights)
            step()
        return {
            "counts": dict(self.counts),
            "acknowledged": self.acknowledged,
            "unexpected": self.unexpected[:20],
        }

    def send(
        self,
        who: Api,
        what: str,
        method: str,
        path: str,
        body: Any = None,
        tag: str | None = None,
    ) -> Any:
        """Ask until there is an answer; the JSON of a success, None of a refusal."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        if tag is not None:
            headers["If-Match"] = tag
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = None
            with suppress(httpx.TransportError):
                answer = who.send(method, path, body, headers=headers)
            if answer is not None and not _again(answer):
                break
            self.counts[f"{what} again"] += 1
            if time.monotonic() > deadline:
                self.unexpected.append(f"{what}: no answer for {PATIENCE_SECONDS:.0f} s")
                return None
            time.sleep(PAUSE_SECONDS)
        self.counts[f"{what} {answer.status_code}"] += 1
        self.tag = answer.headers.get("ETag")
        if answer.is_success:
            return answer.json()
        if answer.status_code not in {404, 409, 412, 422}:
            self.unexpected.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        return None

    def note(self, booking: Any) -> None:
        if booking is not None:
            self.acknowledged[booking["id"]] = booking["state"]

    # What trainees do.

    def hold(self) -> None:
        who = self.random.choice(self.trainees)
        first = date.fromisoformat(self.plan["first_day"])
        weeks = self.random.randint(1, 4)
        wish = {
            "listing_id": self.random.choice(self.plan["listings"]),
            "first_day": (first + timedelta(weeks=self.random.randint(0, 5))).isoformat(),
            "weeks": weeks,
        }
        made = self.send(who, "hold", "POST", "/bookings", wish)
        self.note(made)
        if made:
            self.live.append((who, made["id"]))

    def apply(self) -> None:
        self._step("submit", {"message": "I would like to come."})

    def withdraw(self) -> None:
        self._step("withdraw", {})

    def pay(self) -> None:
        """Ask for the payment, and mostly make it: on the hosted page, sometimes by a bad card."""
        who, booking = self._any()
        if booking is None:
            return
        asked = self.send(who, "ask to pay", "POST", f"/bookings/{booking}/payments", {})
        if asked is None:
            return
        for _ in range(50):
            shown = self.send(who, "look", "GET", f"/payments/{asked['payment_id']}")
            if shown is None or shown["checkout_url"]:
                break
            time.sleep(PAUSE_SECONDS * 4)
        if shown and shown["checkout_url"] and self.random.random() < 0.8:
            self._by_card(shown["checkout_url"])

    def _by_card(self, page: str) -> None:
        card = DECLINED if self.random.random() < 0.1 else GOOD
        try:
            pay(page, card)
            self.counts["paid"] += 1
        except (StoryBroken, httpx.TransportError):
            self.counts["page refused"] += 1

    def cancel(self) -> None:
        who, booking = self._any()
        if booking is None:
            return
        path = f"/bookings/{booking}"
        quote = self.send(who, "quote", "POST", f"{path}/cancellation-quote", {})
        if quote is None:
            return
        wish = {"quote": quote["quote"], "option": quote["option"], "reason": "Plans changed."}
        done = self.send(who, "cancel", "POST", f"{path}/cancel", wish)
        self.note(done and done["booking"])

    def ask_school(self) -> None:
        """Ask for the school's word on a seat of the student's; the newest, while it is held."""
        own = [booking for who, booking in self.live[-40:] if who is self.student]
        if own:
            path = f"/bookings/{own[-1]}/school-request"
            self.send(self.student, "ask school", "POST", path, {"message": "It counts."})

    # What a school does.

    def decide_as_school(self) -> None:
        path = f"/schools/{self.plan['school']['id']}/requests"
        found = self.send(self.school, "requests", "GET", f"{path}?limit=20")
        for entry in (found or {"items": []})["items"]:
            word, body = self.random.choice(
                [("approve", {}), ("approve", {}), ("decline", {"reason": "You are needed."})]
            )
            one = f"{path}/{entry['request']['booking_id']}/{word}"
            self.send(self.school, f"school {word}", "POST", one, body)

    # What hosts do.

    def decide(self) -> None:
        site, who = self.random.choice(list(self.hosts.items()))
        found = self.send(who, "applications", "GET", f"/sites/{site}/applications?limit=20")
        for entry in (found or {"items": []})["items"]:
            word, body = self.random.choice(
                [("approve", {}), ("approve", {}), ("decline", {"reason": "We are full."})]
            )
            self.note(self.send(who, word, "POST", f"/bookings/{entry['booking_id']}/{word}", body))

    def call_off(self) -> None:
        _, booking = self._any()
        if booking is not None:
            who = self.random.choice(list(self.hosts.values()))
            body = {"reason": "The preceptor is ill."}
            path = f"/bookings/{booking}/host-cancellation"
            self.note(self.send(who, "call off", "POST", path, body))

    def change_seats(self) -> None:
        """Lower or raise the seats of a week; below what is sold it is refused."""
        site, who = self.random.choice(list(self.hosts.items()))
        week = date.fromisoformat(self.plan["first_day"]) + timedelta(
            weeks=self.random.randint(0, 8)
        )
        if self.send(who, "calendar", "GET", f"/sites/{site}/calendar") is None:
            return
        wish = {
            "action": "set",
            "seats": self.random.randint(0, 3),
            "weeks": [week.isoformat()],
            "why": "storm",
            "commit": True,
        }
        path = f"/sites/{site}/calendar/edits"
        self.send(who, "seats", "POST", path, wish, tag=self.tag)

    def _any(self) -> tuple[Api, str | None]:
        if not self.live:
            return self.trainees[0], None
        return self.random.choice(self.live[-40:])

    def _step(self, word: str, body: Any) -> None:
        who, booking = self._any()
        if booking is not None:
            self.note(self.send(who, word, "POST", f"/bookings/{booking}/{word}", body))


def _again(answer: httpx.Response) -> bool:
    if answer.status_code in {502, 503}:
        return True
    return answer.status_code == 409 and answer.json().get("code") == "idempotency_in_flight"


if __name__ == "__main__":
    print(json.dumps(Client(json.loads(Path(sys.argv[1]).read_text())).run()))
