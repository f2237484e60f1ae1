"""Whom a site has invited to work for it here."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk
from marketplace.identity.rules import SITE_ROLES
from marketplace.identity.states import InvitationState

STATES = ", ".join(f"'{state.value}'" for state in InvitationState)
ROLES = ", ".join(f"'{role.value}'" for role in sorted(SITE_ROLES))


class SiteInvitation(Base):
    """Somebody whom a site's owner has invited, with which role; one open invitation an address.

    It is good only as long as whoever sent it is an owner of the site.
    """

    __tablename__ = "site_invitation"
    __table_args__ = (
        CheckConstraint(f"role IN ({ROLES})", name="role"),
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'accepted') = (account_id IS NOT NULL)", name="accepted"),
        Index(
            "uq_site_invitation_open",
            "site_id",
            "email",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    email: Mapped[str]
    role: Mapped[str]
    state: Mapped[str]
    # What is kept of the link that was mailed last.
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    invited_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]
