"""Endpoints: made, changed, deleted by their owners; their secrets; each change in the audit trail."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from marketplace.compliance.service.records import record
from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.parts import parts_of
from marketplace.webhooks import queries
from marketplace.webhooks.errors import (
    LastSecret,
    TooManyEndpoints,
    TypesRefused,
    UrlRefused,
)
from marketplace.webhooks.gateway import SecretVault, WebhookSender
from marketplace.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from marketplace.webhooks.rules import catalogue, signing, targets
from marketplace.webhooks.rules.owners import Owner
from marketplace.webhooks.states import DeliveryState, DisabledFor, EndpointState

MOST = 20
SUBJECT = "webhook_endpoint"


def create(
    session: Session,
    owner: Owner,
    *,
    url: str,
    types: Sequence[str],
    description: str,
    actor_id: UUID,
    now: datetime,
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint; the second value is its secret, which nobody can read again."""
    check_url(session, url)
    _check_types(owner, types)
    if queries.count(session, owner) >= MOST:
        raise TooManyEndpoints(f"{MOST} are allowed.")
    row = WebhookEndpoint(
        id=new_id(),
        owner_id=owner.id,
        site_id=owner.site_id,
        school_id=owner.school_id,
        url=url,
        types=sorted(set(types)),
        description=description,
        state=EndpointState.ENABLED.value,
        version=1,
        created_by=actor_id,
        created_at=now,
        changed_by=actor_id,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, row, "webhook.created", actor_id, now, url=url, types=row.types)
    return row, _new_secret(session, row, actor_id, now)


def change(
    session: Session,
    row: WebhookEndpoint,
    given: Mapping[str, Any],
    *,
    actor_id: UUID,
    now: datetime,
) -> WebhookEndpoint:
    """Change the address, the types, the description, or whether anything is sent; row is locked.

    What still waits when an endpoint is disabled is given up; it can be replayed.
    """
    wishes = dict(given)
    enabled = wishes.pop("enabled", None)
    if "url" in wishes:
        check_url(session, wishes["url"])
    if "types" in wishes:
        _check_types(row.owner, wishes["types"])
        wishes["types"] = sorted(set(wishes["types"]))
    for name, value in wishes.items():
        setattr(row, name, value)
    if enabled is True:
        row.state, row.disabled_for = EndpointState.ENABLED.value, None
        row.failing_since = None
    elif enabled is False and row.state == EndpointState.ENABLED:
        _disable(session, row, DisabledFor.OWNER, now)
    row.version += 1
    row.changed_by, row.changed_at = actor_id, now
    session.flush()
    _note(session, row, "webhook.changed", actor_id, now, **given)
    return row


def delete(session: Session, row: WebhookEndpoint, *, actor_id: UUID, now: datetime) -> None:
    """Send nothing more, and forget the secrets; what was sent stays readable to nobody."""
    _disable(session, row, DisabledFor.OWNER, now)
    row.deleted_at, row.deleted_by = now, actor_id
    session.execute(
        update(WebhookSecret)
        .where(WebhookSecret.endpoint_id == row.id, WebhookSecret.revoked_at.is_(None))
        .values(revoked_at=now, sealed=None)
        .execution_options(synchronize_session=False)
    )
    session.flush()
    _note(session, row, "webhook.deleted", actor_id, now)


def disable(
    session: Session, endpoint_id: UUID, why: DisabledFor, now: datetime
) -> WebhookEndpoint | None:
    """Send nothing more to an endpoint for what it did itself; None if that was so before."""
    row = session.get(
        WebhookEndpoint, endpoint_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is None or row.state != EndpointState.ENABLED:
        return None
    _disable(session, row, why, now)
    row.version += 1
    row.changed_by, row.changed_at = None, now
    session.flush()
    _note(session, row, "webhook.disabled", None, now, why=why.value)
    return row


def rotate(
    session: Session, row: WebhookEndpoint, overlap: timedelta, *, actor_id: UUID, now: datetime
) -> str:
    """Make a new secret and return it; the old ones still sign beside it for `overlap`."""
    for old in queries.secrets(session, row.id, now):
        if not overlap:
            _revoke(old, now)
        elif old.ends_at is None or old.ends_at > now + overlap:
            old.ends_at = now + overlap
    session.flush()
    hours = overlap / timedelta(hours=1)
    _note(session, row, "webhook.secret_rotated", actor_id, now, overlap_hours=hours)
    return _new_secret(session, row, actor_id, now)


def revoke_secret(
    session: Session, row: WebhookEndpoint, secret_id: UUID, *, actor_id: UUID, now: datetime
) -> None:
    """Let a secret that was rotated out sign no more; `LastSecret` for the one that stays."""
    live = {one.id: one for one in queries.secrets(session, row.id, now)}
    if secret_id not in live:
        raise NotFound
    if live[secret_id].ends_at is None:
        raise LastSecret
    _revoke(live[secret_id], now)
    session.flush()
    _note(session, row, "webhook.secret_revoked", actor_id, now, secret_id=str(secret_id))


def opened(session: Session, endpoint_id: UUID, now: datetime) -> list[bytes]:
    """Return the secrets that sign now, the newest first."""
    vault = parts_of(session).get(SecretVault)
    return [
        vault.open(str(one.id), one.sealed)
        for one in queries.secrets(session, endpoint_id, now)
        if one.sealed is not None
    ]


def check_url(session: Session, url: str) -> None:
    """Raise `UrlRefused` for an address that is never called."""
    loopback = parts_of(session).get(WebhookSender).loopback
    try:
        targets.read(url, loopback=loopback)
    except targets.BadTarget as error:
        raise UrlRefused(fields={"url": [str(error)]}) from error


def _check_types(owner: Owner, types: Sequence[str]) -> None:
    known = catalogue.chosen(owner.side)
    unknown = sorted(set(types) - set(known))
    if unknown:
        told = f"Not one of what a {owner.side.value} is told: {unknown[0]}."
        raise TypesRefused(fields={"types": [told]}, extra={"known": known})


def _disable(session: Session, row: WebhookEndpoint, why: DisabledFor, now: datetime) -> None:
    row.state, row.disabled_for = EndpointState.DISABLED.value, why.value
    session.flush()
    give_up(session, row.id, now)


def give_up(session: Session, endpoint_id: UUID, now: datetime) -> int:
    """Wait no longer with anything for an endpoint; what is under way now may still arrive."""
    return affected(
        session,
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.state == "pending")
        .values(state=DeliveryState.FAILED.value, next_at=None, begun_at=None, done_at=now)
        .execution_options(synchronize_session=False),
    )


def _new_secret(session: Session, row: WebhookEndpoint, actor_id: UUID, now: datetime) -> str:
    secret, secret_id = signing.new_secret(), new_id()
    session.add(
        WebhookSecret(
            id=secret_id,
            endpoint_id=row.id,
            sealed=parts_of(session).get(SecretVault).seal(str(secret_id), secret),
            created_by=actor_id,
            created_at=now,
        )
    )
    session.flush()
    return signing.written(secret)


def _revoke(secret: WebhookSecret, now: datetime) -> None:
    secret.revoked_at, secret.sealed = now, None


def _note(
    session: Session,
    row: WebhookEndpoint,
    action: str,
    actor_id: UUID | None,
    now: datetime,
    **detail: Any,
) -> None:
    record(
        session,
        actor_id=actor_id,
        action=action,
        subject_kind=SUBJECT,
        subject_id=row.id,
        detail=detail,
        now=now,
    )
