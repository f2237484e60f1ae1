"""API keys: made once, shown once, recognised by a prefix and a digest, revocable.

The secret half has 256 random bits, so that a plain SHA-256 of it can't be guessed back; a slow
hash would only slow every request.
"""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.identity.models import ApiKey
from marketplace.identity.queries import callers
from marketplace.identity.queries.callers import FoundCaller
from marketplace.identity.rules import Scope
from marketplace.web.idempotency import Claim

MARK = "rmk_"


def create(
    session: Session,
    account_id: uuid.UUID,
    *,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which nobody can read again."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id(),
        account_id=account_id,
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=sorted({Scope(scope).value for scope in scopes}),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key, f"{MARK}{prefix}_{secret}"


def verify(
    session: Session, text: str, now: datetime, claim: Claim | None = None
) -> FoundCaller | None:
    """Return the account behind a key, and the key; None if it is not, or no longer, good."""
    prefix, _, secret = text.removeprefix(MARK).partition("_")
    found = callers.caller_by_api_key(session, prefix, claim)
    key = found.key if found else None
    if found is None or key is None or not hmac.compare_digest(key.digest, _digest(secret)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return found if found.active else None


def revoke(session: Session, account_id: uuid.UUID, key_id: uuid.UUID, now: datetime) -> ApiKey:
    """Revoke a key of the account; twice is once. `NotFound` for another account's."""
    key = session.get(ApiKey, key_id)
    if key is None or key.account_id != account_id:
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at = now
        session.flush()
    return key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
