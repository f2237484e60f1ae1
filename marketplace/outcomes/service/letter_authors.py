"""What authors say by their link, and how they are reminded: gently, and never after a no."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity.queries import notices
from marketplace.identity.rules import NoticeKind
from marketplace.outcomes.errors import LetterNotOpen
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Letter, LetterReminder, QuietAuthor
from marketplace.outcomes.queries import ledger
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import reminder_due
from marketplace.outcomes.service.letter_files import letter_of_link
from marketplace.outcomes.service.letters import revoke_links, send_link, tell_trainee
from marketplace.outcomes.states import LETTER, LetterState

REMINDER = "letter_reminder"
QUIET = "letter-reminders"
QUIET_PATH = "/api/v1/letters/reminders/end"
# Mails are read late; a link that ends them does no harm.
GOOD_FOR = timedelta(days=365)
BATCH = 200


def answer(
    session: Session,
    signer: LinkSigner,
    token: str,
    *,
    agreed: bool,
    strong: bool,
    reason: str | None,
    now: datetime,
) -> Letter:
    """Keep whether the author writes, and whether the letter will be strong.

    A no ends the request and its links, and tells the trainee. `LetterNotOpen` once it is uploaded.
    """
    letter = letter_of_link(session, signer, token, now, lock=True)
    if letter.state != LetterState.AGREED:
        raise LetterNotOpen(f"The letter is {letter.state}.", extra={"state": letter.state})
    letter.author_strong, letter.author_answered_at = strong, now
    # The entry has the last answer; the trail has them all.
    compliance.record(
        session,
        actor_id=None,
        action="letter.answered",
        subject_kind="letter",
        subject_id=letter.id,
        detail={"agreed": agreed, "strong": strong},
        now=now,
    )
    if not agreed:
        LETTER.check(LetterState(letter.state), LetterState.REFUSED)
        letter.state, letter.refusal_reason = LetterState.REFUSED.value, reason
        revoke_links(session, letter, now)
        tell_trainee(session, letter, "letter_refused", now)
    session.flush()
    return letter


def remind_due(
    session: Session, signer: LinkSigner, now: datetime, after: UUID | None
) -> tuple[int, UUID | None]:
    """Remind the authors of a batch of letters; return how many, and where the next batch begins.

    Each gets a link of its own; those mailed before go on working.
    """
    found = ledger.awaited(session, now, BATCH, after)
    addresses = {one.letter.author_email for one in found if one.letter.author_email}
    unwilling = notices.unwilling(session, addresses, NoticeKind.REMINDERS) if found else set()
    sent = 0
    for one in found:
        kind = reminder_due(one.letter.due_on, one.today, one.told_on, one.sent)
        if kind is None or one.letter.author_email in unwilling:
            continue
        sent += _remind(session, one.letter, kind.value, signer, now)
    return sent, found[-1].letter.id if len(found) == BATCH else None


def _remind(session: Session, letter: Letter, kind: str, signer: LinkSigner, now: datetime) -> bool:
    """Send a reminder unless it was sent; the primary key decides."""
    new = session.execute(
        insert(LetterReminder)
        .values(letter_id=letter.id, kind=kind, sent_at=now)
        .on_conflict_do_nothing()
        .returning(LetterReminder.kind)
    ).first()
    if new is None:
        return False
    token = signer.sign(QUIET, letter.id, now + GOOD_FOR)
    stop = {"unsubscribe": f"{QUIET_PATH}?token={token}"}
    send_link(session, letter, signer=signer, now=now, template=REMINDER, more=stop, keep=True)
    return True


def linked(session: Session, signer: LinkSigner, token: str, now: datetime) -> str:
    """Return the address that a link ends reminders to; `NotFound` for what is no link of ours."""
    letter_id = signer.read(QUIET, token, now)
    letter = None if letter_id is None else queries.letter(session, letter_id)
    if letter is None or letter.author_email is None:
        raise NotFound
    return letter.author_email


def end_reminders(session: Session, signer: LinkSigner, token: str, now: datetime) -> None:
    """Send this author no reminders any more, of this letter or another; twice is once."""
    address = linked(session, signer, token, now)
    session.execute(insert(QuietAuthor).values(address=address, since=now).on_conflict_do_nothing())
