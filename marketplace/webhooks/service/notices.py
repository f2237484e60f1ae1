"""Whom it is told by mail that an endpoint was disabled: the owners of a site, a school's people."""

from datetime import datetime

from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify_all
from marketplace.webhooks.models import WebhookEndpoint
from marketplace.webhooks.rules import trying
from marketplace.webhooks.rules.owners import Side
from marketplace.webhooks.states import DisabledFor


def disabled(session: Session, row: WebhookEndpoint, why: DisabledFor, now: datetime) -> None:
    """Say why nothing is sent any more, and where it is enabled again."""
    if row.owner.side is Side.SITE:
        people = identity.site_contacts(session, row.owner_id, Role.SITE_OWNER)
    else:
        people = schools.coordinators(session, row.owner_id)
    data = {
        "url": row.url,
        "gone": why is DisabledFor.GONE,
        "days": trying.FAILING_FOR.days,
        "page": f"webhooks/{row.owner.side.value}s/{row.owner_id}/{row.id}",
    }
    notify_all(session, people, "webhook_disabled", data, now=now)
