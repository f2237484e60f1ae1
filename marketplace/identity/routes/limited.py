"""Stricter rate limits where guessing pays, and where strangers are written to."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeVar, cast

from flask import request

from marketplace.core.settings import Settings
from marketplace.web import context
from marketplace.web.limits import limiter, who

View = TypeVar("View", bound=Callable[..., Any])

# Mails that one site or school has sent to one address by inviting it, again and again.
INVITATIONS = "10 per day"
# Mails that one caller has sent to addresses that may be anybody's.
STRANGERS = "20 per day"


def guessing(view: View) -> View:
    """Limit how often one caller, and all callers for one address, may try."""
    by_caller = limiter.shared_limit(_rate, scope="guessing:caller", key_func=who)
    by_address = limiter.shared_limit(
        _rate, scope="guessing:address", key_func=_address, exempt_when=lambda: not _address()
    )
    return cast("View", by_caller(by_address(view)))


def inviting(view: View) -> View:
    """Limit how often one place invites one address: each time it is mailed another link."""
    limited = limiter.shared_limit(INVITATIONS, scope="inviting", key_func=_invited)
    return cast("View", limited(view))


def writing_to_strangers(view: View) -> View:
    """Limit how often one caller has mail sent to an address that is nobody's account yet."""
    return cast("View", limiter.shared_limit(STRANGERS, scope="strangers", key_func=who)(view))


def _invited() -> str:
    """The place, and the address that it asks; what was typed, where it is several."""
    place = ":".join(str(value) for value in (request.view_args or {}).values())
    return sha256(f"{place} {_address()}".encode("utf-8", "surrogatepass")).hexdigest()


def _rate() -> str:
    return context.parts().get(Settings).login_rate_limit


def _address() -> str:
    body = request.get_json(silent=True) if request.is_json else request.form
    address = body.get("email") if isinstance(body, Mapping) else None
    return address.strip().lower()[:254] if isinstance(address, str) else ""
