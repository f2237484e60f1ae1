"""Answers that are bytes as they were stored, not built anew."""

from flask import Response, request

from marketplace.reporting.errors import ReportNotReady
from marketplace.reporting.models import ReportRun

REPORT = {"type": "object", "description": "As `docs/analysts/methods.md` says."}


def report_text(run: ReportRun) -> Response:
    """Return the frozen report itself, tagged with the hash of its bytes."""
    if run.result is None or run.result_sha256 is None:
        raise ReportNotReady(run.failure)
    response = Response(run.result, mimetype="application/json")
    response.set_etag(run.result_sha256.hex())
    response.headers["X-As-Of"] = run.as_of.isoformat()
    response.make_conditional(request)
    return response
