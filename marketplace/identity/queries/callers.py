"""Who calls: the account behind a credential, its live roles, and the claim of an idempotency key.

One statement finds all three, in every request anew: what was revoked a moment ago is gone.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sqlalchemy import ScalarSelect, Select, Text, bindparam, cast, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import defer
from sqlalchemy.sql.base import ExecutableOption

from marketplace.core import rows
from marketplace.core.db import Session, fetch, known_for_now
from marketplace.identity.models import Account, ApiKey, Membership
from marketplace.web.idempotency import Claim, asked_with

# Secrets, and what only signing in reads: read when a request asks for one of them.
UNASKED = (
    "password",
    "fs_webauthn_user_handle",
    "tf_totp_secret",
    "tf_phone_number",
    "tf_last_counter",
    "mf_recovery_codes",
    "created_at",
)


@dataclass(frozen=True)
class Grant:
    """A role that an account has now; at a site or a school, or everywhere."""

    role: str
    site_id: uuid.UUID | None
    school_id: uuid.UUID | None


@dataclass(frozen=True)
class FoundCaller:
    """An account, what it is a member of now, and the API key that it was found by, if one was.

    Most requests need no more of the account than is said here; `account` is the whole, and asks
    nothing more of the database.
    """

    account_id: uuid.UUID
    active: bool
    grants: tuple[Grant, ...]
    key: ApiKey | None
    account: Callable[[], Account]


def caller_by_token(session: Session, uniquifier: str, claim: Claim | None) -> FoundCaller | None:
    """Return who carries this token, with all that its request needs to know, in one statement."""
    rows_found = fetch(
        session, _by_token(claimed=claim is not None), _values(uniquifier, claim), flush=True
    )
    if not rows_found:
        return None
    account_id, active, grants, *own = rows_found[0]
    if claim is not None:
        *own, free, answered = own
        claim.take(free=free, answered=answered)
    account = partial(rows.found, session, Account, own, UNASKED)
    known_for_now(session)[Account, account_id] = account
    return FoundCaller(account_id, active, _held(grants), None, account)


def caller_by_api_key(session: Session, prefix: str, claim: Claim | None) -> FoundCaller | None:
    """Return whose API key begins so; whether the key is good is the caller's to check."""
    query = _by_api_key(claimed=claim is not None)
    row = session.execute(query, _values(prefix, claim)).one_or_none()
    if row is None:
        return None
    person, grants, key = row[:3]
    if claim is not None:
        claim.take(free=row.claimed, answered=row.answered)
    return FoundCaller(person.id, person.active, _held(grants), key, lambda: person)


def live_grants(session: Session, account_id: uuid.UUID) -> tuple[Grant, ...]:
    """Return the roles that count now, oldest first."""
    found = session.execute(
        select(Membership.role, Membership.site_id, Membership.school_id)
        .where(Membership.account_id == account_id, Membership.revoked_at.is_(None))
        .order_by(Membership.id)
    )
    return tuple(Grant(*row) for row in found)


def _values(shown: str, claim: Claim | None) -> dict[str, str]:
    return {"shown": shown, **(claim.values if claim else {})}


def _held(grants: Sequence[Sequence[str | None]]) -> tuple[Grant, ...]:
    return tuple(Grant(str(role), _uuid(site), _uuid(school)) for role, site, school in grants)


def _uuid(given: str | None) -> uuid.UUID | None:
    return None if given is None else uuid.UUID(given)


@cache
def _by_token(*, claimed: bool) -> Select[Any]:
    query: Select[Any] = select(
        Account.id, Account.active, _grants(), *rows.columns_of(Account, UNASKED)
    ).where(Account.fs_token_uniquifier == bindparam("shown"))
    return asked_with(query, cast(Account.id, Text)) if claimed else query


@cache
def _by_api_key(*, claimed: bool) -> Select[Any]:
    query = (
        select(Account, _grants(), ApiKey)
        .options(*_unasked())
        .join(ApiKey, ApiKey.account_id == Account.id)
        .where(ApiKey.prefix == bindparam("shown"))
    )
    return asked_with(query, cast(Account.id, Text)) if claimed else query


def _unasked() -> Sequence[ExecutableOption]:
    return tuple(defer(getattr(Account, name)) for name in UNASKED)


def _grants() -> ScalarSelect[Any]:
    """The live roles of the account of each row, as JSON: `[[role, site, school], …]`."""
    one = func.json_build_array(Membership.role, Membership.site_id, Membership.school_id)
    return (
        select(func.coalesce(func.json_agg(aggregate_order_by(one, Membership.id)), text("'[]'")))
        .where(Membership.account_id == Account.id, Membership.revoked_at.is_(None))
        .correlate(Account)
        .scalar_subquery()
    )
