"""Students of a school: invited by it, linked by their own word, and seen as far as they say.

A link is mailed, kept as its digest, and good for thirty days; opening it changes nothing. What the
school may see is chosen by the student and withdrawn at any time; each choice is kept.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.ids import new_id
from marketplace.identity.errors import (
    ConsentWordsChanged,
    InvitationGone,
    InvitedAlready,
    InvitedTooOften,
    OtherDomain,
    StudentElsewhere,
)
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import School, SchoolConsent, SchoolStudent, SchoolStudentStep
from marketplace.identity.queries import schools
from marketplace.identity.rules import SEEN_WORDING, Seen, in_domain
from marketplace.identity.service import notices
from marketplace.identity.service.accounts import normalize_address
from marketplace.identity.service.notices import Letter
from marketplace.identity.service.schools import check_verified
from marketplace.identity.states import STUDENT, StudentState

PURPOSE = "school-invitation"
LINK_LIFE = timedelta(days=30)
INVITED = "Invited by the school."
# So many links does a school have mailed to one address within a day.
MOST_LINKS = 10
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Invited:
    """What became of one address; `row` is where it stood, from 1 on."""

    row: int
    email: str
    student_id: uuid.UUID | None = None
    error: DomainError | None = None


def invite(
    session: Session,
    school: School,
    address: str,
    *,
    actor_id: uuid.UUID,
    signer: LinkSigner,
    now: datetime,
) -> SchoolStudent:
    """Invite one address; again, while the invitation is open, sends another link."""
    (found,) = invite_all(session, school, [address], actor_id=actor_id, signer=signer, now=now)
    if found.error is not None:
        raise found.error
    made = schools.student(session, found.student_id) if found.student_id else None
    if made is None:
        raise InvitedAlready
    return made


def invite_all(
    session: Session,
    school: School,
    addresses: Sequence[str],
    *,
    actor_id: uuid.UUID,
    signer: LinkSigner,
    now: datetime,
) -> list[Invited]:
    """Invite every address that can be, and say of each other what stands against it.

    The number of statements does not grow with the addresses.
    """
    check_verified(school)
    wanted, answers = _sorted_out(school, addresses)
    answers += _mailed_enough(session, school, wanted, now)
    before = schools.open_links(session, school.id, wanted.keys())
    for email, row in before.items():
        if row.state == StudentState.LINKED:
            answers.append(Invited(wanted[email], email, error=InvitedAlready()))
    sending = {email: row for email, row in before.items() if row.state == StudentState.INVITED}
    tokens = {email: _new_link(row, signer, now) for email, row in sending.items()}
    made = _made(session, school, wanted.keys() - before.keys(), signer, now)
    tokens |= {email: token for email, (_, token) in made.items()}
    steps = [
        _step(row, StudentState.INVITED, actor_id, "Invited again.", now)
        for row in sending.values()
    ]
    rows = {email: row.id for email, row in sending.items()} | {e: i for e, (i, _) in made.items()}
    session.add_all(steps)
    session.add_all(_first_step(i, actor_id, now) for i, _ in made.values())
    _mail(session, school, tokens, now)
    answers += [
        Invited(place, email, student_id=rows[email])
        if email in rows
        else Invited(place, email, error=InvitedAlready())
        for email, place in wanted.items()
        if email not in before or email in sending
    ]
    return sorted(answers, key=lambda one: one.row)


def invitation(session: Session, signer: LinkSigner, token: str, now: datetime) -> SchoolStudent:
    """Return the open invitation that a link is for; `InvitationGone` for any other link."""
    return _invited(session, signer, token, now, lock=False)


def accept(
    session: Session,
    signer: LinkSigner,
    token: str,
    *,
    account_id: uuid.UUID,
    sees: Collection[str],
    wording: str,
    now: datetime,
) -> SchoolStudent:
    """Link the account to the school, which sees what is chosen and no more.

    `StudentElsewhere` for the student of a school; the database decides between two at once.
    """
    student = _invited(session, signer, token, now, lock=True)
    _check_words(wording)
    if schools.own_link(session, account_id) is not None:
        raise StudentElsewhere
    student.account_id, student.linked_at = account_id, now
    _move(session, student, StudentState.LINKED, account_id, "Accepted by the student.", now)
    _choose(session, student, sees, now)
    return student


def refuse(session: Session, signer: LinkSigner, token: str, now: datetime) -> SchoolStudent:
    """Decline an invitation by its link; no account is needed."""
    student = _invited(session, signer, token, now, lock=True)
    _move(session, student, StudentState.DECLINED, None, "Declined by the link.", now)
    return student


def choose(
    session: Session,
    account_id: uuid.UUID,
    *,
    sees: Collection[str],
    wording: str,
    now: datetime,
) -> SchoolStudent:
    """Let the school see this and no more from now on; `InvitationGone` without a school."""
    student = schools.own_link(session, account_id, lock=True)
    if student is None:
        raise InvitationGone("You are no school's student here.")
    _check_words(wording)
    _choose(session, student, sees, now)
    return student


def end(
    session: Session, student: SchoolStudent, *, actor_id: uuid.UUID, reason: str, now: datetime
) -> None:
    """End a link or an open invitation; the school sees nothing from now on."""
    _choose(session, student, (), now)
    _move(session, student, StudentState.ENDED, actor_id, reason, now)


def leave(session: Session, account_id: uuid.UUID, *, reason: str, now: datetime) -> None:
    """Leave one's school."""
    student = schools.own_link(session, account_id, lock=True)
    if student is None:
        raise InvitationGone("You are no school's student here.")
    end(session, student, actor_id=account_id, reason=reason or "Left by the student.", now=now)


def fingerprint(token: str) -> bytes:
    """What is kept of a link: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def _sorted_out(school: School, addresses: Sequence[str]) -> tuple[dict[str, int], list[Invited]]:
    """The addresses that can be invited with their rows, and what is wrong with the others."""
    wanted: dict[str, int] = {}
    answers: list[Invited] = []
    for place, given in enumerate(addresses, start=1):
        try:
            email = normalize_address(given)
            if not in_domain(email, school.email_domain):
                raise OtherDomain(f"Not in {school.email_domain}.")
            if email in wanted:
                raise InvitedAlready(f"Row {wanted[email]} has this address.")
        except DomainError as error:
            answers.append(Invited(place, given[:254], error=error))
            continue
        wanted[email] = place
    return wanted, answers


def _mailed_enough(
    session: Session, school: School, wanted: dict[str, int], now: datetime
) -> list[Invited]:
    """Leave out the addresses that the school has had mailed enough links today, and say so."""
    sent = schools.links_since(session, school.id, wanted.keys(), now - DAY)
    full = [email for email in wanted if sent.get(email, 0) >= MOST_LINKS]
    return [Invited(wanted.pop(email), email, error=InvitedTooOften()) for email in full]


def _made(
    session: Session, school: School, emails: Collection[str], signer: LinkSigner, now: datetime
) -> dict[str, tuple[uuid.UUID, str]]:
    """Insert new invitations; those that somebody else is making at once are left out."""
    if not emails:
        return {}
    tokens = {}
    rows = []
    for email in sorted(emails):
        student_id = new_id()
        token = signer.sign(PURPOSE, student_id, now + LINK_LIFE)
        tokens[student_id] = token
        rows.append(
            {
                "id": student_id,
                "school_id": school.id,
                "email": email,
                "state": StudentState.INVITED,
                "version": 1,
                "sees": [],
                "token_hash": fingerprint(token),
                "expires_at": now + LINK_LIFE,
                "invited_at": now,
            }
        )
    made = session.execute(
        insert(SchoolStudent)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(SchoolStudent.id, SchoolStudent.email)
    )
    return {row.email: (row.id, tokens[row.id]) for row in made}


def _new_link(student: SchoolStudent, signer: LinkSigner, now: datetime) -> str:
    token = signer.sign(PURPOSE, student.id, now + LINK_LIFE)
    student.token_hash, student.expires_at = fingerprint(token), now + LINK_LIFE
    return token


def _mail(session: Session, school: School, tokens: Mapping[str, str], now: datetime) -> None:
    known = schools.accounts_by_email(session, tokens.keys()) if tokens else {}
    letters = []
    for email, token in tokens.items():
        account = known.get(email)
        letters.append(
            Letter(
                email,
                account.name if account else "",
                account.locale if account else notices.FALLBACK,
                {"token": token},
                account.time_zone if account else "UTC",
            )
        )
    data: dict[str, Any] = {
        "school_name": school.name,
        "expires_at": (now + LINK_LIFE).isoformat(),
    }
    notices.notify_addresses(session, letters, "school_invitation", data, now=now)


def _invited(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool
) -> SchoolStudent:
    student_id = signer.read(PURPOSE, token, now)
    found = schools.student(session, student_id, lock=lock) if student_id else None
    if (
        found is None
        or found.state != StudentState.INVITED
        or found.token_hash != fingerprint(token)
    ):
        raise InvitationGone
    return found


def _check_words(wording: str) -> None:
    if wording != SEEN_WORDING:
        raise ConsentWordsChanged(extra={"wording": SEEN_WORDING})


def _choose(session: Session, student: SchoolStudent, sees: Collection[str], now: datetime) -> None:
    """Note each purpose whose answer changes; the caller holds the row."""
    wanted, before = set(sees), set(student.sees)
    changed = [purpose for purpose in Seen if (purpose in wanted) != (purpose in before)]
    if not changed:
        return
    numbers = schools.last_numbers(session, student.id)
    session.add_all(
        SchoolConsent(
            student_id=student.id,
            purpose=purpose.value,
            number=numbers.get(purpose.value, 0) + 1,
            given=purpose in wanted,
            wording=SEEN_WORDING,
            at=now,
        )
        for purpose in changed
    )
    student.sees = [purpose.value for purpose in Seen if purpose in wanted]
    session.flush()


def _move(
    session: Session,
    student: SchoolStudent,
    to: StudentState,
    actor_id: uuid.UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """Take the link to another state; the caller holds its row."""
    session.add(_step(student, to, actor_id, reason, now))
    student.state = to.value
    student.token_hash = student.expires_at = None
    if to in {StudentState.ENDED, StudentState.DECLINED}:
        student.ended_at = now
    session.flush()


def _step(
    student: SchoolStudent,
    to: StudentState,
    actor_id: uuid.UUID | None,
    reason: str,
    now: datetime,
) -> SchoolStudentStep:
    before = StudentState(student.state)
    STUDENT.check(before, to)
    student.version += 1
    return SchoolStudentStep(
        student_id=student.id,
        number=student.version,
        from_state=before.value,
        to_state=to.value,
        at=now,
        actor_id=actor_id,
        reason=reason,
    )


def _first_step(student_id: uuid.UUID, actor_id: uuid.UUID, now: datetime) -> SchoolStudentStep:
    return SchoolStudentStep(
        student_id=student_id,
        number=1,
        from_state=None,
        to_state=StudentState.INVITED.value,
        at=now,
        actor_id=actor_id,
        reason=INVITED,
    )
