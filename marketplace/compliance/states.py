"""The states of an upload, of a document's version, and of the look for viruses in it."""

from enum import StrEnum


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
