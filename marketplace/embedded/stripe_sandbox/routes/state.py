"""``/_sandbox/``: what the sandbox holds, read-only, for people and for tests."""

from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request

from marketplace.embedded.stripe_sandbox import markup
from marketplace.embedded.stripe_sandbox.money import written
from marketplace.embedded.stripe_sandbox.routes.held import sandbox
from marketplace.embedded.stripe_sandbox.shapes import API_VERSION, Json

blueprint = Blueprint("state", __name__)


@blueprint.get("/_sandbox/")
def overview() -> Response:
    kind = request.args.get("kind")
    with sandbox().store.read() as tx:
        counts = tx.sql.execute(
            "SELECT kind, count(*) FROM object GROUP BY kind ORDER BY kind"
        ).fetchall()
        balances = tx.sql.execute(
            "SELECT account, currency, sum(net) FROM balance_entry GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        kinds = [kind] if kind else [name for name, _ in counts if name != "event"]
        found = [body for one in kinds for body in tx.select(one, None, limit=100)]
    found.sort(key=lambda body: -int(body["created"]))
    shown = markup.page(
        "state",
        title="What the sandbox holds",
        width="64rem",
        version=API_VERSION,
        offset=_clock_words(sandbox().clock.offset),
        counts=counts,
        balances=balances,
        rows=[_row(body) for body in found[:100]],
    )
    return Response(shown, mimetype="text/html")


def _clock_words(offset: float) -> str:
    return f"The clock is moved by {offset:+.0f} s. " if offset else ""


def _row(body: Json) -> Json:
    amount = body.get("amount", body.get("amount_total"))
    state = body.get("status") or body.get("type") or ""
    return {
        "at": datetime.fromtimestamp(body["created"], UTC).isoformat(sep=" ")[:19],
        "kind": body["object"],
        "id": body["id"],
        "state": state,
        "amount": "" if amount is None else written(amount, body.get("currency") or "usd"),
    }


@blueprint.get("/_sandbox/objects/<object_id>")
def one_object(object_id: str) -> Response:
    with sandbox().store.read() as tx:
        body = tx.find(object_id)
    if body is None:
        return Response(status=404)
    # Secrets and card numbers stay in; this is a sandbox that holds only test data.
    return jsonify(body)


@blueprint.get("/_sandbox/webhooks")
def deliveries() -> Response:
    with sandbox().store.read() as tx:
        rows = tx.sql.execute(
            "SELECT delivery.id, event, json_extract(body, '$.type'), endpoint, state, attempts,"
            " delivery.due, last_status, last_error FROM delivery"
            " LEFT JOIN object ON object.id = delivery.event ORDER BY delivery.id DESC LIMIT 500"
        ).fetchall()
        waiting = tx.sql.execute(
            "SELECT count(*) FROM delivery WHERE state IN ('pending', 'held')"
        ).fetchone()[0]
    names = ("id", "event", "type", "endpoint", "state", "attempts", "due", "status", "error")
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    return jsonify({"waiting": waiting, "deliveries": listed})


@blueprint.get("/_sandbox/health")
def health() -> Response:
    with sandbox().store.read() as tx:
        tx.sql.execute("SELECT 1").fetchone()
    return jsonify({"status": "ok", "now": sandbox().clock.seconds(), "api_version": API_VERSION})
