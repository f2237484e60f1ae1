"""What the clock does to agreements, and for what of a site they are needed."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import AgreementReminder, AgreementRule
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules.agreements import BEFORE_END, end_stage, turn_due
from marketplace.compliance.service import agreement_notices as telling
from marketplace.compliance.service import agreements
from marketplace.core.db import Session
from marketplace.core.ids import new_id

BATCH = 200
LAST_DAY = "Its last day has passed."


def remind(session: Session, signer: LinkSigner, now: datetime) -> int:
    """Send a new link to whose turn it is, once a week; return how many were sent."""
    sent = 0
    for who in queries.waiting_signers(session, BATCH):
        due = turn_due((who.asked_at or now).date(), now.date())
        if due is None or who.reminded >= due:
            continue
        who.reminded = due
        found = queries.find(session, who.agreement_id)
        agreements.ask_again(session, found, who, signer, now)
        sent += 1
    return sent


def near_the_end(session: Session, now: datetime) -> int:
    """Tell both sides sixty and thirty days before the end, and end what is over; how many."""
    today = now.date()
    done = 0
    for found in queries.ending(session, today + timedelta(days=max(BEFORE_END)), BATCH):
        if found.ends_on < today:
            agreements.over(session, found, None, LAST_DAY, now)
            done += 1
            continue
        stage = end_stage(found.ends_on, today)
        if stage is not None and _noted(session, found.id, stage, now):
            telling.ends_soon(session, found, (found.ends_on - today).days, now)
            done += 1
    return done


def require(
    session: Session, site_id: UUID, listing_id: UUID | None, *, actor_id: UUID, now: datetime
) -> None:
    """Have new bookings at the site, or of the listing, need an agreement; twice is once."""
    session.execute(
        insert(AgreementRule)
        .values(id=new_id(), site_id=site_id, listing_id=listing_id, made_by=actor_id, made_at=now)
        .on_conflict_do_nothing()
    )


def require_no_more(
    session: Session, site_id: UUID, listing_id: UUID | None, *, actor_id: UUID, now: datetime
) -> None:
    """Take a rule back; bookings that were made under it keep it."""
    for rule in queries.live_rules(session, site_id):
        if rule.listing_id == listing_id:
            rule.ended_at, rule.ended_by = now, actor_id
    session.flush()


def _noted(session: Session, agreement_id: UUID, stage: int, now: datetime) -> bool:
    made = session.execute(
        insert(AgreementReminder)
        .values(agreement_id=agreement_id, days_left=stage, sent_at=now)
        .on_conflict_do_nothing()
        .returning(AgreementReminder.days_left)
    )
    return made.scalar_one_or_none() is not None
