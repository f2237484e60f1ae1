"""The other side: what a site's own system does with a webhook, written from the specification."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from marketplace.webhooks.gateway import Answer, NotReached
from tests.integration.booking.test_routes import API

SITE = "/sites/{}/webhooks"
URL = "https://ehr.example/hooks"


@dataclass
class Receiver:
    """Serves `WebhookSender`: answers as it is told to, and keeps what it was sent."""

    status: int | None = 200
    retry_after: timedelta | None = None
    loopback: bool = False
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def send(self, url: str, headers: Any, body: bytes) -> Answer:
        self.got.append((url, dict(headers), body))
        took = timedelta(milliseconds=12)
        if self.status is None:
            raise NotReached("No answer: Connection refused.", took)
        return Answer(self.status, took, "thanks", self.retry_after)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.got]

    def types(self) -> list[str]:
        return [one["type"] for one in self.messages()]


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver would check it, by the text of the specification and no code of ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


class Host:
    """Somebody who manages the webhooks of a site or a school over HTTP."""

    def __init__(self, client: Any, person: Any, base: str) -> None:
        self.client, self.person, self.base = client, person, base

    def call(self, method: str, path: str = "", status: int = 200, **options: Any) -> Any:
        headers = {**self.person.headers, **options.pop("headers", {})}
        answer = self.client.open(
            f"{API}{self.base}{path}", method=method, headers=headers, **options
        )
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer

    def make(self, *types: str, url: str = URL) -> dict[str, Any]:
        return self.call("POST", status=201, json={"url": url, "types": list(types)}).get_json()

    def change(self, made: dict[str, Any], **wishes: Any) -> Any:
        now = self.call("GET", f"/{made['id']}").headers["ETag"]
        return self.call("PATCH", f"/{made['id']}", json=wishes, headers={"If-Match": now}).json

    def deliveries(self, made: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        return self.call("GET", f"/{made['id']}/deliveries{query}").get_json()["items"]

    def delivery(self, made: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return self.call("GET", f"/{made['id']}/deliveries/{delivery_id}").get_json()
