"""The states of an upload and of a document's version."""

from enum import StrEnum


class UploadState(StrEnum):
    """`waiting` for the content; `received` by the store and being looked at; then one of two."""

    WAITING = "waiting"
    RECEIVED = "received"
    TAKEN = "taken"
    REFUSED = "refused"


class DocumentState(StrEnum):
    """A version of a document: `uploaded` until somebody decides."""

    UPLOADED = "uploaded"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    DELETED = "deleted"
