"""`Idempotency-Key`: the same POST sent twice takes effect once.

The answer is remembered in the transaction of the effect: both exist or neither. The key is locked
for the length of that transaction, so that a second request meets a 409 and not a second effect.
Refusals (4xx) are not remembered: nothing happened, and asking again may rightly succeed.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from flask import Response, request
from sqlalchemy import delete, func, select
from werkzeug.wrappers import Response as BaseResponse

from marketplace.core.db import Session, affected
from marketplace.core.errors import Conflict, Invalid
from marketplace.web import context
from marketplace.web.models import RememberedAnswer

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
REFUSED = 400
REMEMBERED_HEADERS = ("Content-Type", "Location", "ETag")


class InFlight(Conflict):
    code = "idempotency_in_flight"
    title = "A request with this Idempotency-Key is still being worked on. Please try again."


class KeyReused(Invalid):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request. Use a new key for a new request."


class BadKey(Invalid):
    code = "idempotency_key_invalid"
    title = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."


def once(
    session: Session, key: str, caller: str | None, view: Callable[[], BaseResponse]
) -> BaseResponse:
    """Answer with what `view` returns, or with what it returned the first time for this key."""
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadKey
    owner = caller or "anonymous"
    fingerprint = _fingerprint()
    _lock(session, owner, key)
    known = session.execute(
        select(RememberedAnswer).where(
            RememberedAnswer.caller == owner, RememberedAnswer.key == key
        )
    ).scalar_one_or_none()
    if known is not None:
        return _replay(known, fingerprint)
    response = view()
    if _may_be_kept(response):
        session.add(_remember(owner, key, fingerprint, response))
    return response


def _may_be_kept(response: BaseResponse) -> bool:
    """Refuse what failed, and what carries a secret (`no-store`), such as a token."""
    return (
        response.status_code < REFUSED
        and not response.is_streamed
        and not response.cache_control.no_store
    )


def _lock(session: Session, owner: str, key: str) -> None:
    number = func.hashtextextended(f"{owner}\n{key}", 0)
    if not session.execute(select(func.pg_try_advisory_xact_lock(number))).scalar_one():
        raise InFlight


def _fingerprint() -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    digest.update(request.get_data())
    return digest.digest()


def _replay(known: RememberedAnswer, fingerprint: bytes) -> Response:
    if known.fingerprint != fingerprint:
        raise KeyReused
    response = Response(known.body, status=known.status, headers=known.headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _remember(owner: str, key: str, fingerprint: bytes, response: BaseResponse) -> RememberedAnswer:
    headers = response.headers
    return RememberedAnswer(
        caller=owner,
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        headers={name: headers[name] for name in REMEMBERED_HEADERS if name in headers},
        body=response.get_data(),
        created_at=context.now(),
    )


def forget(session: Session, before: datetime) -> int:
    """Delete answers older than `before`; return how many."""
    return affected(session, delete(RememberedAnswer).where(RememberedAnswer.created_at < before))
