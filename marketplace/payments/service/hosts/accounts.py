"""A site's account at the processor: asked for, onboarded by a link, and watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.identity import queries as people
from marketplace.identity.rules import Role
from marketplace.identity.service import notices
from marketplace.payments.events import HostPayout
from marketplace.payments.gateway import OnboardingLink, ProcessorAccount
from marketplace.payments.models import HostAccount
from marketplace.payments.queries import hosts
from marketplace.payments.service.hosts import moves, transfers
from marketplace.payments.service.quarantine import put_aside

NEEDS_ATTENTION = "payouts_need_attention"
PAYOUT_FAILED = "payout_failed"
READY = "payouts_ready"
# How long nothing is heard of an account before the processor is asked.
UNREADY_FOR = timedelta(hours=1)
SEEN_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OnboardingPlan:
    """What to ask the processor for: an account, where there is none yet, and a link to it."""

    site_id: UUID
    key: str
    account: str | None
    email: str
    repeat: bool


def ask_onboarding(
    session: Session, site_id: UUID, *, asked_by: UUID, now: datetime
) -> HostAccount:
    """Ask for a link at which the host gives the processor what it asks for; a job gets it.

    Asked again while it is waited for, it is the same question.
    """
    hosts.lock_host(session, site_id)
    row = hosts.host_account(session, site_id)
    if row is None:
        row = HostAccount(site_id=site_id, asked_by=asked_by, asked_at=now, due=[])
        session.add(row)
    row.link_asked_at, row.link_url, row.link_expires_at, row.refused = now, None, None, None
    session.flush()
    defer(session, moves.OPEN_ONBOARDING, lock=f"host:{site_id}", site_id=str(site_id))
    return row


def plan_onboarding(session: Session, site_id: UUID) -> OnboardingPlan | None:
    """Write down that we are about to call; None if nobody waits for a link."""
    hosts.lock_host(session, site_id)
    row = hosts.host_account(session, site_id)
    if row is None or row.link_asked_at is None:
        return None
    contact = people.contact(session, row.asked_by)
    if contact is None:
        return None
    row.attempts += 1
    session.flush()
    return OnboardingPlan(
        site_id, f"account:{site_id}", row.processor_account, contact.email, row.attempts > 1
    )


def take_link(session: Session, site_id: UUID, link: OnboardingLink, now: datetime) -> None:
    """Keep the link for the host to follow."""
    hosts.lock_host(session, site_id)
    row = hosts.host_account(session, site_id)
    if row is not None:
        row.link_url, row.link_expires_at = link.url, now + link.lives
        row.link_asked_at = None
        session.flush()


def refuse_onboarding(session: Session, site_id: UUID, reason: str) -> None:
    """The processor makes no account, or no link, for this site: the host reads why."""
    hosts.lock_host(session, site_id)
    row = hosts.host_account(session, site_id)
    if row is not None:
        row.refused, row.link_asked_at = reason, None
        session.flush()


def take_account(session: Session, site_id: UUID, seen: ProcessorAccount, *, now: datetime) -> str:
    """Bring the account to what the processor shows; what waits for it is sent where it can be.

    The host's owners are told when it becomes able to receive money, and when it no longer is.
    """
    hosts.lock_host(session, site_id)
    row = hosts.host_account(session, site_id)
    if row is None or row.processor_account not in {None, seen.id} or seen.site_id != site_id:
        put_aside(
            session,
            processor_object=seen.id,
            reason="host_account",
            details={"site": str(site_id), "names_site": str(seen.site_id)},
            now=now,
        )
        return "invalid"
    before = (row.transfers_enabled, row.payouts_enabled)
    row.processor_account = seen.id
    row.details_submitted = seen.details_submitted
    row.transfers_enabled, row.payouts_enabled = seen.transfers, seen.payouts
    row.due, row.due_by = list(seen.due), seen.due_by
    row.disabled_reason, row.seen_at = seen.disabled_reason, now
    session.flush()
    if seen.transfers:
        transfers.send_waiting(session, site_id, now=now)
    _tell_change(session, row, before, now)
    return "able" if seen.transfers else "not able"


def ask_again(session: Session, *, now: datetime, limit: int) -> int:
    """Have accounts looked at whose events may have been lost; return how many."""
    stale = hosts.stale_accounts(session, now - UNREADY_FOR, now - SEEN_WITHIN, limit)
    for site_id in stale:
        defer(session, moves.LOOK_AT_ACCOUNT, lock=f"host:{site_id}", site_id=str(site_id))
    return len(stale)


def note_payout(
    session: Session, row: HostAccount, kind: str, payout: Mapping[str, Any], at: datetime
) -> str:
    """Note that the host's own bank took a payout, or gave one back: it stays owed to them there."""
    hosts.lock_host(session, row.site_id)
    session.refresh(row)
    if row.payout_told_at is not None and row.payout_told_at > at:
        return "older than what is known"
    if kind == "payout.failed":
        reason = payout.get("failure_message") or payout.get("failure_code") or "unknown"
        row.payout_failure, row.payout_told_at = str(reason), at
        publish(session, HostPayout(row.site_id, at, row.payout_failure))
        session.flush()
        _tell(session, row.site_id, PAYOUT_FAILED, {"reason": row.payout_failure}, at)
        return "payout failed"
    if kind == "payout.paid":
        row.payout_failure, row.payout_told_at = None, at
        publish(session, HostPayout(row.site_id, at))
        session.flush()
        return "paid out"
    return "nothing to note"


def _tell_change(
    session: Session, row: HostAccount, before: tuple[bool, bool], now: datetime
) -> None:
    after = (row.transfers_enabled, row.payouts_enabled)
    if after == before:
        return
    if all(after):
        _tell(session, row.site_id, READY, {}, now)
    elif any(was and not is_now for was, is_now in zip(before, after, strict=True)):
        reason = {"reason": row.disabled_reason or "requirements"}
        _tell(session, row.site_id, NEEDS_ATTENTION, reason, now)


def _tell(
    session: Session, site_id: UUID, template: str, data: Mapping[str, Any], now: datetime
) -> None:
    owners = people.site_contacts(session, site_id, Role.SITE_OWNER)
    notices.notify_all(session, owners, template, {"site_id": str(site_id), **data}, now=now)
