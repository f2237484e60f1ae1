"""``/_sandbox/faults``: what is to go wrong, asked for in JSON; see the operators' guide."""

import sqlite3
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from marketplace.embedded.stripe_sandbox.acts import ACTS
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.faults import (
    REQUEST_KINDS,
    WEBHOOK_KINDS,
    request_fault,
    webhook_fault,
)
from marketplace.embedded.stripe_sandbox.render import public
from marketplace.embedded.stripe_sandbox.routes.held import sandbox
from marketplace.embedded.stripe_sandbox.shapes import Json

blueprint = Blueprint("faults", __name__)
_FARTHEST = 100 * 365 * 86_400


def _problem(text: str) -> tuple[Response, int]:
    return jsonify({"error": text}), 400


@blueprint.get("/_sandbox/faults")
def listed() -> Response:
    return jsonify({"faults": sandbox().faults.listed()})


@blueprint.delete("/_sandbox/faults")
def cleared() -> Response:
    sandbox().faults.clear()
    return jsonify({"faults": []})


@blueprint.post("/_sandbox/faults")
def asked() -> Response | tuple[Response, int]:
    """A rule (``request.*``, ``webhook.*``), or an act that happens at once."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
        return _problem("Send a JSON object with a kind.")
    fields = {key: value for key, value in given.items() if key != "kind"}
    kind = given["kind"]
    try:
        return jsonify(_play(kind, fields))
    except ApiError as error:
        return _problem(str(error))
    except (TypeError, ValueError, KeyError, OverflowError, sqlite3.Error) as error:
        return _problem(f"{kind}: {error}")


def _play(kind: str, fields: Json) -> Json:
    group, _, name = kind.partition(".")
    if group == "request" and name in REQUEST_KINDS:
        return {"fault": sandbox().faults.add(request_fault(name, fields))}
    if group == "webhook" and name in WEBHOOK_KINDS:
        return {"fault": sandbox().faults.add(webhook_fault(name, fields))}
    if kind == "webhook.release":
        return {"released": sandbox().deliveries.release()}
    if kind == "clock.advance":
        return _advance(float(fields["seconds"]))
    if kind in ACTS:
        return _act(ACTS[kind], fields)
    rules = [f"request.{k}" for k in REQUEST_KINDS] + [f"webhook.{k}" for k in WEBHOOK_KINDS]
    known = ", ".join([*rules, "webhook.release", "clock.advance", *ACTS])
    raise ValueError(f"unknown kind; known are {known}")


def _act(act: Callable[..., Json], fields: dict[str, Any]) -> Json:
    with sandbox().store.write() as tx:
        work = sandbox().api.work(tx)
        result = act(work, **fields)
        shown = public(result, work.now)
    sandbox().deliveries.wake()
    return shown


def _advance(seconds: float) -> Json:
    """Move the clock, do at once what became due, and keep the offset across restarts."""
    clock = sandbox().clock
    if not abs(clock.offset + seconds) <= _FARTHEST:
        raise ValueError("the clock can be moved by a hundred years at most")
    with sandbox().store.write() as tx:
        clock.offset += seconds
        tx.set_setting("clock_offset", repr(clock.offset))
    sandbox().ticker.run_due()
    sandbox().deliveries.wake()
    return {"now": clock.seconds(), "offset": clock.offset}
