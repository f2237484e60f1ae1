"""What a link that an author was mailed still does; where it does nothing, why, and a way on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from marketplace.core.db import Session
from marketplace.outcomes.errors import LinkInvalid
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Letter, LetterLink
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import fingerprint
from marketplace.outcomes.service.letters import AWAITED, UPLOAD, send_link
from marketplace.outcomes.states import LetterState

# Every link of ours ends after it.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Ended(StrEnum):
    """Why a link does nothing any more: known only to who holds one of ours."""

    NOT_OURS = "not_ours"
    EXPIRED = "expired"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Standing:
    """The letter that a link is for, None where it is none of ours; `ended` is None for a good one."""

    letter: Letter | None
    ended: Ended | None

    @property
    def renewable(self) -> bool:
        """Whether its author may be mailed another link."""
        return self.ended in {Ended.EXPIRED, Ended.REPLACED}


def standing(session: Session, signer: LinkSigner, token: str, now: datetime) -> Standing:
    """Return what a link does now. Records and consumes nothing; of a forged one nothing is asked."""
    found = _genuine(session, signer, token)
    letter = None if found is None else queries.letter(session, found.letter_id)
    if found is None or letter is None:
        return Standing(None, Ended.NOT_OURS)
    good = found.revoked_at is None and found.expires_at > now
    return Standing(letter, None if good else _why(letter, found))


def renew(session: Session, signer: LinkSigner, token: str, now: datetime) -> Letter:
    """Mail another link to the author of the letter that an ended one was for, and to nobody else.

    Links that work go on working. `LinkInvalid` where nothing is to be uploaded any more.
    """
    found = standing(session, signer, token, now)
    if found.letter is None or not found.renewable:
        raise LinkInvalid
    send_link(session, found.letter, signer=signer, now=now, keep=True)
    return found.letter


def _genuine(session: Session, signer: LinkSigner, token: str) -> LetterLink | None:
    link_id = signer.read(UPLOAD, token, LONG_AGO)
    return None if link_id is None else queries.link_once(session, link_id, fingerprint(token))


def _why(letter: Letter, link: LetterLink) -> Ended:
    """A letter that is no longer awaited says more than the link's own end."""
    if letter.state in AWAITED:
        return Ended.EXPIRED if link.revoked_at is None else Ended.REPLACED
    over = {
        LetterState.WITHDRAWN: Ended.WITHDRAWN,
        LetterState.CONFIRMED: Ended.CONFIRMED,
    }
    return over.get(LetterState(letter.state), Ended.REFUSED)
