"""Seeing the pages as somebody else: who does is found out with the account, and held to looking.

The session's cookie names an impersonation, which is asked for at every request. Each request is
written into the audit trail in a transaction of its own, before anything is read for it: what is
refused or fails is on record, too. Then the request's own transaction is made read-only, so that
no view can write, whatever it means to do; and what is not asked for by GET is refused before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app, g, request
from flask import session as cookie
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from marketplace.core.db import edge
from marketplace.identity.errors import KeyNotEnough, OnlyLooking
from marketplace.identity.models import Account, Impersonation
from marketplace.identity.queries import impersonations as queries
from marketplace.identity.service import impersonations as service
from marketplace.web import context

KEY = "impersonation"
# The one form that may be sent.
STOP = "/desk/impersonation/stop"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READ_ONLY_TRANSACTION = "25006"
# Pages that show what others wrote in confidence, or give a whole account away; and all of the
# API: it hands out files, and programs have keys of their own.
CLOSED = frozenset(
    {
        "/messages",
        "/my-data/download",
        "/rotations/<uuid:booking_id>/messages",
    }
)
API = "/api/"
# What is the same for everybody: it tells nothing of an account, and is no page that was seen.
FILES = "/assets/"


@dataclass(frozen=True)
class Seen:
    """By whom the pages are seen, of which account, why, and until when."""

    id: UUID
    operator_id: UUID
    account: Account
    reason: str
    ends_at: datetime


def carried() -> UUID | None:
    """Return the impersonation that the browser's cookie names; programs and files carry none."""
    if "Authorization" in request.headers or request.path.startswith(FILES):
        return None
    # Looked at only where there is one: an answer that depends on no cookie says so to caches.
    if current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return None
    named = cookie.get(KEY)
    return None if named is None else UUID(named)


def seen_by(operator: Account) -> Seen | None:
    """Return as whom this operator sees the pages, noted in the trail; None if as themselves."""
    named = carried()
    if named is None:
        return None
    now = context.now()
    found = queries.live(context.session(), named, operator.id, now)
    if found is None:
        forget()
        return None
    of, account = found
    _note(of, now)
    return Seen(of.id, of.operator_id, account, of.reason, of.ends_at)


def begin(operator: Account, account_id: UUID, *, reason: str, minutes: int) -> None:
    """See the pages as the account from the next request on; `KeyNotEnough` without a session."""
    if not cookie.get("_user_id") or "Authorization" in request.headers:
        raise KeyNotEnough
    made = service.begin(
        context.session(), operator, account_id, reason=reason, minutes=minutes, now=context.now()
    )
    _forget_forms()
    cookie[KEY] = str(made.id)


def end(seen: Seen) -> None:
    """Stop."""
    service.end(context.session(), seen.id, seen.operator_id, context.now())
    forget()


def forget() -> None:
    """Take it out of the cookie, where it is in there."""
    if cookie.pop(KEY, None) is not None:
        _forget_forms()


def _forget_forms() -> None:
    """Let no form that was drawn till now be sent: what it meant as another it must not mean now."""
    cookie.pop("csrf_token", None)
    g.pop("csrf_token", None)


def refused() -> bool:
    """Tell whether this request is one that nobody may make as somebody else."""
    rule = request.url_rule.rule if request.url_rule else request.path
    if request.method not in SAFE_METHODS:
        return request.path != STOP
    return rule in CLOSED or request.path.startswith(API)


def looking(view: Callable[[], Any]) -> Any:
    """Answer with what `view` shows; `OnlyLooking` where it may not be shown, or means to write."""
    if refused():
        raise OnlyLooking
    if request.path == STOP:
        return view()
    session = context.session()
    session.execute(text("SET TRANSACTION READ ONLY"))
    try:
        return view()
    except InternalError as error:
        if getattr(error.orig, "sqlstate", None) != READ_ONLY_TRANSACTION:
            raise
        session.rollback()
        raise OnlyLooking from error


def _note(of: Impersonation, now: datetime) -> None:
    """Write it down for good, before anything is shown; the page by its pattern and ids alone."""
    detail = {"method": request.method}
    if request.url_rule is not None:
        detail["page"] = request.url_rule.rule
    ids = (request.view_args or {}).items()
    detail |= {name: str(value) for name, value in ids if isinstance(value, UUID)}
    with context.sessions()() as own, edge(own):
        service.note(own, of, "refused" if refused() else "seen", now, **detail)
