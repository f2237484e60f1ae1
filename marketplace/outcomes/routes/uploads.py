"""The author's way in: a link, no account. Looking changes nothing; PUT uploads, POST confirms."""

from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from marketplace.compliance.gateway import DocumentVault
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import VirusScanner
from marketplace.identity.access import public
from marketplace.outcomes.gateway import LetterVault, LinkSigner
from marketplace.outcomes.models import Letter
from marketplace.outcomes.rules.letters import LARGEST_LETTER
from marketplace.outcomes.schemas.letters import (
    AuthorAnswerArgs,
    RequestSchema,
    UploadArgs,
    UploadSchema,
)
from marketplace.outcomes.service import letter_authors, letter_files, letter_packets
from marketplace.web import context, openapi, uploads
from marketplace.web.api import Blueprint
from marketplace.web.limits import limiter

blueprint = Blueprint(
    "letter_uploads",
    __name__,
    url_prefix="/letters/uploads/<string:token>",
    description="For a letter's author, by the link in the mail.",
)
PDF = "application/pdf"
# Of each upload the store keeps a copy until the letter is confirmed; a few are enough.
ATTEMPTS = "20/hour"
BODY = {
    "requestBody": {
        "required": True,
        "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _link() -> str:
    token = (request.view_args or {}).get("token", "")
    return sha256(str(token).encode()).hexdigest()


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, RequestSchema)
def look(token: str) -> dict[str, Any]:
    """See what is asked for, and the packet. Opening the link records and consumes nothing."""
    session = context.session()
    letter = letter_files.letter_of_link(session, _signer(), token, context.now())
    said = {name: getattr(letter, name) for name in UploadSchema().fields}
    return {**said, "packet": letter_packets.shown(session, letter)}


@blueprint.route("/answer", methods=["POST"])
@public
@blueprint.arguments(AuthorAnswerArgs)
@blueprint.response(200, UploadSchema)
def answer(data: dict[str, Any], token: str) -> Letter:
    """Say whether you write the letter, and whether it will be a strong one.

    A no ends the request: the trainee is told, and you are not reminded. 409 `letter_not_open`
    once the letter is uploaded.
    """
    return letter_authors.answer(context.session(), _signer(), token, now=context.now(), **data)


@blueprint.route("/documents/<uuid:document_id>", methods=["GET"])
@public
@blueprint.response(200, openapi.BINARY, description="The document.", content_type="*/*")
def read_document(token: str, document_id: UUID) -> Response:
    """Read a document of the packet, such as the CV; the reading is recorded."""
    session, parts = context.session(), context.parts()
    letter = letter_files.letter_of_link(session, _signer(), token, context.now())
    store, vault = parts.get(ObjectStore), parts.get(DocumentVault)
    opened = letter_packets.open_document(session, letter, document_id, store, vault, context.now())
    # Opened as the answer goes out: by then the reading is on record.
    body = opened.body if request.method == "GET" else b""
    response = Response(body, mimetype=opened.media_type)
    response.content_length = opened.size
    headers = response.headers
    headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(opened.filename)}"
    headers["Cache-Control"] = "private, no-store"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("", methods=["PUT"])
@public
@limiter.shared_limit(ATTEMPTS, scope="letter-upload", key_func=_link)
@blueprint.arguments(UploadArgs, location="query")
@blueprint.response(200, UploadSchema)
@blueprint.doc(**BODY)
def upload(args: dict[str, Any], token: str) -> Letter:
    """Upload the letter as PDF, at most 10 MiB; until it is confirmed, the last upload counts.

    The file is looked at for viruses, sealed and stored before the database is asked, so that nothing
    waits in a transaction; a forged or expired link is refused before that. Where the virus scanner
    does not answer the letter is taken all the same, and read by nobody until it has.
    """
    letter_files.link_id(_signer(), token, context.now())
    parts = context.parts()
    store = parts.get(ObjectStore)
    stored = letter_files.put_away(store, parts.get(LetterVault), parts.get(VirusScanner), _body())
    used = False
    try:
        letter, used = letter_files.upload(
            context.session(), _signer(), token, stored, now=context.now(), **args
        )
    finally:
        if not used:
            store.delete(stored.object_key)
    return letter


@blueprint.route("/confirmation", methods=["POST"])
@public
@blueprint.response(200, UploadSchema)
def confirm(token: str) -> Letter:
    """Confirm the letter as uploaded: from then on nothing of it changes.

    409 `file_not_scanned` until the virus scanner, where there is one, has looked at it.
    """
    return letter_files.confirm(context.session(), _signer(), token, context.now())


def _body() -> bytes:
    if request.mimetype != PDF:
        raise UnsupportedMediaType(f"Send the letter as {PDF}.")
    return uploads.held(LARGEST_LETTER)


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
