"""Changing what a site or a listing asks for: a new version, never an edit.

What is asked holds for whoever books afterwards; a booking keeps the versions it was made under.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from marketplace.compliance.errors import RequirementsUnfit
from marketplace.compliance.models import RequirementVersion
from marketplace.compliance.queries import requirements as queries
from marketplace.compliance.rules.requirements import Requirement, to_json
from marketplace.compliance.rules.usual import usual
from marketplace.core.db import Session
from marketplace.core.ids import new_id

MOST = 60


def change(
    session: Session,
    *,
    site_id: UUID,
    listing_id: UUID | None,
    requirements: Sequence[Requirement],
    note: str,
    read: int,
    actor_id: UUID,
    now: datetime,
) -> RequirementVersion:
    """Put a whole new set in the place of version `read` (0 where there was none).

    Of two who change it at once one gets `RequirementsChanged`.
    """
    _check(requirements)
    version = RequirementVersion(
        id=new_id(),
        scope_id=listing_id or site_id,
        site_id=site_id,
        listing_id=listing_id,
        number=read + 1,
        requirements=[to_json(one) for one in requirements],
        note=note,
        made_by=actor_id,
        made_at=now,
    )
    session.add(version)
    session.flush()
    return version


def adopt(
    session: Session,
    *,
    site_id: UUID,
    listing_id: UUID | None,
    keys: Collection[str] | None,
    read: int,
    actor_id: UUID,
    now: datetime,
) -> RequirementVersion:
    """Add the usual requirements (`keys`, or all) to the set; those that it has stay as they are."""
    present = queries.current(session, listing_id or site_id)
    kept = list(queries.read(present)) if present is not None else []
    named = {one.key for one in kept}
    offered = usual(now.date())
    unknown = sorted(set(keys or ()) - set(offered))
    if unknown:
        raise RequirementsUnfit(fields={"keys": [f"Not among the usual ones: {unknown[0]}."]})
    wanted = [one for key, one in offered.items() if keys is None or key in keys]
    return change(
        session,
        site_id=site_id,
        listing_id=listing_id,
        requirements=[*kept, *(one for one in wanted if one.key not in named)],
        note="Usual requirements adopted.",
        read=read,
        actor_id=actor_id,
        now=now,
    )


def _check(requirements: Sequence[Requirement]) -> None:
    if len(requirements) > MOST:
        raise RequirementsUnfit(fields={"requirements": [f"At most {MOST}."]})
    seen: set[str] = set()
    for number, one in enumerate(requirements):
        where = f"requirements.{number}"
        if one.key in seen:
            raise RequirementsUnfit(fields={where: [f"{one.key} is named twice."]})
        seen.add(one.key)
        if not one.omitted and not (one.alternatives and all(one.alternatives)):
            raise RequirementsUnfit(fields={where: ["Each alternative names a document."]})
