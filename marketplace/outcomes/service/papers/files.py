"""The files of papers: set and stored by a job, read by whoever has a link that ends soon."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.compliance.errors import LinkExpired
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import notify
from marketplace.outcomes.errors import PaperNotReady
from marketplace.outcomes.gateway import CredentialSigner, LinkSigner
from marketplace.outcomes.models import Paper
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.rules import badges
from marketplace.outcomes.rules.papers import TEMPLATES, PaperKind
from marketplace.web.api import PREFIX

READ = "paper-read"
LIFE = timedelta(minutes=5)
NOTICE = "paper_issued"
SALT_BYTES = 12


@dataclass(frozen=True)
class Link:
    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Printed:
    """What a renderer is given: which template, with which data; `key` is where the file goes."""

    template: str
    data: dict[str, Any]
    key: str


def addresses(settings: Settings) -> badges.Addresses:
    return badges.Addresses(f"{settings.public_url.rstrip('/')}{PREFIX}/public/badges")


def to_print(session: Session, paper_id: UUID) -> Printed | None:
    """Return what is to be set for a paper; None if that is done."""
    paper = queries.paper(session, paper_id)
    if paper is None or paper.stored_at is not None:
        return None
    data = {
        name: paper.content[name]
        for name in ("title", "number", "revision", "issuer", "issued_on", "code", "rows",
                     "paragraphs", "notes", "check_address")
    }  # fmt: skip
    return Printed(
        TEMPLATES[PaperKind(paper.kind)], {**data, "qr": data["check_address"]}, paper.object_key
    )


def stored(
    session: Session, paper_id: UUID, signer: CredentialSigner, settings: Settings, now: datetime
) -> None:
    """Note that a paper's file is stored, sign its credential, and tell whose it is; once."""
    paper = queries.paper(session, paper_id)
    if paper is None or paper.stored_at is not None:
        return
    if paper.kind == PaperKind.COMPLETION:
        paper.credential = _credential(session, paper, signer, settings)
    paper.stored_at = now
    session.flush()
    notify(
        session,
        paper.account_id,
        NOTICE,
        {
            "title": paper.content["title"],
            "number": paper.content["number"],
            "check_address": paper.content["check_address"],
            "replaces": paper.revision > 1,
        },
        [paper.object_key],
        now=now,
    )


def link(
    session: Session, signer: LinkSigner, paper: Paper, *, account_id: UUID, now: datetime
) -> Link:
    """Return a link to a paper's file that works for minutes; who asked is recorded."""
    if paper.stored_at is None:
        raise PaperNotReady
    compliance.record(
        session,
        actor_id=account_id,
        action="paper.read",
        subject_kind="paper",
        subject_id=paper.id,
        detail={"number": paper.content["number"]},
        now=now,
    )
    ends = now + LIFE
    return Link(signer.sign(READ, paper.id, ends), ends)


def linked(session: Session, signer: LinkSigner, token: str, now: datetime) -> Paper:
    """Return the paper that a link is for; `LinkExpired`, and `NotFound` for a forged one."""
    if signer.is_over(READ, token, now):
        raise LinkExpired
    paper_id = signer.read(READ, token, now)
    paper = queries.paper(session, paper_id) if paper_id is not None else None
    if paper is None or paper.stored_at is None:
        raise NotFound
    return paper


def _credential(
    session: Session, paper: Paper, signer: CredentialSigner, settings: Settings
) -> str:
    person = identity.contact(session, paper.account_id)
    if person is None:
        raise NotFound
    facts = paper.content["facts"]
    where = addresses(settings)
    award = badges.Award(
        paper_id=paper.id,
        tier=facts["tier"],
        title=facts["rotation"],
        email=person.email,
        salt=secrets.token_urlsafe(SALT_BYTES),
        first_day=date.fromisoformat(facts["first_day"]),
        last_day=date.fromisoformat(facts["last_day"]),
        issued_at=paper.issued_at,
        check_address=paper.content["check_address"],
    )
    claims = badges.credential(award, where, paper.content["issuer"], settings.public_url)
    return signer.sign(claims, where.keys)
