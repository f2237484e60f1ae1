"""Mails that our own mail server hands on: how a route takes one, and from whom."""

from typing import Any

from flask import request

from marketplace.booking.errors import MailNotOurs
from marketplace.booking.gateway import ReplySigner
from marketplace.core.clock import SystemClock
from marketplace.web import context, openapi, uploads

# For `Blueprint.doc` on a view that takes one.
MAIL: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": openapi.BINARY}},
    },
    "parameters": [
        {
            "in": "header",
            "name": "Mail-Signature",
            "required": True,
            "schema": {"type": "string"},
            "description": '`<unix time>.<hex HMAC-SHA256 of "time.content">`',
        }
    ],
}


def mail(most: int) -> bytes:
    """Return the mail as it came, at most `most` bytes; `MailNotOurs` unless our server signed it."""
    signer, content = context.parts().get(ReplySigner), uploads.held(most)
    # Signatures keep real time: a mail server knows nothing of where a demo's clock was moved to.
    now = SystemClock().now()
    if not signer.handed_on(request.headers.get("Mail-Signature", ""), content, now):
        raise MailNotOurs
    return content
