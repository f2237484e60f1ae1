"""The states of an upload, a document's version, the look for viruses in it, and an agreement."""

from enum import StrEnum

from marketplace.core.states import Transitions


class UploadState(StrEnum):
    """`waiting` for the content; `received` by the store and being looked at; then one of two."""

    WAITING = "waiting"
    RECEIVED = "received"
    TAKEN = "taken"
    REFUSED = "refused"


class ScanState(StrEnum):
    """What is known of viruses in a file; `not_scanned` where no scanner is set."""

    CLEAN = "clean"
    WAITING = "waiting"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


class DocumentState(StrEnum):
    """A version of a document: `uploaded` until somebody decides."""

    UPLOADED = "uploaded"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    DELETED = "deleted"


class AgreementState(StrEnum):
    """An affiliation agreement between a school and a site."""

    DRAFT = "draft"
    OUT_FOR_SIGNATURE = "out_for_signature"
    IN_FORCE = "in_force"
    ENDED = "ended"
    VOID = "void"


_A = AgreementState
AGREEMENT = Transitions(
    {
        _A.DRAFT: frozenset({_A.OUT_FOR_SIGNATURE, _A.VOID}),
        _A.OUT_FOR_SIGNATURE: frozenset({_A.IN_FORCE, _A.VOID}),
        _A.IN_FORCE: frozenset({_A.ENDED}),
        _A.ENDED: frozenset(),
        _A.VOID: frozenset(),
    }
)
