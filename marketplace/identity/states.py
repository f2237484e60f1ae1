"""The lives of a student's link to a school, of its verification, and of an invitation."""

from enum import StrEnum

from marketplace.core.states import Transitions


class StudentState(StrEnum):
    INVITED = "invited"
    LINKED = "linked"
    """The student has said yes, and what the school may see."""
    DECLINED = "declined"
    ENDED = "ended"
    """The student has left, or the school has ended it; a new invitation is a new row."""


_S = StudentState
STUDENT = Transitions(
    {
        # Invited once more: another link, the one before is void.
        _S.INVITED: frozenset({_S.INVITED, _S.LINKED, _S.DECLINED, _S.ENDED}),
        _S.LINKED: frozenset({_S.ENDED}),
        _S.DECLINED: frozenset(),
        _S.ENDED: frozenset(),
    }
)


class SchoolStep(StrEnum):
    """What is shown of a school, and what an operator has decided about it."""

    SUBMITTED = "submitted"
    """Its own people have shown by what it is known."""
    VERIFIED = "verified"
    REFUSED = "refused"


class InvitationState(StrEnum):
    """An invitation to act for a school."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
