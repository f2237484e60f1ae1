"""Webhook endpoints: where events are delivered, and with which secrets they are signed."""

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.forms import (
    Bool,
    Choice,
    Form,
    ListOf,
    Metadata,
    Text,
    Url,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import API_VERSION, PLATFORM, Json
from marketplace.embedded.stripe_sandbox.work import Work


def ensure(work: Work, object_id: str, url: str, secret: str, *, connect: bool) -> None:
    """The endpoint given on the command line: made or brought up to date at each start."""
    old = work.tx.get("webhook_endpoint", object_id, PLATFORM)
    body = old or _build(work, {"url": url, "enabled_events": ["*"], "connect": connect})
    body.update(
        id=object_id, url=url, status="enabled", _secrets=[{"value": secret, "until": None}]
    )
    work.save(body)


def _build(work: Work, params: Json) -> Json:
    endpoint = work.new("webhook_endpoint", "we", {})
    endpoint.update(
        api_version=params.get("api_version"),
        application=None,
        description=params.get("description"),
        enabled_events=params["enabled_events"],
        metadata=merge_metadata({}, params.get("metadata") or {}),
        status="enabled",
        url=params["url"],
        _connect=bool(params.get("connect")),
        _secrets=[{"value": f"whsec_{ids.token(32)}", "until": None}],
    )
    return endpoint


def create(work: Work, _args: Args, params: Json) -> Json:
    """The only answer that shows the secret."""
    endpoint = work.save(_build(work, params))
    return {**endpoint, "secret": endpoint["_secrets"][0]["value"]}


def update(work: Work, args: Args, params: Json) -> Json:
    endpoint = work.load("webhook_endpoint", args["id"], in_url=True)
    for name in ("url", "enabled_events", "description"):
        if params.get(name):
            endpoint[name] = params[name]
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"])
    if params.get("disabled") is not None:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    return work.save(endpoint)


def delete(work: Work, args: Args, _params: Json) -> Json:
    work.load("webhook_endpoint", args["id"], in_url=True)
    work.tx.delete(args["id"])
    work.tx.sql.execute(
        "UPDATE delivery SET state = 'failed', last_error = 'endpoint deleted'"
        " WHERE endpoint = ? AND state IN ('pending', 'held')",
        (args["id"],),
    )
    return {"id": args["id"], "object": "webhook_endpoint", "deleted": True}


def roll(work: Work, endpoint: Json, *, overlap: int, secret: str | None = None) -> str:
    """A new secret; the old one signs along for ``overlap`` seconds. Returns the new one."""
    fresh = secret or f"whsec_{ids.token(32)}"
    kept = [{**old, "until": work.now + overlap} for old in live_secrets(endpoint, work.now)]
    endpoint["_secrets"] = [{"value": fresh, "until": None}, *(kept if overlap else [])]
    work.save(endpoint)
    return fresh


def live_secrets(endpoint: Json, now: int) -> list[Json]:
    """The secrets that sign at this time, the newest first."""
    return [s for s in endpoint["_secrets"] if s["until"] is None or s["until"] > now]


_EVENTS = ListOf(of=Text(required=True), most=500)
ROUTES = (
    Route(
        "POST",
        "/v1/webhook_endpoints",
        create,
        Form(
            {
                "url": Url(required=True),
                "enabled_events": ListOf(of=Text(required=True), most=500, required=True),
                "connect": Bool(),
                "description": Text(),
                "metadata": Metadata(),
                "api_version": Choice(of=(API_VERSION,)),
            }
        ),
    ),
    Route(
        "POST",
        "/v1/webhook_endpoints/{id}",
        update,
        Form(
            {
                "url": Url(),
                "enabled_events": _EVENTS,
                "description": Text(),
                "metadata": Metadata(),
                "disabled": Bool(),
            }
        ),
    ),
    Route("DELETE", "/v1/webhook_endpoints/{id}", delete),
    retrieval("webhook_endpoint", "/v1/webhook_endpoints"),
    listing("webhook_endpoint", "/v1/webhook_endpoints"),
)
