"""Requirement sets: as they are now, as they were, and as they hold for what was made under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.catalog import queries as catalog
from marketplace.compliance.models import RequirementVersion
from marketplace.compliance.rules.requirements import Requirement, effective, from_json
from marketplace.compliance.rules.usual import usual
from marketplace.core.db import Session


@dataclass(frozen=True)
class Frozen:
    """What somebody was asked for: two versions of sets, a listing's version, and the day."""

    site_version_id: UUID | None
    listing_version_id: UUID | None
    listing_id: UUID
    listing_version: int
    made_on: date


def current(session: Session, scope_id: UUID) -> RequirementVersion | None:
    """Return the set of a site or listing that holds now; None if there never was one."""
    return session.execute(
        select(RequirementVersion)
        .where(RequirementVersion.scope_id == scope_id)
        .order_by(RequirementVersion.number.desc())
        .limit(1)
    ).scalar_one_or_none()


def history(session: Session, scope_id: UUID) -> Sequence[RequirementVersion]:
    """Return every version of a set, the newest first."""
    return (
        session.execute(
            select(RequirementVersion)
            .where(RequirementVersion.scope_id == scope_id)
            .order_by(RequirementVersion.number.desc())
        )
        .scalars()
        .all()
    )


def effective_now(
    session: Session, site_id: UUID, listing_id: UUID, documents: Sequence[str], today: date
) -> tuple[Requirement, ...]:
    """Return what whoever books the listing today is asked for; one query."""
    rows = session.execute(
        select(RequirementVersion)
        .where(RequirementVersion.scope_id.in_([site_id, listing_id]))
        .ext(distinct_on(RequirementVersion.scope_id))
        .order_by(RequirementVersion.scope_id, RequirementVersion.number.desc())
    ).scalars()
    sets = {row.scope_id: read(row) for row in rows}
    return effective(sets.get(site_id, ()), sets.get(listing_id, ()), documents, usual(today))


def effective_sets(
    session: Session, frozen: Mapping[UUID, Frozen]
) -> dict[UUID, tuple[Requirement, ...]]:
    """Return, by key, what was asked for; two queries, however many keys."""
    versions = {one.site_version_id for one in frozen.values()}
    versions |= {one.listing_version_id for one in frozen.values()}
    versions.discard(None)
    sets: dict[UUID | None, tuple[Requirement, ...]] = {}
    if versions:
        rows = session.execute(
            select(RequirementVersion).where(RequirementVersion.id.in_(versions))
        ).scalars()
        sets = {row.id: read(row) for row in rows}
    asked = catalog.documents_asked(
        session, {(one.listing_id, one.listing_version) for one in frozen.values()}
    )
    return {
        key: effective(
            sets.get(one.site_version_id, ()),
            sets.get(one.listing_version_id, ()),
            asked.get((one.listing_id, one.listing_version), ()),
            usual(one.made_on),
        )
        for key, one in frozen.items()
    }


def read(version: RequirementVersion) -> tuple[Requirement, ...]:
    return tuple(from_json(one) for one in version.requirements)
