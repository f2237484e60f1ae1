"""Where the time of a request goes: statements, CPU, waiting for the database."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from benchmarks import data, ids, shared
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_forked
from benchmarks.search import searches
from benchmarks.stage import WEBHOOK_SECRET, Stage

LISTINGS = 100
ENDS = ("BEGIN", "COMMIT", ";")
# From the issue that deepens bookings; the yardstick makes 10.
MOST_STATEMENTS = 12
AS_FAST = Target("ratio", "at most", 1)
# A whole sheet, as somebody who matched gives it.
ANSWERS = {
    "consent_reporting": True,
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "soap_result": "not_applicable",
    "outside_match": False,
    "lor_earned": True,
}


def run(stage: Stage) -> Iterator[Figure]:
    """Ask one process, one request after another; then again, while the database writes down what."""
    given = shared.of(stage)
    repeats = stage.sizes.repeats
    links = _links(stage, given.conninfo, 2 * repeats)
    stage.say("one request after another")
    found = shared.probe(
        stage,
        given.conninfo,
        measure=[
            _kinds(repeats, given.tokens, links),
            _kinds(repeats, given.tokens[repeats:], links[repeats:]),
        ],
        log=str(stage.postgres.log),
    )
    data.forget_bookings(given.conninfo)
    timed, told = found["measure"]
    for name, spent in timed.items():
        yield Figure(
            f"request.{name}",
            spent["cpu_ms"],
            "CPU ms",
            detail={
                "wall_ms": spent["wall_ms"],
                "database_wait_ms": spent["database_ms"],
                "statements": told[name]["statements"],
                "sent_by_the_orm": told[name]["sent_by_the_orm"],
                "texts": told[name]["texts"],
                "ms_by_library": told[name]["ms_by_library"],
            },
        )
    yield _a_booking(told)
    yield _a_survey(timed)


def _links(stage: Stage, conninfo: str, count: int) -> list[str]:
    """Have so many trainees asked to the survey; the tokens of their links."""
    stage.say("a campaign of the survey")
    environment = stage.environment(conninfo)
    found = run_forked("benchmarks.survey_child", {"count": count}, environment)
    links: list[str] = found["tokens"]
    return links


def _a_survey(timed: dict[str, dict[str, Any]]) -> Figure:
    """A whole survey submitted, against a booking from the wish to the payment's page."""
    booking = timed["hold"]["wall_ms"] + timed["pay"]["wall_ms"]
    return Figure(
        "survey.submit",
        timed["survey"]["wall_ms"],
        "ms",
        "a booking",
        booking,
        AS_FAST,
        {"of_holding_alone": round(timed["survey"]["wall_ms"] / timed["hold"]["wall_ms"], 3)},
    )


def _a_booking(told: dict[str, dict[str, Any]]) -> Figure:
    """Statements from the wish to the payment's page; the ends of transactions are not counted."""
    counted = {
        name: [text for text in told[name]["texts"] if not text.startswith(ENDS)]
        for name in ("hold", "pay")
    }
    return Figure(
        "booking.statements",
        sum(len(texts) for texts in counted.values()),
        "statements",
        target=Target("value", "at most", MOST_STATEMENTS),
        detail={name: len(texts) for name, texts in counted.items()},
    )


def _kinds(repeats: int, tokens: list[str], links: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The requests of each kind, as many as there are repeats; payments follow their hold."""
    found = searches(8)
    start = data.first_day()
    return {
        "health": [{"path": "/healthz"} for _ in range(repeats)],
        "hold": [
            {
                "path": "/api/v1/bookings",
                "method": "POST",
                "headers": _headers(tokens[nth]),
                "body": json.dumps(
                    {
                        "listing_id": str(ids.of(ids.LISTING, data.BOOKABLE + nth % LISTINGS)),
                        "first_day": (start + timedelta(days=28)).isoformat(),
                        "weeks": 4,
                    }
                ),
            }
            for nth in range(repeats)
        ],
        "pay": [
            {
                "path": "/api/v1/bookings/{id}/payments",
                "method": "POST",
                "headers": _headers(tokens[nth]),
                "body": "{}",
            }
            for nth in range(repeats)
        ],
        "search": [
            {"path": "/api/v1/listings", "query": found[nth % 8].partition("?")[2]}
            for nth in range(repeats)
        ],
        "availability": [
            {
                "path": f"/api/v1/listings/{ids.of(ids.LISTING, data.BOOKABLE + nth % LISTINGS)}/availability",
                "query": f"from={start}&weeks={data.WEEKS}",
            }
            for nth in range(repeats)
        ],
        "webhook": [_event() for _ in range(repeats)],
        "survey": [
            {
                "path": f"/api/v1/surveys/{links[nth]}",
                "method": "PUT",
                "body": json.dumps({"version": 0, "answers": ANSWERS, "complete": True}),
            }
            for nth in range(repeats)
        ],
    }


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}


def _event() -> dict[str, Any]:
    stamp = int(time.time())
    body = json.dumps(
        {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "type": "payment_intent.created",
            "api_version": "2026-05-27.dahlia",
            "created": stamp,
            "livemode": False,
            "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
        }
    )
    signed = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.{body}".encode(), hashlib.sha256)
    return {
        "path": "/api/v1/stripe/webhook",
        "method": "POST",
        "headers": {"Stripe-Signature": f"t={stamp},v1={signed.hexdigest()}"},
        "body": body,
    }
