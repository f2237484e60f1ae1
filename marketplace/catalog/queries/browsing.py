"""A site's listings as its own people look through them."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from marketplace.catalog.models import Listing
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


def page_of_site(
    session: Session,
    site_id: uuid.UUID,
    *,
    limit: int,
    cursor: str | None,
    state: str = "",
    words: str = "",
) -> Page[Listing]:
    """A page of a site's listings by their own ids, in every state or in one.

    With `words`: those that have them in their own id or their title.
    """
    query = (
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.preceptor))
        .where(Listing.site_id == site_id)
    )
    if state:
        query = query.where(Listing.state == state)
    if words:
        named = (
            one.icontains(words, autoescape=True) for one in (Listing.external_id, Listing.title)
        )
        query = query.where(or_(*named))
    return paginate(
        session,
        query,
        key=[Listing.external_id, Listing.id],
        key_of=lambda row: [row.external_id, row.id],
        limit=limit,
        cursor=cursor,
    )


def some_of_site(
    session: Session, site_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> Sequence[Listing]:
    """Those of the site's listings that have these ids, by title."""
    query = select(Listing).where(Listing.site_id == site_id, Listing.id.in_(ids))
    return session.execute(query.order_by(Listing.title, Listing.id)).scalars().all()
