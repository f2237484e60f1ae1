"""Affiliation agreements: drafted from a template, signed in order by links, in force, ended.

A signer needs no account: the link that is mailed to whose turn it is shows the text and its
SHA-256, and signing sends that digest back, so that nobody signs another text than they read. Each
signature keeps who, what, when, from which address and with which program.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.compliance.errors import (
    AgreementUnfit,
    AgreementWordsChanged,
    SigningGone,
)
from marketplace.compliance.events import AgreementInForce
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import (
    Agreement,
    AgreementSignature,
    AgreementSigner,
    AgreementStep,
    AgreementTemplate,
)
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules import agreements as rules
from marketplace.compliance.rules.agreements import Signer
from marketplace.compliance.service import agreement_notices as telling
from marketplace.compliance.states import AGREEMENT, AgreementState
from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer

PURPOSE = "agreement-signing"
RENDER = "compliance.render_agreement"


@dataclass(frozen=True)
class Wanted:
    """What is to be agreed: between whom, by which template, from when to when, signed by whom."""

    school_id: UUID
    school_name: str
    site_id: UUID
    site_name: str
    values: Mapping[str, str]
    signers: Sequence[Signer]
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Trail:
    """From where a signature comes."""

    address: str
    user_agent: str


def make_template(
    session: Session,
    *,
    name: str,
    title: str,
    body: str,
    fields: Sequence[Mapping[str, str]],
    actor_id: UUID,
    now: datetime,
) -> AgreementTemplate:
    """Add a version of a template; agreements drafted from earlier ones keep theirs."""
    faults = rules.faults_of_template(body, [one["key"] for one in fields])
    if faults:
        raise AgreementUnfit(fields={"body": faults})
    made = AgreementTemplate(
        id=new_id(),
        name=name,
        number=queries.last_number(session, name) + 1,
        title=title,
        body=body,
        fields=[dict(one) for one in fields],
        made_by=actor_id,
        made_at=now,
    )
    session.add(made)
    session.flush()
    return made


def draft(
    session: Session,
    template: AgreementTemplate,
    wanted: Wanted,
    *,
    actor_id: UUID,
    now: datetime,
) -> Agreement:
    """Draft an agreement; nobody is written to. `AgreementUnfit` names what is wrong where."""
    _check(template, wanted)
    given = {
        **wanted.values,
        "school_name": wanted.school_name,
        "site_name": wanted.site_name,
        "starts_on": rules.written(wanted.starts_on),
        "ends_on": rules.written(wanted.ends_on),
    }
    body = rules.fill(template.body, given)
    parties = [f"{one.place}. {one.name} <{one.email}>, {one.role} ({one.side})"
               for one in _signers(wanted, None)]  # fmt: skip
    made = Agreement(
        id=new_id(),
        school_id=wanted.school_id,
        site_id=wanted.site_id,
        template_id=template.id,
        state=AgreementState.DRAFT.value,
        version=1,
        title=template.title,
        body=body,
        school_name=wanted.school_name,
        site_name=wanted.site_name,
        sha256=rules.digest(template.title, body, [wanted.school_name, wanted.site_name, *parties]),
        starts_on=wanted.starts_on,
        ends_on=wanted.ends_on,
        made_by=actor_id,
        made_at=now,
    )
    session.add(made)
    session.flush()
    session.add_all(_signers(wanted, made.id))
    session.add(_step(made, None, AgreementState.DRAFT, actor_id, "Drafted.", now))
    session.flush()
    return made


def send(
    session: Session, agreement_id: UUID, *, signer: LinkSigner, actor_id: UUID, now: datetime
) -> Agreement:
    """Send a draft to be signed: its text stays as it is, and the first signer has a link."""
    found = queries.find(session, agreement_id, lock=True)
    _move(session, found, AgreementState.OUT_FOR_SIGNATURE, actor_id, "Sent to be signed.", now)
    found.sent_at = now
    session.flush()
    _ask_next(session, found, signer, now)
    return found


def reading(
    session: Session, signer: LinkSigner, token: str, now: datetime
) -> tuple[Agreement, AgreementSigner]:
    """Return what a link is to sign, and as whom; nothing is changed. `SigningGone` for any other."""
    return _of_link(session, signer, token, now, lock=False)


def sign(
    session: Session,
    signer: LinkSigner,
    token: str,
    *,
    typed_name: str,
    sha256: str,
    wording: str,
    trail: Trail,
    now: datetime,
) -> Agreement:
    """Sign by a link; the next signer is asked, after the last one it is in force."""
    found, who = _of_link(session, signer, token, now, lock=True)
    if sha256 != found.sha256 or wording != rules.CONSENT_WORDING:
        raise AgreementWordsChanged(
            extra={"sha256": found.sha256, "wording": rules.CONSENT_WORDING}
        )
    session.add(
        AgreementSignature(
            signer_id=who.id,
            sha256=sha256,
            typed_name=typed_name,
            wording=wording,
            signed_at=now,
            address=trail.address,
            user_agent=trail.user_agent,
        )
    )
    who.token_hash = who.expires_at = None
    session.flush()
    if not _ask_next(session, found, signer, now):
        _take_effect(session, found, now)
    return found


def refuse(
    session: Session, signer: LinkSigner, token: str, *, reason: str, now: datetime
) -> Agreement:
    """Decline to sign, by a link: the agreement is void, and both sides are told why."""
    found, who = _of_link(session, signer, token, now, lock=True)
    _void(session, found, None, f"{who.name} declines: {reason}", now)
    return found


def void(
    session: Session, agreement_id: UUID, *, reason: str, actor_id: UUID, now: datetime
) -> Agreement:
    """Take back what is not in force yet; links stop working."""
    found = queries.find(session, agreement_id, lock=True)
    _void(session, found, actor_id, reason, now)
    return found


def end(
    session: Session, agreement_id: UUID, *, reason: str, actor_id: UUID | None, now: datetime
) -> Agreement:
    """End an agreement that is in force, from today on."""
    found = queries.find(session, agreement_id, lock=True)
    over(session, found, actor_id, reason, now)
    return found


def over(
    session: Session, found: Agreement, actor_id: UUID | None, reason: str, now: datetime
) -> None:
    """End it; the caller holds the row."""
    _move(session, found, AgreementState.ENDED, actor_id, reason, now)
    found.ended_at = now
    session.flush()
    telling.ended(session, found, reason, now)


def ask_again(
    session: Session, found: Agreement, who: AgreementSigner, signer: LinkSigner, now: datetime
) -> None:
    """Mail a new link to whose turn it is; the one before stops working."""
    expires_at = now + rules.LINK_LIFE
    token = signer.sign(PURPOSE, who.id, expires_at)
    who.token_hash, who.expires_at = fingerprint(token), expires_at
    session.flush()
    telling.asked(session, found, who, token, now)


def fingerprint(token: str) -> bytes:
    """What is kept of a link: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def _check(template: AgreementTemplate, wanted: Wanted) -> None:
    keys = [one["key"] for one in template.fields]
    wrong = {
        f"values.{key}": said for key, said in rules.faults_of_values(keys, wanted.values).items()
    }
    fault = rules.fault_of_signers(wanted.signers)
    if fault:
        wrong["signers"] = [fault]
    if wanted.ends_on < wanted.starts_on:
        wrong["ends_on"] = ["Before the first day."]
    if wrong:
        raise AgreementUnfit(fields=wrong)


def _signers(wanted: Wanted, agreement_id: UUID | None) -> list[AgreementSigner]:
    return [
        AgreementSigner(
            id=new_id(),
            agreement_id=agreement_id,
            place=place,
            side=one.side,
            name=one.name,
            email=one.email,
            role=one.role,
        )
        for place, one in enumerate(wanted.signers, start=1)
    ]


def _ask_next(session: Session, found: Agreement, signer: LinkSigner, now: datetime) -> bool:
    """Ask who is next; False if everybody has signed."""
    waiting = [one.signer for one in queries.signings(session, found.id) if one.signature is None]
    if not waiting:
        return False
    waiting[0].asked_at = now
    ask_again(session, found, waiting[0], signer, now)
    return True


def _take_effect(session: Session, found: Agreement, now: datetime) -> None:
    found.signed_at = now
    _move(session, found, AgreementState.IN_FORCE, None, "Signed by everybody.", now)
    defer(session, RENDER, agreement_id=str(found.id))
    publish(
        session,
        AgreementInForce(
            agreement_id=found.id,
            school_id=found.school_id,
            site_id=found.site_id,
            starts_on=found.starts_on,
            ends_on=found.ends_on,
            at=now,
        ),
    )


def _void(
    session: Session, found: Agreement, actor_id: UUID | None, reason: str, now: datetime
) -> None:
    sent = found.state == AgreementState.OUT_FOR_SIGNATURE
    _move(session, found, AgreementState.VOID, actor_id, reason, now)
    for one in queries.signings(session, found.id):
        one.signer.token_hash = one.signer.expires_at = None
    session.flush()
    if sent:
        telling.void(session, found, reason, now)


def _of_link(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool
) -> tuple[Agreement, AgreementSigner]:
    signer_id = signer.read(PURPOSE, token, now)
    who = queries.signer(session, signer_id) if signer_id else None
    if who is None:
        raise SigningGone
    found = queries.find(session, who.agreement_id, lock=lock)
    if lock:
        # As it is now that whoever else was at it is done.
        session.refresh(who)
    good = found.state == AgreementState.OUT_FOR_SIGNATURE and who.token_hash == fingerprint(token)
    if not good:
        raise SigningGone
    return found, who


def _move(
    session: Session,
    found: Agreement,
    to: AgreementState,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    before = AgreementState(found.state)
    AGREEMENT.check(before, to)
    found.version += 1
    session.add(_step(found, before, to, actor_id, reason, now))
    found.state = to.value
    if to is AgreementState.OUT_FOR_SIGNATURE:
        found.sent_at = now
    if to is AgreementState.ENDED:
        found.ended_at = now
    session.flush()


def _step(
    found: Agreement,
    before: AgreementState | None,
    to: AgreementState,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> AgreementStep:
    return AgreementStep(
        agreement_id=found.id,
        number=found.version,
        from_state=None if before is None else before.value,
        to_state=to.value,
        at=now,
        actor_id=actor_id,
        reason=reason,
    )
