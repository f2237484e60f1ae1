"""The author's way in: a link, no account. Looking changes nothing; PUT uploads, POST confirms."""

from hashlib import sha256
from typing import Any

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import VirusScanner
from marketplace.identity.access import public
from marketplace.outcomes.gateway import LetterVault, LinkSigner
from marketplace.outcomes.models import Letter
from marketplace.outcomes.rules.letters import LARGEST_LETTER
from marketplace.outcomes.schemas.letters import UploadArgs, UploadSchema
from marketplace.outcomes.service import letter_files
from marketplace.web import context, uploads
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
@blueprint.response(200, UploadSchema)
def look(token: str) -> Letter:
    """See what is asked for. Opening the link records and consumes nothing."""
    return letter_files.letter_of_link(context.session(), _signer(), token, context.now())


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
