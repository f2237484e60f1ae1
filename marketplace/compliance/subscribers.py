"""What compliance does when something happens below it: it writes the audit trail."""

from collections.abc import Sequence

from marketplace.compliance.service import records
from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.identity.events import CoordinatorsChanged, Impersonated, SitePeopleChanged


def coordinators_changed(session: Session, event: CoordinatorsChanged) -> None:
    """Note who changed who acts for a school, in the transaction of the change."""
    about = {"account_id": event.account_id, "invitation_id": event.invitation_id}
    records.record(
        session,
        actor_id=event.actor_id,
        action=f"school_coordinator.{event.what}",
        subject_kind="school",
        subject_id=event.school_id,
        detail={name: str(value) for name, value in about.items() if value is not None},
        now=event.at,
    )


def site_people_changed(session: Session, event: SitePeopleChanged) -> None:
    """Note who changed who works for a site, in the transaction of the change."""
    about = {
        "role": event.role,
        "account_id": event.account_id,
        "invitation_id": event.invitation_id,
    }
    records.record(
        session,
        actor_id=event.actor_id,
        action=f"site_people.{event.what}",
        subject_kind="site",
        subject_id=event.site_id,
        detail={name: str(value) for name, value in about.items() if value is not None},
        now=event.at,
    )


def impersonated(session: Session, event: Impersonated) -> None:
    """Note what an operator saw as another account: both stand in the entry."""
    records.record(
        session,
        actor_id=event.operator_id,
        action=f"impersonation.{event.what}",
        subject_kind="account",
        subject_id=event.account_id,
        detail={"impersonation_id": str(event.impersonation_id), **event.detail},
        now=event.at,
    )


SUBSCRIPTIONS: Sequence[Subscription] = (
    (CoordinatorsChanged, coordinators_changed),
    (SitePeopleChanged, site_people_changed),
    (Impersonated, impersonated),
)
