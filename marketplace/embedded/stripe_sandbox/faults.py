"""What is to go wrong next: rules for requests and for webhooks, held in memory.

A rule applies ``times`` and is then used up. The first rule that matches wins. A restart of the
sandbox forgets all rules, never any data.
"""

import fnmatch
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.shapes import Json

REQUEST_KINDS = ("error", "hang", "drop")
WEBHOOK_KINDS = ("hold", "lose", "duplicate", "reorder", "forge", "stale", "tamper", "change")


@dataclass
class RequestFault:
    """``error``: answer ``status``; with ``work`` the work is done first, with ``stored`` the
    answer is kept under the key. ``hang``: wait ``seconds`` before (or, with ``work``, after) the
    work. ``drop``: close the connection without an answer, after the work unless ``work`` is
    false.
    """

    kind: str
    path: str = "*"
    method: str = "*"
    status: int = 500
    seconds: float = 80.0
    times: int = 1
    stored: bool = False
    work: bool = False
    retry_after: int | None = None
    id: str = field(default_factory=lambda: ids.new_id("fault", 8))

    def matches(self, method: str, path: str) -> bool:
        return fnmatch.fnmatchcase(path, self.path) and fnmatch.fnmatchcase(method, self.method)


@dataclass
class WebhookFault:
    """``hold`` keeps deliveries back until released; ``lose`` never sends them; ``duplicate``
    sends ``count`` at once; ``reorder`` gathers ``count`` and sends them in reverse; ``forge``
    signs with a wrong secret; ``stale`` signs as ``seconds`` ago; ``tamper`` alters the body
    after signing; ``change`` sets dotted paths of the body (``set``) before signing.
    """

    kind: str
    types: tuple[str, ...] = ("*",)
    times: int = 1
    count: int = 5
    seconds: int = 600
    set: Json = field(default_factory=dict)
    id: str = field(default_factory=lambda: ids.new_id("fault", 8))
    gathered: list[int] = field(default_factory=list)

    def matches(self, kind: str) -> bool:
        return any(fnmatch.fnmatchcase(kind, wanted) for wanted in self.types)


def request_fault(kind: str, given: Json) -> RequestFault:
    """A rule from JSON; raises ``ValueError`` for a name or a type that does not fit."""
    _check(RequestFault(kind), given)
    return RequestFault(kind, **given)


def webhook_fault(kind: str, given: Json) -> WebhookFault:
    """The same for deliveries."""
    _check(WebhookFault(kind), given)
    if "types" in given:
        given = {**given, "types": tuple(str(wanted) for wanted in given["types"])}
    return WebhookFault(kind, **given)


_TYPES: dict[str, tuple[type, ...]] = {
    "seconds": (int, float),
    "retry_after": (int,),
    "types": (list,),
}


def _check(example: RequestFault | WebhookFault, given: Json) -> None:
    known = {name: value for name, value in vars(example).items() if name not in _OWN}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{name} is none of {', '.join(known)}")
        wanted = _TYPES.get(name, (type(known[name]),))
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise ValueError(f"{name} must be of type {wanted[0].__name__}")


_OWN = ("id", "kind", "gathered")


class Faults:
    """The rules in force; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[RequestFault] = []
        self._webhooks: list[WebhookFault] = []

    def add(self, fault: RequestFault | WebhookFault) -> str:
        with self._lock:
            if isinstance(fault, RequestFault):
                self._requests.append(fault)
            else:
                self._webhooks.append(fault)
        return fault.id

    def request(self, method: str, path: str) -> RequestFault | None:
        """The rule for a request, used once by asking."""
        with self._lock:
            for fault in self._requests:
                if fault.matches(method, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._requests.remove(fault)
                    return fault
        return None

    def webhook(self, kind: str, delivery: int) -> WebhookFault | None:
        """The rule for a delivery, used once by asking; ``reorder`` gathers the delivery."""
        with self._lock:
            for fault in self._webhooks:
                if fault.matches(kind):
                    if fault.kind == "reorder":
                        fault.gathered.append(delivery)
                        done = len(fault.gathered) >= fault.count
                    else:
                        fault.times -= 1
                        done = fault.times <= 0
                    if done:
                        self._webhooks.remove(fault)
                    return fault
        return None

    def listed(self) -> list[Json]:
        with self._lock:
            rules: Sequence[Any] = [*self._requests, *self._webhooks]
            return [dict(vars(rule)) for rule in rules]

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._webhooks.clear()
