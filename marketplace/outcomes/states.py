"""The life of a letter."""

from enum import StrEnum

from marketplace.core.states import Transitions


class LetterState(StrEnum):
    """`uploaded`: the letter exists, its waiver is fixed. `confirmed`: nothing changes any more."""

    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    UPLOADED = "uploaded"
    CONFIRMED = "confirmed"


LETTER = Transitions(
    {
        LetterState.ASKED: frozenset(
            {LetterState.AGREED, LetterState.REFUSED, LetterState.WITHDRAWN}
        ),
        # The author may still say no, where the site has said yes.
        LetterState.AGREED: frozenset(
            {LetterState.UPLOADED, LetterState.REFUSED, LetterState.WITHDRAWN}
        ),
        # Uploading again replaces what was uploaded, until the author confirms.
        LetterState.UPLOADED: frozenset({LetterState.UPLOADED, LetterState.CONFIRMED}),
        LetterState.CONFIRMED: frozenset(),
        LetterState.REFUSED: frozenset(),
        LetterState.WITHDRAWN: frozenset(),
    }
)
