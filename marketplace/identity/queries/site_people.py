"""Selects on who works for a site, and whom it has invited."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select, union_all

from marketplace.core.db import Session
from marketplace.identity.models import CoordinatorInvitation, Membership, SiteInvitation
from marketplace.identity.rules import Role
from marketplace.identity.states import InvitationState


def open_invitations(session: Session, site_id: uuid.UUID) -> Sequence[SiteInvitation]:
    """Return whom a site has invited and who has not answered yet, oldest first."""
    return (
        session.execute(
            select(SiteInvitation)
            .where(
                SiteInvitation.site_id == site_id,
                SiteInvitation.state == InvitationState.OPEN.value,
            )
            .order_by(SiteInvitation.id)
        )
        .scalars()
        .all()
    )


def invited(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the address that each invitation went to, of a site's people or a school's; one query."""
    parts = (
        select(one.id, one.email).where(one.id.in_(ids))
        for one in (SiteInvitation, CoordinatorInvitation)
    )
    return {row.id: row.email for row in session.execute(union_all(*parts))}


def count_open(session: Session, site_id: uuid.UUID) -> int:
    """Return how many invitations of a site nobody has answered yet."""
    found = session.execute(
        select(func.count()).where(
            SiteInvitation.site_id == site_id,
            SiteInvitation.state == InvitationState.OPEN.value,
        )
    )
    return found.scalar_one()


def membership(session: Session, site_id: uuid.UUID, membership_id: uuid.UUID) -> Membership | None:
    """Return a membership of the site, held, whether it counts still or not."""
    return session.execute(
        select(Membership)
        .where(Membership.id == membership_id, Membership.site_id == site_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def owns(session: Session, site_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Tell whether the account is an owner of the site now."""
    found = session.execute(
        select(Membership.id).where(
            Membership.site_id == site_id,
            Membership.account_id == account_id,
            Membership.role == Role.SITE_OWNER.value,
            Membership.revoked_at.is_(None),
        )
    )
    return found.first() is not None
