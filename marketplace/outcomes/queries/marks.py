"""Selects on who is marked in a survey's frame, and why."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.orm import aliased

from marketplace.core.db import Session
from marketplace.outcomes.models import CohortMember, FrameMark, Person
from marketplace.web.pagination import Page, paginate


def member_of_person(session: Session, campaign_id: UUID, person_id: UUID) -> CohortMember | None:
    return session.execute(
        select(CohortMember).where(
            CohortMember.campaign_id == campaign_id, CohortMember.person_id == person_id
        )
    ).scalar_one_or_none()


def last(session: Session, member_id: UUID) -> FrameMark | None:
    """Return what was recorded of a member last."""
    return session.execute(
        select(FrameMark)
        .where(FrameMark.member_id == member_id)
        .order_by(FrameMark.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def history(
    session: Session, campaign_id: UUID, *, limit: int, cursor: str | None
) -> Page[FrameMark]:
    """Return all that was recorded of a campaign's members, newest first."""
    query = select(FrameMark).join(CohortMember, CohortMember.id == FrameMark.member_id)
    return paginate(
        session,
        query.where(CohortMember.campaign_id == campaign_id),
        key=[FrameMark.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def people(
    session: Session, marks: Sequence[FrameMark]
) -> dict[UUID, Row[UUID, UUID, UUID | None]]:
    """Return member id -> person and account, for all whom the marks name; one query."""
    ids = {one.member_id for one in marks} | {one.duplicate_of for one in marks}
    rows = session.execute(
        select(CohortMember.id, Person.id.label("person_id"), Person.trainee_id.label("account_id"))
        .join(Person, Person.id == CohortMember.person_id)
        .where(CohortMember.id.in_(ids - {None}))
    ).all()
    return {row.id: row for row in rows}


def marked_before(
    session: Session, campaign_id: UUID
) -> Sequence[tuple[CohortMember, FrameMark, UUID | None]]:
    """Return unmarked members who joined when they were marked in another frame already.

    Each with that mark, the last of the person's, and the person whose duplicate they are.
    """
    fresh, other, kept = CohortMember, aliased(CohortMember), aliased(CohortMember)
    mine, later, theirs = aliased(FrameMark), aliased(FrameMark), aliased(CohortMember)
    own = select(mine.id).where(mine.member_id == fresh.id)
    after = (
        select(later.id)
        .join(theirs, theirs.id == later.member_id)
        .where(theirs.person_id == fresh.person_id, later.id > FrameMark.id)
    )
    rows = session.execute(
        select(fresh, FrameMark, kept.person_id)
        .join(other, and_(other.person_id == fresh.person_id, other.id != fresh.id))
        .join(FrameMark, FrameMark.member_id == other.id)
        .outerjoin(kept, kept.id == FrameMark.duplicate_of)
        .where(
            fresh.campaign_id == campaign_id,
            FrameMark.flag != "ok",
            FrameMark.recorded_at <= fresh.joined_at,
            ~own.exists(),
            ~after.exists(),
        )
        .order_by(fresh.id)
    )
    return [(member, mark, person) for member, mark, person in rows]
