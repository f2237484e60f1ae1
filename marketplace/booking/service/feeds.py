"""Private addresses of calendars: made once, shown once, changed or revoked at any time.

The secret in an address has 256 random bits, of which only a plain SHA-256 is kept: it can't be
guessed back, and a slow hash would only slow every request.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, update

from marketplace.booking.errors import TooManyFeeds
from marketplace.booking.models import CalendarFeed
from marketplace.booking.queries import feeds as queries
from marketplace.catalog import queries as catalog
from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity

TRAINEE, SITE, PRECEPTOR = "trainee", "site", "preceptor"
KINDS = (TRAINEE, SITE, PRECEPTOR)
MOST_FEEDS = 20


@dataclass(frozen=True)
class NewFeed:
    """A feed with the secret of its address, which nobody can read again."""

    feed: CalendarFeed
    secret: str


def create(
    session: Session,
    account_id: UUID,
    *,
    kind: str,
    site_id: UUID | None,
    preceptor_id: UUID | None,
    name: str,
    now: datetime,
) -> NewFeed:
    """Make an address for one's own rotations, a site's days, or a preceptor's there.

    `NotFound` for a site that the account has no role at; `TooManyFeeds` beyond twenty.
    """
    if site_id is not None and not identity.roles_at(session, account_id, site_id):
        raise NotFound
    if preceptor_id is not None and catalog.preceptor_site(session, preceptor_id) != site_id:
        raise Invalid(fields={"preceptor_id": ["The site has no such preceptor."]})
    if len(queries.feeds_of(session, account_id)) >= MOST_FEEDS:
        raise TooManyFeeds
    secret = secrets.token_urlsafe(32)
    feed = CalendarFeed(
        id=new_id(),
        account_id=account_id,
        kind=kind,
        site_id=site_id,
        preceptor_id=preceptor_id,
        name=name,
        digest=digest_of(secret),
        created_at=now,
    )
    session.add(feed)
    session.flush()
    return NewFeed(feed, secret)


def rotate(session: Session, account_id: UUID, feed_id: UUID, now: datetime) -> NewFeed:
    """Give a feed another address: the one before is dead at once. Its events keep their names."""
    feed = _own(session, account_id, feed_id)
    if feed.revoked_at is not None:
        raise NotFound
    secret = secrets.token_urlsafe(32)
    feed.digest = digest_of(secret)
    feed.rotated_at = now
    session.flush()
    return NewFeed(feed, secret)


def revoke(session: Session, account_id: UUID, feed_id: UUID, now: datetime) -> None:
    """End a feed, at once and for good; twice is once."""
    feed = _own(session, account_id, feed_id)
    if feed.revoked_at is None:
        feed.revoked_at = now
        session.flush()


def opened(session: Session, secret: str, today: date) -> CalendarFeed:
    """The feed at an address, for whoever knows it; the day of its use is noted.

    `NotFound` for an address that never was, is revoked, or whose account is gone or has no role
    at the site any more: they can't be told apart.
    """
    feed = queries.feed_by_digest(session, digest_of(secret))
    if feed is None or feed.revoked_at is not None:
        raise NotFound
    roles = identity.roles_at(session, feed.account_id, feed.site_id)
    if roles is None or (feed.site_id is not None and not roles):
        raise NotFound
    if feed.last_used_on is None or feed.last_used_on < today:
        session.execute(
            update(CalendarFeed)
            .where(
                CalendarFeed.id == feed.id,
                or_(CalendarFeed.last_used_on.is_(None), CalendarFeed.last_used_on < today),
            )
            .values(last_used_on=today)
        )
    return feed


def digest_of(secret: str) -> bytes:
    """What is kept of an address."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _own(session: Session, account_id: UUID, feed_id: UUID) -> CalendarFeed:
    feed = session.get(CalendarFeed, feed_id)
    if feed is None or feed.account_id != account_id:
        raise NotFound
    return feed
