"""Asking for a letter and answering: everything but its content (`letter_files`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity
from marketplace.identity.service.notices import FALLBACK, notify, notify_address
from marketplace.outcomes.errors import AuthorRefused, LetterNotOpen, WaiverFixed
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Letter, LetterLink
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import LINK_LIFE, fingerprint, new_code
from marketplace.outcomes.service import letter_packets
from marketplace.outcomes.service.rotations import Rotation, rotation
from marketplace.outcomes.states import LETTER, LetterState

UPLOAD = "letter-upload"
HOSTS = ("coordinator", "site_owner", "preceptor")
# While there is no letter yet; while its author may upload.
OPEN = (LetterState.ASKED, LetterState.AGREED)
AWAITED = (LetterState.AGREED, LetterState.UPLOADED)


@dataclass(frozen=True)
class Answer:
    """What a host says to a request: who writes it and how strong it will be, or why not."""

    agreed: bool
    author_name: str | None = None
    author_email: str | None = None
    strong: bool | None = None
    reason: str | None = None
    author_locale: str | None = None


def ask(
    session: Session,
    about: Rotation,
    *,
    waived: bool,
    message: str,
    packet: Mapping[str, Any],
    specialty: str | None,
    due_on: date | None,
    now: datetime,
) -> Letter:
    """Ask the host for a letter on a completed rotation; the waiver is chosen here.

    `packet` is what the author will see: a personal statement and a case summary in words, and
    documents of the trainee's own, by their ids. One open request a booking (`LetterOpen`).
    """
    about.require_completed()
    letter_packets.check(session, about.trainee_id, packet)
    letter = Letter(
        id=new_id(),
        letter_code=new_code(),
        booking_id=about.booking_id,
        trainee_id=about.trainee_id,
        site_id=about.site_id,
        state=LetterState.ASKED.value,
        waived=waived,
        packet=letter_packets.kept(packet),
        message=message,
        specialty=specialty,
        due_on=due_on,
        asked_at=now,
    )
    session.add(letter)
    session.flush()
    letter_packets.note(session, letter, now)
    for host in identity.site_contacts(session, about.site_id, *HOSTS):
        notify(
            session,
            host.account_id,
            "letter_asked",
            {
                **_described(session, letter, about),
                "letter_id": str(letter.id),
                "message": message,
            },
            now=now,
        )
    return letter


def answer(
    session: Session, letter_id: UUID, reply: Answer, *, signer: LinkSigner, now: datetime
) -> Letter:
    """Agree, naming the author, who gets a link to upload; or refuse, with a reason.

    The author is named by the host, never by the trainee: nobody writes their own letter.
    """
    letter = _locked(session, letter_id)
    state = LetterState.AGREED if reply.agreed else LetterState.REFUSED
    LETTER.check(LetterState(letter.state), state)
    letter.answered_at = now
    letter.strong = reply.strong
    if not reply.agreed:
        letter.refusal_reason = reply.reason
        letter.state = state.value
        tell_trainee(session, letter, "letter_refused", now)
        return letter
    _name_author(session, letter, reply)
    letter.state = state.value
    tell_trainee(session, letter, "letter_agreed", now)
    send_link(session, letter, signer=signer, now=now)
    return letter


def name_another(
    session: Session, letter_id: UUID, reply: Answer, *, signer: LinkSigner, by: UUID, now: datetime
) -> Letter:
    """Have somebody else write it, or the same person be written to elsewhere, while there is none.

    The new author is mailed a link; those of the one before stop working, who is told, and what
    they answered counts no more. `LetterNotOpen` in any other state than agreed.
    """
    letter = _locked(session, letter_id)
    if letter.state != LetterState.AGREED:
        raise LetterNotOpen(f"The letter is {letter.state}.", extra={"state": letter.state})
    before = letter.author_name or "", letter.author_email or "", letter.author_locale
    _name_author(session, letter, reply)
    letter.strong = reply.strong
    letter.author_strong = letter.author_answered_at = None
    compliance.record(
        session,
        actor_id=by,
        action="letter.author_changed",
        subject_kind="letter",
        subject_id=letter.id,
        now=now,
    )
    if before[1] != letter.author_email:
        notify_address(
            session,
            before[1],
            "letter_passed_on",
            {"letter_code": letter.letter_code},
            now=now,
            name=before[0],
            locale=before[2] or FALLBACK,
        )
    tell_trainee(session, letter, "letter_agreed", now)
    send_link(session, letter, signer=signer, now=now)
    return letter


def send_link(
    session: Session,
    letter: Letter,
    *,
    signer: LinkSigner,
    now: datetime,
    template: str = "letter_request",
    more: Mapping[str, str] | None = None,
    keep: bool = False,
) -> LetterLink:
    """Mail the author a new link for uploading; links sent before stop working, unless `keep`.

    `more` is what else only the author may see. `LetterNotOpen` where nothing is to be uploaded.
    """
    if letter.state not in AWAITED:
        raise LetterNotOpen(f"The letter is {letter.state}.", extra={"state": letter.state})
    if letter.author_email is None or letter.author_name is None:
        raise AuthorRefused
    if not keep:
        revoke_links(session, letter, now)
    link_id, expires_at = new_id(), now + LINK_LIFE
    token = signer.sign(UPLOAD, link_id, expires_at)
    link = LetterLink(
        id=link_id,
        letter_id=letter.id,
        token_hash=fingerprint(token),
        expires_at=expires_at,
        made_at=now,
    )
    session.add(link)
    session.flush()
    about = rotation(session, letter.booking_id)
    notify_address(
        session,
        letter.author_email,
        template,
        {
            **_described(session, letter, about),
            "expires_at": expires_at.isoformat(),
        },
        now=now,
        name=letter.author_name,
        locale=letter.author_locale or FALLBACK,
        time_zone=letter.author_time_zone or about.time_zone,
        secret={"token": token, **(more or {})},
    )
    return link


def revoke_links(session: Session, letter: Letter, now: datetime) -> None:
    """Let the links that were mailed to the author stop working."""
    for link in queries.live_links(session, letter.id):
        link.revoked_at = now
    session.flush()


def change_packet(
    session: Session, letter_id: UUID, packet: Mapping[str, Any], now: datetime
) -> Letter:
    """Give the author another packet, while there is no letter; `LetterNotOpen` afterwards.

    Which documents were released to the author, and when, is in the trail.
    """
    letter = _locked(session, letter_id)
    if letter.state not in OPEN:
        raise LetterNotOpen(f"The letter is {letter.state}.", extra={"state": letter.state})
    letter_packets.check(session, letter.trainee_id, packet)
    letter.packet = letter_packets.kept(packet)
    session.flush()
    letter_packets.note(session, letter, now)
    return letter


def choose_waiver(session: Session, letter_id: UUID, *, waived: bool) -> Letter:
    """Change the choice while there is no letter yet; `WaiverFixed` afterwards."""
    letter = _locked(session, letter_id)
    if letter.uploaded_at is not None:
        raise WaiverFixed
    letter.waived = waived
    session.flush()
    return letter


def withdraw(session: Session, letter_id: UUID, now: datetime) -> Letter:
    """Take a request back before the letter exists; links stop working."""
    letter = _locked(session, letter_id)
    LETTER.check(LetterState(letter.state), LetterState.WITHDRAWN)
    letter.state = LetterState.WITHDRAWN.value
    revoke_links(session, letter, now)
    return letter


def _name_author(session: Session, letter: Letter, reply: Answer) -> None:
    trainee = identity.contact(session, letter.trainee_id)
    name, email = (reply.author_name or "").strip(), (reply.author_email or "").strip().lower()
    if not name or not email:
        raise AuthorRefused("Name the author and an address.", fields={"author_email": ["Needed."]})
    if trainee is not None and trainee.email == email:
        raise AuthorRefused(fields={"author_email": ["This is the trainee's own address."]})
    letter.author_name, letter.author_email = name, email
    account = identity.account_by_email(session, email)
    if account is None:
        letter.author_locale = reply.author_locale or FALLBACK
        letter.author_time_zone = rotation(session, letter.booking_id).time_zone
    else:
        letter.author_locale = reply.author_locale or account.locale
        letter.author_time_zone = account.time_zone


def _locked(session: Session, letter_id: UUID) -> Letter:
    letter = queries.letter(session, letter_id, lock=True)
    if letter is None:
        raise NotFound
    return letter


def tell_trainee(session: Session, letter: Letter, template: str, now: datetime) -> None:
    """Send the trainee a notice about the letter: its state and code, nothing of its content."""
    session.flush()
    notify(
        session,
        letter.trainee_id,
        template,
        {
            **_described(session, letter, rotation(session, letter.booking_id)),
            "author_name": letter.author_name,
            "reason": letter.refusal_reason,
        },
        now=now,
    )


def _described(session: Session, letter: Letter, about: Rotation) -> dict[str, Any]:
    trainee = identity.contact(session, letter.trainee_id)
    return {
        "trainee_name": "" if trainee is None else trainee.name,
        "listing_title": about.listing_title,
        "first_day": about.first_day.isoformat(),
        "last_day": about.last_day.isoformat(),
        "letter_code": letter.letter_code,
        "waived": letter.waived,
        "due_on": letter.due_on.isoformat() if letter.due_on else None,
    }
