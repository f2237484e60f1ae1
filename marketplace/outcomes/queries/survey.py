"""Selects on campaigns, the frame, links and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.outcomes.models import Campaign, CohortMember, Person, SurveyAnswer, SurveyLink
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class Recipient:
    """A member with an account, who may be written to."""

    member_id: UUID
    account_id: UUID


@dataclass(frozen=True)
class Linked:
    """A link with whom it asks, about which year, and their account; None in an outside panel."""

    link: SurveyLink
    member: CohortMember
    campaign: Campaign
    account_id: UUID | None


def campaign(session: Session, campaign_id: UUID) -> Campaign | None:
    return session.get(Campaign, campaign_id)


def campaigns(session: Session, *, limit: int, cursor: str | None) -> Page[Campaign]:
    """Return the campaigns, the newest first."""
    return paginate(
        session,
        select(Campaign),
        key=[Campaign.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def campaign_of_year(session: Session, match_year: int) -> Campaign | None:
    return session.execute(
        select(Campaign).where(Campaign.match_year == match_year)
    ).scalar_one_or_none()


def member(session: Session, member_id: UUID, *, lock: bool = False) -> CohortMember | None:
    query = select(CohortMember).where(CohortMember.id == member_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def account_of(session: Session, person_id: UUID) -> UUID | None:
    """Return a person's account; None for a row of an outside panel."""
    return session.execute(select(Person.trainee_id).where(Person.id == person_id)).scalar_one()


def members_with_account(
    session: Session, campaign_id: UUID, account_id: UUID | None = None
) -> dict[UUID, CohortMember]:
    """Return account id -> member of the campaign's frame; of one account only, if it is given."""
    query = (
        select(Person.trainee_id, CohortMember)
        .join(Person, Person.id == CohortMember.person_id)
        .where(CohortMember.campaign_id == campaign_id, Person.trainee_id.is_not(None))
    )
    if account_id is not None:
        query = query.where(Person.trainee_id == account_id)
    rows = session.execute(query)
    return {account_id: member for account_id, member in rows if account_id is not None}


def members_of(session: Session, account_id: UUID) -> Sequence[CohortMember]:
    """Return an account's rows in the frames of all years, by year of their making."""
    query = select(CohortMember).join(Person, Person.id == CohortMember.person_id)
    found = session.execute(query.where(Person.trainee_id == account_id).order_by(CohortMember.id))
    return found.scalars().all()


def to_invite(session: Session, campaign_id: UUID, wave: int, limit: int) -> Sequence[Recipient]:
    """Return who still gets the wave: eligible, alive, not finished, refused or bounced."""
    has_it = select(SurveyLink.id).where(
        SurveyLink.member_id == CohortMember.id, SurveyLink.wave >= wave
    )
    rows = session.execute(
        select(CohortMember.id, Person.trainee_id)
        .join(Person, Person.id == CohortMember.person_id)
        .where(
            CohortMember.campaign_id == campaign_id,
            Person.trainee_id.is_not(None),
            CohortMember.disposition.in_(("NC_not_invited", "NC_no_reply", "P")),
            CohortMember.consent_to_contact.is_not(False),
            func.coalesce(CohortMember.frame_flag, "ok") == "ok",
            CohortMember.delivery.is_distinct_from("bounced"),
            ~has_it.exists(),
        )
        .order_by(CohortMember.id)
        .limit(limit)
    )
    return [Recipient(member_id, account) for member_id, account in rows if account is not None]


def last_wave(session: Session, campaign_id: UUID) -> int:
    """Return how many waves have gone out."""
    waves = select(func.max(SurveyLink.wave)).join(
        CohortMember, CohortMember.id == SurveyLink.member_id
    )
    found = session.execute(waves.where(CohortMember.campaign_id == campaign_id)).scalar_one()
    return found or 0


def by_link(
    session: Session, link_id: UUID, token_hash: bytes, now: datetime, *, lock: bool = False
) -> Linked | None:
    """Return what a link leads to that is good now: known by its hash, not revoked, not expired.

    One statement; with `lock` the member is locked by it.
    """
    query = (
        select(SurveyLink, CohortMember, Campaign, Person.trainee_id)
        .join(CohortMember, CohortMember.id == SurveyLink.member_id)
        .join(Campaign, Campaign.id == CohortMember.campaign_id)
        .join(Person, Person.id == CohortMember.person_id)
        .where(
            SurveyLink.id == link_id,
            SurveyLink.token_hash == token_hash,
            SurveyLink.revoked_at.is_(None),
            SurveyLink.expires_at > now,
        )
    )
    if lock:
        query = query.with_for_update(of=CohortMember).execution_options(populate_existing=True)
    row = session.execute(query).one_or_none()
    return None if row is None else Linked(*row)


def last_answer(session: Session, member_id: UUID) -> SurveyAnswer | None:
    """Return the answers that stand; None before the first save."""
    return session.execute(
        select(SurveyAnswer)
        .where(SurveyAnswer.member_id == member_id)
        .order_by(SurveyAnswer.version.desc())
        .limit(1)
    ).scalar_one_or_none()
