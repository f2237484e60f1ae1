"""The ways in and out for files themselves: by a token that works once, without an account.

A file is read from the request piece by piece and stored as it comes; it is never whole in memory.
"""

from hashlib import sha256

from flask import Response, request

from marketplace.compliance.gateway import DocumentVault, LinkSigner
from marketplace.compliance.models import DocumentUpload
from marketplace.compliance.rules.files import LARGEST, FileFault, check_declared, too_large
from marketplace.compliance.schemas.documents import FileUploadSchema
from marketplace.compliance.service import files, reading, uploads
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import public
from marketplace.web import context, downloads, openapi
from marketplace.web import uploads as sent
from marketplace.web.api import Blueprint
from marketplace.web.limits import limiter

blueprint = Blueprint(
    "document_files", __name__, description="Files of documents, by a token that works once."
)
# An address takes one file; a few attempts at it are enough.
ATTEMPTS = "20/hour"
# Generators of clients know one media type for a body; JPEG and PNG are sent just so.
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/pdf": {"schema": openapi.BINARY}},
    }
}


def _address() -> str:
    token = (request.view_args or {}).get("token", "")
    return sha256(str(token).encode()).hexdigest()


@blueprint.route("/uploads/<string:token>", methods=["PUT"])
@public
@limiter.shared_limit(ATTEMPTS, scope="upload", key_func=_address)
@blueprint.response(200, FileUploadSchema)
@blueprint.doc(**BODY)
def receive(token: str) -> DocumentUpload:
    """Send the file that was announced, with its media type; the address takes one.

    It is inspected, sealed and stored as it comes in, before the database is asked for anything.
    """
    parts, now = context.parts(), context.now()
    upload_id = uploads.upload_of(parts.get(LinkSigner), token, now)
    store = parts.get(ObjectStore)
    stored, used = None, False
    try:
        _check_length()
        stored = files.put_away(
            store,
            parts.get(DocumentVault),
            upload_id,
            request.mimetype,
            sent.pieces(LARGEST + 1),
        )
        upload = uploads.take(context.session(), upload_id, stored, now)
        used = True
    except FileFault as fault:
        raise files.refused(fault) from fault
    finally:
        if stored is not None and not used:
            store.delete(stored.object_key)
    return upload


@blueprint.route("/downloads/<string:token>", methods=["GET"])
@public
@blueprint.response(200, openapi.BINARY, description="The document.", content_type="*/*")
def send(token: str) -> Response:
    """Read a document, once; the reading is recorded. HEAD looks without using the link up."""
    parts, session, now = context.parts(), context.session(), context.now()
    use = reading.look if request.method == "HEAD" else reading.read
    version, content = use(session, parts.get(LinkSigner), token, now)
    # Opened as the answer goes out: by then the reading is on record, and no transaction is open.
    body = files.unsealed(
        parts.get(ObjectStore), parts.get(DocumentVault), content.object_key, content.sealed_key
    )
    return downloads.attachment(
        body if request.method == "GET" else b"",
        filename=version.filename,
        media_type=version.media_type,
        size=version.size,
    )


def _check_length() -> None:
    """Refuse by what the request says of itself, before anything of its body is read."""
    if request.content_length is not None:
        if request.content_length > LARGEST:
            raise too_large()
        check_declared("a" + _extension(), request.mimetype, request.content_length)


def _extension() -> str:
    return {"application/pdf": ".pdf", "image/jpeg": ".jpg"}.get(request.mimetype, ".png")
