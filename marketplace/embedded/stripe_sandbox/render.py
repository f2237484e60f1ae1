"""From stored objects to answers: private keys removed, ids expanded, lists enveloped."""

from collections.abc import Sequence
from typing import Any

from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.store import Transaction

_DEEPEST = 4
_CHILDREN_SHOWN = 10


def public(body: Json, now: int) -> Json:
    """A copy as the API shows it; ``now`` decides whether balance transactions are available."""
    shown = {key: value for key, value in body.items() if not key.startswith("_")}
    if body.get("object") == "balance_transaction":
        shown["status"] = "available" if body["available_on"] <= now else "pending"
    return shown


def envelope(items: Sequence[Json], url: str, *, has_more: bool = False) -> Json:
    """Stripe's list object."""
    return {"object": "list", "data": list(items), "has_more": has_more, "url": url}


class Renderer:
    """Renders one answer within one transaction."""

    def __init__(self, tx: Transaction, now: int) -> None:
        self._tx = tx
        self._now = now

    def answer(self, body: Json, expand: Sequence[str] = ()) -> Json:
        """``body`` as shown, with each dotted path of ``expand`` replaced by its object."""
        shown = self._show(body)
        for path in expand:
            parts = path.split(".")
            if len(parts) > _DEEPEST + 1:
                raise _not_expandable(path, "at most four levels can be expanded")
            self._expand(shown, parts, path)
        return shown

    def _show(self, body: Json) -> Json:
        if body.get("object") == "list":
            return {**body, "data": [self._show(item) for item in body["data"]]}
        shown = public(body, self._now)
        if body.get("object") == "event":
            waiting = self._tx.sql.execute(
                "SELECT count(*) FROM delivery WHERE event = ? AND state IN ('pending', 'held')",
                (body["id"],),
            ).fetchone()
            shown["pending_webhooks"] = waiting[0]
        for name in ("reversals", "refunds"):
            if f"_{name}_of" in body:
                shown[name] = self._children(body[f"_{name}_of"], body)
        return shown

    def _children(self, kind: str, body: Json) -> Json:
        """The list of reversals, or refunds, that belongs to an object."""
        field, url = _CHILDREN[kind]
        found = self._tx.select(kind, None, {field: body["id"]}, limit=_CHILDREN_SHOWN + 1)
        shown = [public(child, self._now) for child in found[:_CHILDREN_SHOWN]]
        return envelope(shown, url.format(id=body["id"]), has_more=len(found) > _CHILDREN_SHOWN)

    def _expand(self, value: Any, parts: list[str], path: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._expand(item, parts, path)
            return
        if not isinstance(value, dict):
            return
        name, rest = parts[0], parts[1:]
        if name not in value:
            value[name] = self._includable(value, name, path)
        value[name] = self._whole(value[name], path)
        if rest:
            self._expand(value[name], rest, path)

    def _whole(self, target: Any, path: str) -> Any:
        """The object instead of its id; what is no id stays."""
        if isinstance(target, list):
            return [self._whole(item, path) for item in target]
        if not isinstance(target, str):
            return target
        found = self._tx.find(target)
        if found is None:
            raise _not_expandable(path, "it holds no id")
        return self._show(found)

    def _includable(self, value: Json, name: str, path: str) -> Json:
        """Properties that are only shown when asked for."""
        kind, object_id = value.get("object"), value.get("id", "")
        if kind == "checkout.session" and name == "line_items":
            session = self._tx.find(object_id) or {}
            lines = [public(line, self._now) for line in session.get("_line_items", [])]
            return envelope(lines, f"/v1/checkout/sessions/{object_id}/line_items")
        if kind == "charge" and name == "refunds":
            return self._children("refund", value)
        raise _not_expandable(path, "there is no such property")


_CHILDREN = {
    "refund": ("charge", "/v1/charges/{id}/refunds"),
    "transfer_reversal": ("transfer", "/v1/transfers/{id}/reversals"),
    "fee_refund": ("fee", "/v1/application_fees/{id}/refunds"),
}


def _not_expandable(path: str, why: str) -> ApiError:
    return ApiError(
        f"This property cannot be expanded ({path}): {why}.", param="expand", stored=False
    )
