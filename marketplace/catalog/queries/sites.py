"""Sites and preceptors: as they are, as they were, and which wait for an operator."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, select

from marketplace.catalog.errors import PreceptorNotFound, SiteNotFound
from marketplace.catalog.models import Preceptor, Site, SiteChange, SiteCheck
from marketplace.core.db import Session
from marketplace.web.pagination import Page, paginate


def site(session: Session, site_id: uuid.UUID) -> Site:
    """A site in any state; `SiteNotFound`."""
    found = session.get(Site, site_id)
    if found is None:
        raise SiteNotFound
    return found


def time_zones(session: Session, site_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The time zone of each of these sites."""
    query = select(Site.id, Site.time_zone).where(Site.id.in_(list(site_ids)))
    return {row.id: row.time_zone for row in session.execute(query)}


def locked(session: Session, site_id: uuid.UUID) -> Site:
    """A site for a change of it; bookings, which only refer to it, don't wait. `SiteNotFound`."""
    return _held(session, select(Site).where(Site.id == site_id).with_for_update(key_share=True))


def held(session: Session, site_id: uuid.UUID) -> Site:
    """A site whose verification stays what it is until the end of the transaction.

    The same lock as for a change, since whoever publishes may have to ask for a verification.
    """
    return locked(session, site_id)


def _held(session: Session, statement: Select[Site]) -> Site:
    found = session.execute(
        statement.execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise SiteNotFound
    return found


def of_owner(session: Session, owner_account_id: uuid.UUID) -> list[uuid.UUID]:
    """Ids of the owner's sites."""
    return list(
        session.execute(
            select(Site.id).where(Site.owner_account_id == owner_account_id).order_by(Site.id)
        ).scalars()
    )


def some(
    session: Session, site_ids: Sequence[uuid.UUID], *, limit: int, cursor: str | None
) -> Page[Site]:
    """A page of these sites, by name."""
    return paginate(
        session,
        select(Site).where(Site.id.in_(list(site_ids))),
        key=[Site.name, Site.id],
        key_of=lambda row: [row.name, row.id],
        limit=limit,
        cursor=cursor,
    )


def by_id(session: Session, site_ids: Collection[uuid.UUID]) -> Sequence[Site]:
    """Sites by id, in no order."""
    return session.execute(select(Site).where(Site.id.in_(list(site_ids)))).scalars().all()


def names(session: Session, site_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The names of these sites."""
    rows = session.execute(select(Site.id, Site.name).where(Site.id.in_(site_ids)))
    return {row.id: row.name for row in rows}


def called(session: Session, text: str, *, most: int) -> dict[uuid.UUID, str]:
    """The names of sites that have this in theirs, by name, at most so many."""
    rows = session.execute(
        select(Site.id, Site.name)
        .where(Site.name.icontains(text, autoescape=True))
        .order_by(Site.name, Site.id)
        .limit(most)
    )
    return {row.id: row.name for row in rows}


def queue(session: Session, *, limit: int, cursor: str | None) -> Page[Site]:
    """Sites that an operator should look at, the longest-waiting first."""

    def waiting_since(row: Site) -> datetime:
        if row.waiting_since is None:
            raise LookupError("a site in the queue waits")
        return row.waiting_since

    return paginate(
        session,
        select(Site).where(Site.waiting_since.is_not(None)),
        key=[Site.waiting_since, Site.id],
        key_of=lambda row: [waiting_since(row), row.id],
        limit=limit,
        cursor=cursor,
    )


def checks(session: Session, site_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[SiteCheck]]:
    """Each site's steps of verification, the first one first; in one query."""
    rows = session.execute(
        select(SiteCheck).where(SiteCheck.site_id.in_(list(site_ids))).order_by(SiteCheck.id)
    ).scalars()
    found: dict[uuid.UUID, list[SiteCheck]] = {site_id: [] for site_id in site_ids}
    for row in rows:
        found[row.site_id].append(row)
    return found


def last_check(session: Session, site_id: uuid.UUID) -> SiteCheck | None:
    return session.execute(
        select(SiteCheck).where(SiteCheck.site_id == site_id).order_by(SiteCheck.id.desc()).limit(1)
    ).scalar_one_or_none()


def changes(session: Session, subject_id: uuid.UUID) -> Sequence[SiteChange]:
    """What has changed of a site or a preceptor, the first change first."""
    return (
        session.execute(
            select(SiteChange)
            .where(SiteChange.subject_id == subject_id)
            .order_by(SiteChange.version)
        )
        .scalars()
        .all()
    )


def last_change(session: Session, subject_id: uuid.UUID) -> SiteChange | None:
    return session.execute(
        select(SiteChange)
        .where(SiteChange.subject_id == subject_id)
        .order_by(SiteChange.version.desc())
        .limit(1)
    ).scalar_one_or_none()


def preceptors(
    session: Session, site_id: uuid.UUID, *, limit: int, cursor: str | None
) -> Page[Preceptor]:
    """A page of a site's preceptors, by name."""
    return paginate(
        session,
        select(Preceptor).where(Preceptor.site_id == site_id),
        key=[Preceptor.name, Preceptor.id],
        key_of=lambda row: [row.name, row.id],
        limit=limit,
        cursor=cursor,
    )


def preceptor(
    session: Session, site_id: uuid.UUID, preceptor_id: uuid.UUID, *, lock: bool = False
) -> Preceptor:
    """A preceptor of this site, with `lock` for a change; `PreceptorNotFound`."""
    statement = select(Preceptor).where(Preceptor.id == preceptor_id, Preceptor.site_id == site_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    found = session.execute(
        statement.execution_options(populate_existing=lock)
    ).scalar_one_or_none()
    if found is None:
        raise PreceptorNotFound
    return found


def ids_in_states(session: Session, states: Collection[str]) -> list[uuid.UUID]:
    """The ids of the sites in these states, by their postal codes such as `TX`."""
    if not states:
        return []
    return list(session.execute(select(Site.id).where(Site.state.in_(list(states)))).scalars())
