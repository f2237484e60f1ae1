"""Selects on invitations by a mailed link: to work for a site, to act for a school."""

import uuid
from typing import TypeVar

from sqlalchemy import ColumnElement, select

from marketplace.core.db import Session
from marketplace.identity.models import CoordinatorInvitation, SiteInvitation
from marketplace.identity.states import InvitationState

Kind = TypeVar("Kind", SiteInvitation, CoordinatorInvitation)


def find(
    session: Session, kind: type[Kind], invitation_id: uuid.UUID, *, lock: bool = False
) -> Kind | None:
    """Return an invitation, its row held with `lock`; None if there is none."""
    return session.get(
        kind,
        invitation_id,
        with_for_update=True if lock else None,
        populate_existing=lock,
    )


def still_open(
    session: Session, kind: type[Kind], place: ColumnElement[bool], email: str
) -> Kind | None:
    """Return the open invitation of an address to a place, its row held; None if there is none."""
    return session.execute(
        select(kind)
        .where(place, kind.email == email, kind.state == InvitationState.OPEN.value)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
