"""Stricter rate limits where guessing pays: by caller, and by the address that is tried."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import request

from marketplace.core.settings import Settings
from marketplace.web import context
from marketplace.web.limits import Rate, check, who

View = TypeVar("View", bound=Callable[..., Any])


def guessing(view: View) -> View:
    """Limit how often one caller, and all callers for one address, may try."""

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        rate = Rate.parse(context.parts().get(Settings).login_rate_limit)
        check(rate, f"guessing:caller:{who()}")
        address = _address()
        if address:
            check(rate, f"guessing:address:{address}")
        return view(*args, **kwargs)

    return cast("View", limited)


def _address() -> str:
    body = request.get_json(silent=True)
    address = body.get("email") if isinstance(body, dict) else None
    return address.strip().lower()[:254] if isinstance(address, str) else ""
