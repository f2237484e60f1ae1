"""Stricter rate limits where guessing pays: by caller, and by the address that is tried."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from flask import request

from marketplace.core.settings import Settings
from marketplace.web import context
from marketplace.web.limits import limiter, who

View = TypeVar("View", bound=Callable[..., Any])


def guessing(view: View) -> View:
    """Limit how often one caller, and all callers for one address, may try."""
    by_caller = limiter.shared_limit(_rate, scope="guessing:caller", key_func=who)
    by_address = limiter.shared_limit(
        _rate, scope="guessing:address", key_func=_address, exempt_when=lambda: not _address()
    )
    return cast("View", by_caller(by_address(view)))


def _rate() -> str:
    return context.parts().get(Settings).login_rate_limit


def _address() -> str:
    body = request.get_json(silent=True) if request.is_json else request.form
    address = body.get("email") if isinstance(body, Mapping) else None
    return address.strip().lower()[:254] if isinstance(address, str) else ""
