"""Files of persons as answers: saved and not shown, kept by no cache, run by no browser."""

from collections.abc import Iterable
from urllib.parse import quote

from flask import Response


def attachment(
    body: Iterable[bytes] | bytes, *, filename: str, media_type: str, size: int
) -> Response:
    """Return the answer that brings a file of `size` bytes, whatever anybody has put into it."""
    response = Response(body, mimetype=media_type)
    response.content_length = size
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(filename)}"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
