"""Files of the store that a page hands out."""

from flask import Response

from marketplace.core.ports import ObjectStore
from marketplace.web import context


def pdf(key: str) -> Response:
    """Send a stored PDF as a file to be kept, under its own name."""
    response = Response(context.parts().get(ObjectStore).stream(key), mimetype="application/pdf")
    name = key.rpartition("/")[2]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
