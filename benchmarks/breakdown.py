"""Where the time of a request goes: statements, CPU, waiting for the database."""

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import data, ids
from benchmarks.figures import Figure
from benchmarks.processes import run_python
from benchmarks.search import searches
from benchmarks.stage import WEBHOOK_SECRET, Stage

LISTINGS = 200
DATABASE = "requests"


def run(stage: Stage) -> Iterator[Figure]:
    """Ask one process, one request after another; the database writes down what it is asked."""
    repeats = stage.sizes.repeats
    with stage.database(DATABASE) as conninfo:
        data.add_listings(conninfo, LISTINGS, seats=60, empty=True, one_audience=True)
        data.add_trainees(conninfo, repeats)
        environment = stage.environment(conninfo)
        tokens = run_python("benchmarks.probe", {"tokens": repeats}, stage.folder, environment)
        kinds = _kinds(repeats, tokens["tokens"])
        # Times first, without the log; then the statements.
        timed = _measured(stage, environment, {"measure": kinds})
        data.forget_bookings(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(
                    sql.Identifier(DATABASE)
                )
            )
        told = _measured(
            stage,
            environment,
            {"measure": _kinds(repeats, tokens["tokens"]), "log": str(stage.postgres.log)},
        )
    for name, found in timed.items():
        yield Figure(
            f"request.{name}",
            found["cpu_ms"],
            "CPU ms",
            detail={
                "wall_ms": found["wall_ms"],
                "database_wait_ms": found["database_ms"],
                "statements": told[name]["statements"],
                "sent_by_the_orm": told[name]["sent_by_the_orm"],
                "texts": told[name]["texts"],
            },
        )


def _measured(
    stage: Stage, environment: dict[str, str], plan: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = run_python(
        "benchmarks.probe", plan, stage.folder, environment
    )["measure"]
    return found


def _kinds(repeats: int, tokens: list[str]) -> dict[str, list[dict[str, Any]]]:
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
                        "listing_id": str(ids.of(ids.LISTING, nth % LISTINGS)),
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
                "path": f"/api/v1/listings/{ids.of(ids.LISTING, nth % LISTINGS)}/availability",
                "query": f"from={start}&weeks={data.WEEKS}",
            }
            for nth in range(repeats)
        ],
        "webhook": [_event() for _ in range(repeats)],
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
