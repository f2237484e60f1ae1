"""Issuing papers: numbered, frozen, replaced when the facts have changed, revoked.

The file is made afterwards by a job (`files`). Of two who issue the same paper at once one does.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.booking.states import BookingState
from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.parts import parts_of
from marketplace.core.settings import Settings
from marketplace.core.states import plain
from marketplace.identity.service.notices import notify
from marketplace.outcomes.errors import (
    DocumentsMissing,
    PaperKept,
    PaperNotDue,
    PaperWasRevoked,
)
from marketplace.outcomes.models import Paper, PaperSequence
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.rules import papers as rules
from marketplace.outcomes.rules.papers import PaperKind, Wording
from marketplace.outcomes.service.papers.facts import Subject, missing_documents, subject

RENDER = "outcomes.render_paper"
NOTICE = "paper_taken_back"
ISSUE_DUE = "outcomes.issue_papers"
_S = BookingState
DUE = {
    PaperKind.ACCEPTANCE: frozenset({_S.CONFIRMED, _S.IN_PROGRESS, _S.COMPLETED}),
    PaperKind.VISA: frozenset({_S.CONFIRMED}),
    PaperKind.COMPLETION: frozenset({_S.COMPLETED}),
}
# Issued without being asked for; a visa letter is for those who ask.
BY_ITSELF = (PaperKind.ACCEPTANCE, PaperKind.COMPLETION)


def issue(session: Session, booking_id: UUID, kind: PaperKind, now: datetime) -> Paper:
    """Return the booking's paper of a kind: the present one, or a new revision if facts changed.

    `PaperNotDue` in another state, `DocumentsMissing` for a visa letter, `PaperWasRevoked` where
    an operator took the last one back.
    """
    about = subject(session, booking_id)
    if about.state not in DUE[kind]:
        raise PaperNotDue(
            f"The booking is {plain(about.state)}.", extra={"state": about.state.value}
        )
    if kind is PaperKind.VISA and (missing := missing_documents(session, booking_id, now)):
        raise DocumentsMissing("Missing: " + ", ".join(missing) + ".", extra={"missing": missing})
    return _issue(session, about, kind, now)


def issue_due(session: Session, booking_id: UUID, now: datetime) -> None:
    """Issue what a booking gets by itself, and anew what it has and is no longer right."""
    about = subject(session, booking_id)
    for kind, states in DUE.items():
        present = queries.last(session, booking_id, kind)
        wanted = kind in BY_ITSELF or present is not None
        taken_back = present is not None and present.revoked_at is not None
        if about.state in states and wanted and not taken_back:
            _issue(session, about, kind, now)


def make(
    session: Session,
    kind: PaperKind,
    words: Wording,
    *,
    account_id: UUID,
    site_id: UUID,
    now: datetime,
    booking_id: UUID | None = None,
    revision: int = 1,
    facts: dict[str, Any] | None = None,
) -> Paper:
    """Number a paper, freeze what it says, and have its file made."""
    settings = parts_of(session).get(Settings)
    number = _next_number(session, kind)
    code = rules.new_code()
    paper_id = new_id()
    shown = rules.number_of(kind, number)
    paper = Paper(
        id=paper_id,
        kind=kind.value,
        booking_id=booking_id,
        account_id=account_id,
        site_id=site_id,
        number=number,
        revision=revision,
        code_digest=rules.digest_of(code),
        content={
            "title": rules.TITLES[kind],
            "number": shown,
            "revision": revision,
            "issuer": settings.legal_entity,
            "issued_on": rules.day(now.date()),
            "code": code,
            "check_address": f"{settings.public_url.rstrip('/')}/check/{code}",
            "facts": facts or {},
            **words.to_json(),
        },
        object_key=f"papers/{paper_id}/{kind.value.replace('_', '-')}-{shown}.pdf",
        issued_at=now,
    )
    session.add(paper)
    session.flush()
    defer(session, RENDER, paper_id=str(paper.id))
    return paper


def revoke_all(session: Session, booking_id: UUID, reason: str, now: datetime) -> None:
    """Revoke what was issued for a booking that is no more; in the transaction of its end."""
    session.execute(
        update(Paper)
        .where(Paper.booking_id == booking_id, Paper.revoked_at.is_(None))
        .values(revoked_at=now, revocation_reason=reason),
        execution_options={"synchronize_session": False},
    )


def revoke(
    session: Session, paper_id: UUID, *, reason: str, actor_id: UUID, now: datetime
) -> Paper:
    """Take a paper back for good, on record; `PaperKept` if it was already.

    Whose it is gets a mail with the reason, unless it is they who do it.
    """
    paper = queries.paper(session, paper_id)
    if paper is None:
        raise NotFound
    if paper.revoked_at is not None:
        raise PaperKept
    paper.revoked_at, paper.revoked_by, paper.revocation_reason = now, actor_id, reason
    session.flush()
    compliance.record(
        session,
        actor_id=actor_id,
        action="paper.revoked",
        subject_kind="paper",
        subject_id=paper_id,
        detail={"reason": reason},
        now=now,
    )
    if paper.account_id != actor_id:
        said = {name: paper.content[name] for name in ("title", "number", "check_address")}
        notify(session, paper.account_id, NOTICE, {**said, "reason": reason}, now=now)
    return paper


def kind_of(name: str) -> PaperKind:
    """Return the kind that is issued for a booking by this name; `Invalid` for another."""
    if name not in set(DUE):
        raise Invalid(fields={"kind": [f"One of {', '.join(sorted(DUE))}."]})
    return PaperKind(name)


def _issue(session: Session, about: Subject, kind: PaperKind, now: datetime) -> Paper:
    words = rules.wording(kind, about.facts)
    stated = words.to_json()
    present = queries.last(session, about.booking_id, kind)
    if present is not None:
        if present.revoked_at is not None:
            raise PaperWasRevoked
        if all(present.content[name] == said for name, said in stated.items()):
            return present
    return make(
        session,
        kind,
        words,
        account_id=about.trainee_id,
        site_id=about.site_id,
        now=now,
        booking_id=about.booking_id,
        revision=present.revision + 1 if present else 1,
        facts={
            "tier": about.facts.tier,
            "first_day": about.facts.first_day.isoformat(),
            "last_day": about.facts.last_day.isoformat(),
            "rotation": about.facts.rotation,
        },
    )


def _next_number(session: Session, kind: PaperKind) -> int:
    return session.execute(
        upsert(PaperSequence)
        .values(kind=kind.value, last_number=1)
        .on_conflict_do_update(
            constraint="pk_paper_sequence",
            set_={"last_number": PaperSequence.last_number + 1},
        )
        .returning(PaperSequence.last_number)
    ).scalar_one()
