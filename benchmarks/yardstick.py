"""The thinnest honest Flask + psycopg application over the product's tables.

No ORM, no validation, no access check, no idempotency keys, no limits, no logs: a route is its
statements in one transaction, and an answer. Served by granian exactly as the product is. It
answers at the product's paths, so that the load generator asks both the same.
"""

import json
import os
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, wraps
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from psycopg_pool import ConnectionPool

from benchmarks import statements
from marketplace.catalog.rules.policies import SELECTABLE, TERMS
from marketplace.core.ids import new_id

app = Flask("yardstick", static_folder=None)
pool = ConnectionPool(
    os.environ["DATABASE_URL"],
    min_size=8,
    max_size=16,  # the product's pool with its overflow
    open=True,
    kwargs={"options": "-c timezone=UTC"},
)
PRICE = json.dumps(statements.PRICE)
POLICY = json.dumps({"own": TERMS[SELECTABLE[0]], "always": []})
View = Callable[..., ResponseReturnValue]


def transaction(view: View) -> View:
    """Give a view a connection whose transaction commits when the view returns."""

    @wraps(view)
    def within(**arguments: Any) -> ResponseReturnValue:
        with pool.connection() as connection:
            return view(connection, **arguments)

    return within


@cache
def pages() -> list[list[str]]:
    """What the product runs for each search of the benchmark, as text with its values in place."""
    found: list[list[str]] = json.loads(Path(os.environ["BENCH_SEARCHES"]).read_text())
    return found


@app.get("/healthz")
def alive() -> ResponseReturnValue:
    return jsonify(status="ok")


@app.post("/api/v1/bookings")
@transaction
def hold(connection: psycopg.Connection) -> ResponseReturnValue:
    wish = request.get_json()
    booking = new_id()
    values = {
        "booking": booking,
        "trainee": request.headers["X-Trainee"],
        "listing": wish["listing_id"],
        "first_day": wish["first_day"],
        "price": PRICE,
        "policy": POLICY,
    }
    for statement in statements.HOLD:
        taken = connection.execute(statement, values).rowcount
    if taken != wish["weeks"]:
        connection.rollback()
        return jsonify(code="seat_taken"), 409
    row = connection.execute(statements.LISTING, values).fetchone()
    assert row is not None
    return (
        jsonify(
            id=str(booking),
            state="held",
            listing_title=row[1],
            site_name=row[3],
            first_day=wish["first_day"],
            price=statements.PRICE,
        ),
        201,
    )


@app.post("/api/v1/bookings/<uuid:booking_id>/payments")
@transaction
def pay(connection: psycopg.Connection, booking_id: uuid.UUID) -> ResponseReturnValue:
    request.get_data()  # what is left unread costs the client its connection
    payment = new_id()
    values = {
        "booking": booking_id,
        "payment": payment,
        "trainee": request.headers["X-Trainee"],
        "queue": "default",
        "task": "payments.open_checkout",
        "arguments": json.dumps({"payment_id": str(payment)}),
    }
    for statement in statements.PAY:
        connection.execute(statement, values)
    return jsonify(payment_id=str(payment), state="awaiting_payment"), 201


@app.get("/api/v1/listings/<uuid:listing_id>/availability")
@transaction
def availability(connection: psycopg.Connection, listing_id: uuid.UUID) -> ResponseReturnValue:
    first = date.fromisoformat(request.args["from"])
    last = first + timedelta(days=7 * (int(request.args["weeks"]) - 1))
    found = connection.execute(
        statements.YEAR, {"listing": listing_id, "first": first, "last": last}
    )
    weeks = [
        {"week": week, "capacity": capacity, "free": free, "closed": False}
        for week, capacity, free in found
    ]
    return jsonify(listing_id=str(listing_id), weeks=weeks)


@app.get("/api/v1/listings")
@transaction
def search(connection: psycopg.Connection) -> ResponseReturnValue:
    """Answer the benchmark's nth search; its statements are those of the product."""
    cursor = psycopg.ClientCursor(connection)
    answers = []
    for statement in pages()[int(request.args["nth"])]:
        cursor.execute(statement)
        names = [column.name for column in cursor.description or ()]
        answers.append([dict(zip(names, row, strict=True)) for row in cursor])
    page = next(rows for rows in answers if rows and "facets" in rows[0])
    body = {"items": page, "facets": page[0]["facets"], "next_cursor": None}
    return app.response_class(json.dumps(body, default=str), mimetype="application/json")


@app.post("/api/v1/stripe/webhook")
@transaction
def webhook(connection: psycopg.Connection) -> ResponseReturnValue:
    text = request.get_data(as_text=True)
    event = json.loads(text)
    values = {
        "event": event["id"],
        "kind": event["type"],
        "api_version": event["api_version"],
        "payload": text,
    }
    connection.execute(statements.EVENT, values)
    return jsonify(received=True)
