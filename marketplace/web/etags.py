"""ETags from a row's version, and `If-Match` on updates: two editors are told of each other."""

from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import PreconditionRequired

from marketplace.core.errors import PreconditionFailed


def etag(row_id: UUID | str, version: int) -> str:
    """Return the strong tag (without quotes) of this version of a row."""
    return f"{row_id}.{version}"


def tag(response: Response, row_id: UUID | str, version: int) -> Response:
    """Set the response's ETag, and make it a 304 where the client has that version already."""
    response.set_etag(etag(row_id, version))
    return response.make_conditional(request)  # type: ignore[return-value] # returns itself


def require_match(row_id: UUID | str, version: int) -> None:
    """Refuse an update that does not say which version it was made from, or says an old one."""
    if not request.if_match:
        raise PreconditionRequired(
            "Send If-Match with the ETag that you last read, so that no one's change is lost."
        )
    if etag(row_id, version) not in request.if_match:
        raise PreconditionFailed(extra={"current_etag": f'"{etag(row_id, version)}"'})
