"""Selects of agreements: templates, signers, what is in force, what has to be reminded of."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from marketplace.compliance.models import (
    Agreement,
    AgreementRule,
    AgreementSignature,
    AgreementSigner,
    AgreementStep,
    AgreementTemplate,
)
from marketplace.compliance.states import AgreementState
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True)
class Term:
    """An agreement that is in force, and for which days."""

    id: UUID
    school_id: UUID
    site_id: UUID
    starts_on: date
    ends_on: date

    def covers(self, school_id: UUID, site_id: UUID, first_day: date, last_day: date) -> bool:
        """Whether a rotation there of one of the school's, on these days, is under it."""
        same = (self.school_id, self.site_id) == (school_id, site_id)
        return same and self.starts_on <= first_day and last_day <= self.ends_on


@dataclass(frozen=True)
class Signing:
    """A signer, and the signature if it is given."""

    signer: AgreementSigner
    signature: AgreementSignature | None


def template(session: Session, template_id: UUID) -> AgreementTemplate:
    found = session.get(AgreementTemplate, template_id)
    if found is None:
        raise NotFound
    return found


def last_number(session: Session, name: str) -> int:
    """The newest version's number of a template; 0 where there is none."""
    query = select(func.max(AgreementTemplate.number)).where(AgreementTemplate.name == name)
    return session.execute(query).scalar() or 0


def templates(session: Session) -> Sequence[AgreementTemplate]:
    """Return the newest version of each template, by name."""
    newest = (
        select(AgreementTemplate.name, func.max(AgreementTemplate.number).label("number"))
        .group_by(AgreementTemplate.name)
        .subquery()
    )
    return (
        session.execute(
            select(AgreementTemplate)
            .join(
                newest,
                (newest.c.name == AgreementTemplate.name)
                & (newest.c.number == AgreementTemplate.number),
            )
            .order_by(AgreementTemplate.name)
        )
        .scalars()
        .all()
    )


def find(session: Session, agreement_id: UUID, *, lock: bool = False) -> Agreement:
    """Return the agreement; `NotFound` if there is none."""
    found = session.get(
        Agreement,
        agreement_id,
        with_for_update=True if lock else None,
        populate_existing=lock,
    )
    if found is None:
        raise NotFound
    return found


def page(
    session: Session,
    *,
    school_id: UUID | None = None,
    site_id: UUID | None = None,
    limit: int,
    cursor: str | None,
) -> Page[Agreement]:
    """Return the agreements of a school or a site, the newest first; one query."""
    query = select(Agreement)
    if school_id is not None:
        query = query.where(Agreement.school_id == school_id)
    if site_id is not None:
        query = query.where(Agreement.site_id == site_id)
    return paginate(
        session,
        query,
        key=[Agreement.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def signings(session: Session, agreement_id: UUID) -> list[Signing]:
    """Return the signers in their order, with the signatures; one query."""
    rows = session.execute(
        select(AgreementSigner, AgreementSignature)
        .outerjoin(AgreementSignature, AgreementSignature.signer_id == AgreementSigner.id)
        .where(AgreementSigner.agreement_id == agreement_id)
        .order_by(AgreementSigner.place),
        execution_options={"populate_existing": True},
    )
    return [Signing(row[0], row[1]) for row in rows]


def signer(session: Session, signer_id: UUID) -> AgreementSigner | None:
    return session.get(AgreementSigner, signer_id, populate_existing=True)


def steps(session: Session, agreement_id: UUID) -> Sequence[AgreementStep]:
    """Return the agreement's history, oldest first."""
    return (
        session.execute(
            select(AgreementStep)
            .where(AgreementStep.agreement_id == agreement_id)
            .order_by(AgreementStep.number)
        )
        .scalars()
        .all()
    )


def in_force(
    session: Session, school_ids: Collection[UUID], site_ids: Collection[UUID]
) -> list[Term]:
    """Return what is in force between these schools and sites; one query."""
    rows = session.execute(
        select(
            Agreement.id,
            Agreement.school_id,
            Agreement.site_id,
            Agreement.starts_on,
            Agreement.ends_on,
        ).where(
            Agreement.state == AgreementState.IN_FORCE,
            Agreement.school_id.in_(school_ids),
            Agreement.site_id.in_(site_ids),
        )
    )
    return [Term(*row) for row in rows]


def live_rules(session: Session, site_id: UUID) -> Sequence[AgreementRule]:
    """Return for what of a site an agreement is needed now."""
    return (
        session.execute(
            select(AgreementRule)
            .where(AgreementRule.site_id == site_id, AgreementRule.ended_at.is_(None))
            .order_by(AgreementRule.id)
        )
        .scalars()
        .all()
    )


def waiting_signers(session: Session, limit: int) -> Sequence[AgreementSigner]:
    """Return those whose turn it is, the longest-waiting first."""
    signed = select(AgreementSignature.signer_id)
    return (
        session.execute(
            select(AgreementSigner)
            .join(Agreement, Agreement.id == AgreementSigner.agreement_id)
            .where(
                Agreement.state == AgreementState.OUT_FOR_SIGNATURE,
                AgreementSigner.asked_at.is_not(None),
                AgreementSigner.id.not_in(signed),
            )
            .order_by(AgreementSigner.asked_at)
            .limit(limit)
            .with_for_update(of=AgreementSigner, skip_locked=True)
        )
        .scalars()
        .all()
    )


def ending(session: Session, until: date, limit: int) -> Sequence[Agreement]:
    """Return what is in force and ends by `until`, rows that nobody else works on, held."""
    return (
        session.execute(
            select(Agreement)
            .where(Agreement.state == AgreementState.IN_FORCE, Agreement.ends_on <= until)
            .order_by(Agreement.ends_on, Agreement.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )
