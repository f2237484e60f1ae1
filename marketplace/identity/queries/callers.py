"""Who calls: the account behind a credential, its live roles, and the claim of an idempotency key.

One statement finds all three, in every request anew: what was revoked a moment ago is gone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, Text, bindparam, cast, func, null, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import defer
from sqlalchemy.sql.base import ExecutableOption

from marketplace.core.db import Session
from marketplace.identity.models import Account, ApiKey, Membership
from marketplace.web.idempotency import Claim, asked_with


@dataclass(frozen=True)
class Grant:
    """A role that an account has now; at a site or a school, or everywhere."""

    role: str
    site_id: uuid.UUID | None
    school_id: uuid.UUID | None


@dataclass(frozen=True)
class FoundCaller:
    """An account, what it is a member of now, and the API key that it was found by, if one was."""

    account: Account
    grants: tuple[Grant, ...]
    key: ApiKey | None


def caller_by_token(session: Session, uniquifier: str, claim: Claim | None) -> FoundCaller | None:
    """Return who carries this token, with all that its request needs to know, in one statement."""
    return _caller(session, _by_token(claimed=claim is not None), uniquifier, claim)


def caller_by_api_key(session: Session, prefix: str, claim: Claim | None) -> FoundCaller | None:
    """Return whose API key begins so; whether the key is good is the caller's to check."""
    return _caller(session, _by_api_key(claimed=claim is not None), prefix, claim)


def live_grants(session: Session, account_id: uuid.UUID) -> tuple[Grant, ...]:
    """Return the roles that count now, oldest first."""
    rows = session.execute(
        select(Membership.role, Membership.site_id, Membership.school_id)
        .where(Membership.account_id == account_id, Membership.revoked_at.is_(None))
        .order_by(Membership.id)
    )
    return tuple(Grant(*row) for row in rows)


def _caller(
    session: Session, query: Select[Any], shown: str, claim: Claim | None
) -> FoundCaller | None:
    values = {"shown": shown, **(claim.values if claim else {})}
    row = session.execute(query, values).one_or_none()
    if row is None:
        return None
    person, grants, key = row[:3]
    if claim is not None:
        claim.take(free=row.claimed, answered=row.answered)
    held = (Grant(role, _uuid(site), _uuid(school)) for role, site, school in grants)
    return FoundCaller(person, tuple(held), key)


def _uuid(given: str | None) -> uuid.UUID | None:
    return None if given is None else uuid.UUID(given)


@cache
def _by_token(*, claimed: bool) -> Select[Any]:
    query = (
        select(Account, _grants(), null())
        .options(*_unasked())
        .where(Account.fs_token_uniquifier == bindparam("shown"))
    )
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
    """Secrets, and what only signing in reads: read when a request asks for one of them."""
    return (
        defer(Account.password),
        defer(Account.fs_webauthn_user_handle),
        defer(Account.tf_totp_secret),
        defer(Account.tf_phone_number),
        defer(Account.tf_last_counter),
        defer(Account.mf_recovery_codes),
        defer(Account.created_at),
    )


def _grants() -> ScalarSelect[Any]:
    """The live roles of the account of each row, as JSON: `[[role, site, school], …]`."""
    one = func.json_build_array(Membership.role, Membership.site_id, Membership.school_id)
    return (
        select(func.coalesce(func.json_agg(aggregate_order_by(one, Membership.id)), text("'[]'")))
        .where(Membership.account_id == Account.id, Membership.revoked_at.is_(None))
        .correlate(Account)
        .scalar_subquery()
    )
