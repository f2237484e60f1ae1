"""Files that are sent to Stripe: evidence for disputes, and other papers."""

import base64
import binascii

from marketplace.embedded.stripe_sandbox.errors import ApiError, bad_parameter
from marketplace.embedded.stripe_sandbox.forms import Anything, Choice, Form, Upload
from marketplace.embedded.stripe_sandbox.render import envelope
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

EVIDENCE = "dispute_evidence"
PURPOSES = (EVIDENCE, "customer_signature", "identity_document", "account_requirement")
LARGEST = 5_000_000
MAGIC = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}


def create(work: Work, _args: Args, params: Json) -> Json:
    given = params["file"]
    try:
        content = base64.b64decode(given["content"], validate=True)
    except binascii.Error:
        raise bad_parameter("file", "Send the file as multipart/form-data.", code=None) from None
    kind = next((kind for kind, start in MAGIC.items() if content.startswith(start)), None)
    if kind is None:
        raise bad_parameter("file", "Evidence is a PDF, a PNG or a JPEG.", code=None)
    if len(content) > LARGEST:
        raise ApiError(f"A file has at most {LARGEST} bytes.", code="file_too_large", param="file")
    made = work.new(
        "file",
        "file",
        {
            "expires_at": None,
            "filename": given["filename"],
            "purpose": params["purpose"],
            "size": len(content),
            "title": None,
            "type": kind,
            "_content": given["content"],
        },
    )
    del made["livemode"]
    made["url"] = f"{work.settings.base_url}/v1/files/{made['id']}/contents"
    made["links"] = envelope([], f"/v1/file_links?file={made['id']}")
    return work.save(made)


ROUTES = (
    Route(
        "POST",
        "/v1/files",
        create,
        Form(
            {
                "purpose": Choice(of=PURPOSES, required=True),
                "file": Upload(required=True),
                "file_link_data": Anything(),
            }
        ),
    ),
    retrieval("file", "/v1/files"),
    listing("file", "/v1/files", {"purpose": Choice(of=PURPOSES)}),
)
