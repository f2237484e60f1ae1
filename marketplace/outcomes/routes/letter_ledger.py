"""What belongs to a letter besides its content: packet, drafts, programs, and no more reminders."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, public, signed_in
from marketplace.identity.routes.mail_links import PAGE, page_or_message
from marketplace.identity.schemas.auth import AcknowledgementSchema
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Letter, LetterAssignment, LetterDraft
from marketplace.outcomes.queries import ledger
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.schemas.letters import (
    AssignmentArgs,
    AssignmentsArgs,
    AssignmentSchema,
    DraftArgs,
    DraftSchema,
    DraftsSchema,
    EndRemindersArgs,
    LetterSchema,
    ListedAssignmentSchema,
    PacketSchema,
)
from marketplace.outcomes.service import letter_authors, letter_packets, letter_programs, letters
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "letter_ledger",
    __name__,
    url_prefix="/letters",
    description="What belongs to letters: packets, drafts, and the programs that they are for.",
)
WORDS = {
    "ask": {
        "en": {"title": "Stop reminders of letters?", "button": "Stop them"},
        "es": {"title": "¿Dejar de recibir recordatorios de cartas?", "button": "No recibir más"},
    },
    "done": {
        "en": {"title": "You will get no more reminders of letters."},
        "es": {"title": "No recibirá más recordatorios de cartas."},
    },
}


@blueprint.route("/<uuid:letter_id>/packet", methods=["PUT"])
@signed_in
@blueprint.arguments(PacketSchema)
@blueprint.response(200, LetterSchema)
def change_packet(data: dict[str, Any], letter_id: UUID) -> Letter:
    """Give the author another packet, while there is no letter."""
    return letters.change_packet(context.session(), _own(letter_id).id, data, context.now())


@blueprint.route("/<uuid:letter_id>/drafts", methods=["POST"])
@signed_in
@blueprint.arguments(DraftArgs)
@blueprint.response(201, DraftSchema)
def write_draft(data: dict[str, str], letter_id: UUID) -> LetterDraft:
    """Offer the author words to begin from. Each draft is kept, and the letter says if it was used.

    409 `letter_not_open` once the letter exists or will not be written.
    """
    session, letter = context.session(), _own(letter_id)
    return letter_packets.write_draft(session, letter.id, data["words"], context.now())


@blueprint.route("/<uuid:letter_id>/drafts", methods=["GET"])
@signed_in
@blueprint.response(200, DraftsSchema)
def list_drafts(letter_id: UUID) -> dict[str, Any]:
    """List your drafts, oldest first. What the author makes of them is not shown here."""
    return {"items": ledger.drafts(context.session(), _own(letter_id).id)}


@blueprint.route("/<uuid:letter_id>/assignments", methods=["POST"])
@signed_in
@blueprint.arguments(AssignmentArgs)
@blueprint.response(201, AssignmentSchema)
def assign(data: dict[str, Any], letter_id: UUID) -> LetterAssignment:
    """Assign a confirmed letter of yours to a program of a season; a program takes four at most.

    409 `too_many_letters` names those that it has. A waived letter can be assigned, not opened.
    """
    return letter_programs.assign(context.session(), _own(letter_id), now=context.now(), **data)


@blueprint.route("/assignments", methods=["GET"])
@signed_in
@blueprint.arguments(AssignmentsArgs, location="query")
@blueprint.response(200, page_of(ListedAssignmentSchema))
def list_assignments(args: dict[str, Any]) -> Page[Any]:
    """List which letters of yours are assigned to which programs."""
    return ledger.assignments(context.session(), current_account().id, **args)


@blueprint.route("/assignments/<uuid:assignment_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def take_back(assignment_id: UUID) -> None:
    """Take a letter back from a program; twice is once."""
    letter_programs.take_back(context.session(), assignment_id, current_account().id, context.now())


@blueprint.route("/reminders/end", methods=["GET"])
@public
@blueprint.arguments(EndRemindersArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def explain_end(data: dict[str, str]) -> Response:
    """Show what the link is for; this alone ends nothing, since mail scanners open links."""
    letter_authors.linked(context.session(), _signer(), data["token"], context.now())
    return page_or_message(
        "unsubscribe.html", WORDS["ask"], "To end reminders of letters, POST to this address."
    )


@blueprint.route("/reminders/end", methods=["POST"])
@public
@blueprint.arguments(EndRemindersArgs, location="query")
@blueprint.response(200, AcknowledgementSchema)
@blueprint.alt_response(200, schema=PAGE, content_type="text/html")
def end(data: dict[str, str]) -> Response:
    """End reminders of letters to this author; twice is once.

    Serves mail programs' one click too (RFC 8058).
    """
    letter_authors.end_reminders(context.session(), _signer(), data["token"], context.now())
    return page_or_message(
        "unsubscribe.html", WORDS["done"], "You will get no more reminders of letters."
    )


def _own(letter_id: UUID) -> Letter:
    letter = queries.letter(context.session(), letter_id)
    if letter is None or letter.trainee_id != current_account().id:
        raise NotFound
    return letter


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
