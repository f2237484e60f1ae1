"""What goes of somebody's letters with their account, and what stays without a name.

That their consents are withdrawn is heard from compliance, as whenever somebody withdraws one.
"""

from sqlalchemy import delete, select, update

from marketplace.compliance.service.scanning import FORGET
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.identity.events import AccountErasing
from marketplace.identity.rules import ErasureStep
from marketplace.identity.service.erasing import empty_notices_about
from marketplace.outcomes.models import Letter, LetterContent, LetterDraft
from marketplace.outcomes.service import letter_packets, letters


def erase(session: Session, event: AccountErasing) -> None:
    if event.step == ErasureStep.LETTERS:
        _letters(session, event)
    if event.step == ErasureStep.NOTICES:
        own = select(Letter.id, Letter.letter_code).where(Letter.trainee_id == event.account_id)
        found = session.execute(own).all()
        for field, values in (
            ("letter_id", [str(one.id) for one in found]),
            ("letter_code", [one.letter_code for one in found]),
        ):
            empty_notices_about(session, event.account_id, {field: values})


def _letters(session: Session, event: AccountErasing) -> None:
    """Take open requests back; destroy the keys of what was written, and all words of the trainee's.

    That there was a letter, of whom and for which rotation, stays.
    """
    found = session.execute(
        select(Letter)
        .where(Letter.trainee_id == event.account_id)
        .order_by(Letter.id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).scalars()
    ids = []
    for letter in found.all():
        ids.append(letter.id)
        if letter.state in letters.OPEN:
            letters.withdraw(session, letter.id, event.at)
            session.flush()
        letter.packet, letter.message = letter_packets.kept({}), ""
    session.flush()
    session.execute(
        delete(LetterDraft)
        .where(LetterDraft.letter_id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    keys = session.execute(
        update(LetterContent)
        .where(LetterContent.letter_id.in_(ids), LetterContent.sealed_key != b"")
        .values(sealed_key=b"")
        .returning(LetterContent.object_key)
        .execution_options(synchronize_session=False)
    ).scalars()
    gone = sorted(keys)
    if gone:
        defer(session, FORGET, keys=gone)
