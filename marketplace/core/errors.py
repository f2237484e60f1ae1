"""Errors that a caller is meant to read: each carries its code, status and what to do.

One place (`web.problems`) turns them into RFC 9457 problem documents. `code` is API: stable,
documented, tested for. Packages subclass these in their own `errors.py` and may map names of
database constraints to them in `CONSTRAINTS`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

Fields = Mapping[str, Sequence[str]]


class DomainError(Exception):
    """Base of all errors that are answers, not accidents."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request can't be carried out."
    # The fields that it is always about, which the title speaks of.
    about: ClassVar[Sequence[str]] = ()

    def __init__(
        self,
        detail: str | None = None,
        *,
        fields: Fields | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """`detail` for this case in words; `fields` name -> messages; `extra` JSON members."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.fields: Fields = fields or {name: [self.title] for name in self.about}
        self.extra: Mapping[str, Any] = extra or {}


class NotFound(DomainError):
    """It does not exist, or the caller may not know that it does."""

    code = "not_found"
    status = 404
    title = "There is nothing here, or nothing that you may see."


class Forbidden(DomainError):
    """The caller may know of it, but not do this."""

    code = "forbidden"
    status = 403
    title = "Your account may not do this."


class Gone(DomainError):
    """It was there, and the caller may know it; it is over for good."""

    code = "gone"
    status = 410
    title = "This is over."


class Conflict(DomainError):
    """The request is well formed, but the present state rules it out."""

    code = "conflict"
    status = 409
    title = "The present state does not allow this."


class Invalid(DomainError):
    """The request's content is not acceptable; `fields` says where."""

    code = "invalid"
    status = 422
    title = "Some of what was sent is not acceptable."


class PreconditionFailed(DomainError):
    """Somebody else changed it since the caller last read it."""

    code = "precondition_failed"
    status = 412
    title = "This has changed since you read it. Read it again, then decide."


class Unavailable(DomainError):
    """A part that is needed does not answer; trying again later is right."""

    code = "unavailable"
    status = 503
    title = "A part of the service does not answer. Please try again."


ConstraintErrors = Mapping[str, type[DomainError]]
