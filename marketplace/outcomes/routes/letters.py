"""Letters for their trainee and for the site that is asked."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import (
    Caller,
    caller,
    check_site,
    current_account,
    signed_in,
    site_member,
)
from marketplace.outcomes.gateway import LetterVault, LinkSigner
from marketplace.outcomes.models import Letter
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.schemas.letters import (
    AnswerArgs,
    AuthorArgs,
    ContentArgs,
    LetterArgs,
    LetterSchema,
    WaiverArgs,
)
from marketplace.outcomes.service import letter_files, letters
from marketplace.outcomes.service.rotations import rotation
from marketplace.web import context, openapi
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "letters", __name__, description="Letters of recommendation: asked for, answered, read."
)
ANSWERS = ("coordinator", "preceptor", "site_owner")


@blueprint.route("/letters", methods=["POST"])
@signed_in
@blueprint.arguments(LetterArgs)
@blueprint.response(201, LetterSchema)
def ask(data: dict[str, Any]) -> tuple[Letter, dict[str, str]]:
    """Ask for a letter on a completed rotation of yours, and choose whether to waive reading it."""
    about = rotation(context.session(), data.pop("booking_id"))
    if about.trainee_id != current_account().id:
        raise NotFound
    letter = letters.ask(context.session(), about, now=context.now(), **data)
    return letter, {"Location": f"{PREFIX}/letters/{letter.id}"}


@blueprint.route("/letters", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(LetterSchema))
def list_own(args: dict[str, Any]) -> Page[Letter]:
    """List the letters that you asked for."""
    return queries.of_trainee(context.session(), current_account().id, **args)


@blueprint.route("/sites/<uuid:site_id>/letters", methods=["GET"])
@site_member(*ANSWERS)
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(LetterSchema))
def list_asked(args: dict[str, Any], site_id: UUID) -> Page[Letter]:
    """List the letters that were asked of a site."""
    return queries.of_site(context.session(), site_id, **args)


@blueprint.route("/letters/<uuid:letter_id>", methods=["GET"])
@signed_in
@blueprint.response(200, LetterSchema)
def read(letter_id: UUID) -> Letter:
    """Read the entry; never its content."""
    letter = _letter(letter_id)
    if letter.trainee_id != current_account().id:
        check_site(letter.site_id, *ANSWERS)
    return letter


@blueprint.route("/letters/<uuid:letter_id>/waiver", methods=["PUT"])
@signed_in
@blueprint.arguments(WaiverArgs)
@blueprint.response(200, LetterSchema)
def choose_waiver(data: dict[str, Any], letter_id: UUID) -> Letter:
    """Choose anew whether to waive; 409 `waiver_fixed` once the letter exists."""
    return letters.choose_waiver(context.session(), _own(letter_id).id, **data)


@blueprint.route("/letters/<uuid:letter_id>/withdraw", methods=["POST"])
@signed_in
@blueprint.response(200, LetterSchema)
def withdraw(letter_id: UUID) -> Letter:
    """Take the request back, while there is no letter."""
    return letters.withdraw(context.session(), _own(letter_id).id, context.now())


@blueprint.route("/letters/<uuid:letter_id>/answer", methods=["POST"])
@signed_in
@blueprint.arguments(AnswerArgs)
@blueprint.response(200, LetterSchema)
def answer(data: dict[str, Any], letter_id: UUID) -> Letter:
    """Agree, naming the author, who gets a link to upload by mail; or refuse with a reason."""
    letter = _hosted(letter_id)
    reply = letters.Answer(**data)
    return letters.answer(context.session(), letter.id, reply, signer=_signer(), now=context.now())


@blueprint.route("/letters/<uuid:letter_id>/author", methods=["PUT"])
@signed_in
@blueprint.arguments(AuthorArgs)
@blueprint.response(200, LetterSchema)
def name_another(data: dict[str, Any], letter_id: UUID) -> Letter:
    """Name another author while there is no letter; the one before is told, and their link ends."""
    letter = _hosted(letter_id)
    reply = letters.Answer(agreed=True, **data)
    return letters.name_another(
        context.session(),
        letter.id,
        reply,
        signer=_signer(),
        by=current_account().id,
        now=context.now(),
    )


@blueprint.route("/letters/<uuid:letter_id>/links", methods=["POST"])
@signed_in
@blueprint.response(204)
def send_link(letter_id: UUID) -> None:
    """Mail the author a new link; the one before stops working."""
    letter = _hosted(letter_id)
    letters.send_link(context.session(), letter, signer=_signer(), now=context.now())


@blueprint.route("/letters/<uuid:letter_id>/content", methods=["GET"])
@signed_in
@blueprint.arguments(ContentArgs, location="query")
@blueprint.response(200, openapi.BINARY, description="The letter.", content_type="application/pdf")
def read_content(args: dict[str, Any], letter_id: UUID) -> Response:
    """Read the letter itself; each reading is recorded.

    For its author, the site's coordinator, an operator who says why, and the trainee who has not
    waived: 403 `letter_waived` otherwise.
    """
    letter = _letter(letter_id)
    reader = letter_files.Reader(
        current_account().id, _role_of_reader(letter, caller()), args["reason"]
    )
    content = letter_files.content_for(context.session(), letter_id, reader, context.now())
    parts = context.parts()
    store, vault = parts.get(ObjectStore), parts.get(LetterVault)
    name = f"{letter.letter_code}.pdf"
    # Fetched as the answer goes out: by then the reading is on record, and no transaction is open.
    body = (letter_files.unseal(store, vault, item) for item in (content,))
    response = Response(body, mimetype="application/pdf")
    response.content_length = content.size
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _role_of_reader(letter: Letter, reader: Caller) -> str:
    """Tell as whom the caller would read; `NotFound` for everybody else."""
    if reader.account.id == letter.trainee_id:
        return "trainee"
    if letter.author_email is not None and reader.account.email == letter.author_email:
        return "author"
    if "coordinator" in reader.site_roles(letter.site_id):
        return "coordinator"
    if "operator" in reader.roles:
        return "operator"
    raise NotFound


def _letter(letter_id: UUID) -> Letter:
    letter = queries.letter(context.session(), letter_id)
    if letter is None:
        raise NotFound
    return letter


def _own(letter_id: UUID) -> Letter:
    letter = _letter(letter_id)
    if letter.trainee_id != current_account().id:
        raise NotFound
    return letter


def _hosted(letter_id: UUID) -> Letter:
    letter = _letter(letter_id)
    check_site(letter.site_id, *ANSWERS, operators=False)
    return letter


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
