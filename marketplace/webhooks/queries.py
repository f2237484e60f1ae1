"""All selects of webhooks. What is read for somebody names the owner that they act for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate, paginate_rows
from marketplace.webhooks.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
    WebhookSecret,
)
from marketplace.webhooks.rules.owners import Owner

_D = WebhookDelivery
SHOWN = (
    _D.message_id,
    _D.type,
    _D.state,
    _D.attempts,
    _D.next_at,
    _D.created_at,
    _D.begun_at,
    _D.done_at,
)


def endpoint(
    session: Session, owner: Owner, endpoint_id: UUID, *, lock: bool = False
) -> WebhookEndpoint:
    """Return an endpoint of the owner; `NotFound` for another's, or one that was deleted."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id,
        WebhookEndpoint.owner_id == owner.id,
        WebhookEndpoint.deleted_at.is_(None),
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def endpoints(
    session: Session, owner: Owner, *, limit: int, cursor: str | None
) -> Page[WebhookEndpoint]:
    """Return the owner's endpoints, the newest first; one query."""
    return paginate(
        session,
        select(WebhookEndpoint).where(
            WebhookEndpoint.owner_id == owner.id, WebhookEndpoint.deleted_at.is_(None)
        ),
        key=[WebhookEndpoint.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def of_owners(session: Session, owner_ids: Collection[UUID]) -> Sequence[WebhookEndpoint]:
    """Return all endpoints of some owners, by owner, the newest first."""
    return (
        session.execute(
            select(WebhookEndpoint)
            .where(WebhookEndpoint.owner_id.in_(owner_ids), WebhookEndpoint.deleted_at.is_(None))
            .order_by(WebhookEndpoint.owner_id, WebhookEndpoint.id.desc())
        )
        .scalars()
        .all()
    )


def addresses(session: Session, endpoint_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the address of each endpoint, one that was deleted too."""
    query = select(WebhookEndpoint.id, WebhookEndpoint.url)
    rows = session.execute(query.where(WebhookEndpoint.id.in_(endpoint_ids)))
    return {row.id: row.url for row in rows}


def count(session: Session, owner: Owner) -> int:
    """Return how many endpoints the owner has."""
    found = session.execute(
        select(func.count()).where(
            WebhookEndpoint.owner_id == owner.id, WebhookEndpoint.deleted_at.is_(None)
        )
    )
    return found.scalar_one()


def secrets(session: Session, endpoint_id: UUID, now: datetime) -> Sequence[WebhookSecret]:
    """Return the secrets that sign now, the newest first."""
    return (
        session.execute(
            select(WebhookSecret)
            .where(
                WebhookSecret.endpoint_id == endpoint_id,
                WebhookSecret.revoked_at.is_(None),
                or_(WebhookSecret.ends_at.is_(None), WebhookSecret.ends_at > now),
            )
            .order_by(WebhookSecret.id.desc())
        )
        .scalars()
        .all()
    )


def deliveries(
    session: Session,
    endpoint_id: UUID,
    *,
    state: str | None,
    type: str | None,  # noqa: A002 - as the API names it
    limit: int,
    cursor: str | None,
) -> Page[_D]:
    """Return an endpoint's deliveries as plain rows, the newest first; one query."""
    query = select(*SHOWN).where(_D.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(_D.state == state)
    if type is not None:
        query = query.where(_D.type == type)
    return paginate_rows(
        session,
        query,
        key=[_D.message_id],
        key_of=lambda row: [row.message_id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def delivery(
    session: Session, endpoint_id: UUID, message_id: UUID
) -> tuple[WebhookDelivery, WebhookMessage]:
    """Return a delivery and what it carries; `NotFound` if the endpoint has no such one."""
    found = session.execute(
        select(WebhookDelivery, WebhookMessage)
        .join(
            WebhookMessage,
            and_(WebhookMessage.owner_id == _D.owner_id, WebhookMessage.id == _D.message_id),
        )
        .where(_D.endpoint_id == endpoint_id, _D.message_id == message_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found[0], found[1]


def attempts(session: Session, endpoint_id: UUID, message_id: UUID) -> Sequence[WebhookAttempt]:
    """Return every attempt at a delivery, the first first."""
    return (
        session.execute(
            select(WebhookAttempt)
            .where(
                WebhookAttempt.endpoint_id == endpoint_id,
                WebhookAttempt.message_id == message_id,
            )
            .order_by(WebhookAttempt.number)
        )
        .scalars()
        .all()
    )


def with_something_due(session: Session, now: datetime) -> Sequence[UUID]:
    """Return the endpoints that have a delivery to be tried now: a look at an index for each."""
    due = exists().where(
        _D.endpoint_id == WebhookEndpoint.id, _D.state == "pending", _D.next_at <= now
    )
    return session.execute(select(WebhookEndpoint.id).where(due)).scalars().all()
