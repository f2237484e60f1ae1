"""What compliance does when something happens below it: it writes the audit trail, and erases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from marketplace.catalog.events import StaffDecided
from marketplace.compliance.queries import records as queries
from marketplace.compliance.rules import Purpose
from marketplace.compliance.service import erasing, records
from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.identity.events import (
    AccountChanged,
    AccountErasing,
    CoordinatorsChanged,
    ErasureDecided,
    Impersonated,
    SitePeopleChanged,
)
from marketplace.identity.rules import ErasureStep


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


def staff_decided(session: Session, event: StaffDecided) -> None:
    """Note how an operator judged a site, or a listing of it, and why."""
    records.note(
        session,
        actor_id=event.actor_id,
        action=event.what,
        subject_kind="site",
        subject_id=event.site_id,
        detail=event.detail,
        now=event.at,
    )


def account_changed(session: Session, event: AccountChanged) -> None:
    """Note which role an operator gave or ended, or that the account was closed, and why."""
    said = {**event.detail, "reason": event.reason}
    _note(session, event.account_id, event.actor_id, f"account.{event.what}", said, event.at)


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


def erasure_decided(session: Session, event: ErasureDecided) -> None:
    """Note that an account's erasure was asked for, stopped, or has begun."""
    _note(session, event.account_id, event.actor_id, f"account.erasure_{event.what}", {}, event.at)


def account_erasing(session: Session, event: AccountErasing) -> None:
    """Destroy the keys of documents, withdraw consents; and note each step, whosever it is."""
    if event.step == ErasureStep.DOCUMENTS:
        erasing.erase(
            session, event.account_id, actor_id=event.account_id, in_use=True, now=event.at
        )
    elif event.step == ErasureStep.NOTICES:
        erasing.empty_notices(session, event.account_id)
    elif event.step == ErasureStep.CONSENTS:
        for purpose in Purpose:
            last = queries.last_consent(session, event.account_id, purpose)
            if last is not None and last.given:
                records.decide(
                    session,
                    event.account_id,
                    purpose,
                    given=False,
                    wording=last.wording,
                    now=event.at,
                )
    done = {"step": event.step}
    _note(session, event.account_id, None, "account.erased", done, event.at)


def _note(
    session: Session,
    account_id: UUID,
    actor_id: UUID | None,
    action: str,
    detail: Mapping[str, str],
    now: datetime,
) -> None:
    records.record(
        session,
        actor_id=actor_id,
        action=action,
        subject_kind="account",
        subject_id=account_id,
        detail=detail,
        now=now,
    )


SUBSCRIPTIONS: Sequence[Subscription] = (
    (CoordinatorsChanged, coordinators_changed),
    (SitePeopleChanged, site_people_changed),
    (StaffDecided, staff_decided),
    (AccountChanged, account_changed),
    (Impersonated, impersonated),
    (ErasureDecided, erasure_decided),
    (AccountErasing, account_erasing),
)
