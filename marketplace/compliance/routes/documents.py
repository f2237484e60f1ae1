"""A person's own documents: uploaded, looked at, read, deleted, and who has read them."""

from typing import Any
from uuid import UUID

from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import DocumentUpload
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.routes import showing
from marketplace.compliance.schemas.documents import (
    DocumentLinkArgs,
    DocumentLinkSchema,
    DocumentSchema,
    DocumentsErasedSchema,
    FileAddressSchema,
    FileUploadArgs,
    FileUploadSchema,
    TrailEntrySchema,
)
from marketplace.compliance.service import erasing, reading, upkeep, uploads
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "documents",
    __name__,
    url_prefix="/documents",
    description="Your own documents, for every booking that needs them.",
)
# An address is a credential: it is not kept with the answers that are given again.
SECRET = {"Cache-Control": "private, no-store"}


@blueprint.route("/uploads", methods=["POST"])
@signed_in
@blueprint.arguments(FileUploadArgs)
@blueprint.response(201, FileAddressSchema)
def ask_for_upload(data: dict[str, Any]) -> tuple[uploads.Address, dict[str, str]]:
    """Ask for an address that takes one file, once, for 15 minutes.

    What is known to be refused is refused now: 413 `document_too_large`, 422 `document_refused`
    with the `fault`.
    """
    parts, document_id = context.parts(), data.pop("document_id")
    address = uploads.ask(
        context.session(),
        parts.get(ObjectStore),
        parts.get(LinkSigner),
        uploads.Wish(**data),
        holder_id=current_account().id,
        document_id=document_id,
        base=f"{public_url()}{PREFIX}/uploads",
        direct=parts.get(Settings).direct_uploads,
        now=context.now(),
    )
    return address, SECRET


@blueprint.route("/uploads/<uuid:upload_id>", methods=["GET"])
@signed_in
@blueprint.response(200, FileUploadSchema)
def show_upload(upload_id: UUID) -> DocumentUpload:
    """Show whether an upload was taken, or why not."""
    return uploads.own(context.session(), upload_id, current_account().id)


@blueprint.route("/uploads/<uuid:upload_id>/completion", methods=["POST"])
@signed_in
@blueprint.response(202, FileUploadSchema)
def complete_upload(upload_id: UUID) -> DocumentUpload:
    """Say that the file was sent to the store's address; it is looked at and taken in soon."""
    return uploads.hand_over(context.session(), upload_id, current_account().id, context.now())


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(DocumentSchema))
def list_own(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List your documents, the newest first."""
    page = queries.of_holder(context.session(), current_account().id, context.now().date(), **args)
    return Page([showing.document(view) for view in page.items], page.next_cursor)


@blueprint.route("/<uuid:document_id>", methods=["GET"])
@signed_in
@blueprint.response(200, DocumentSchema)
def show(document_id: UUID) -> dict[str, Any]:
    """Show a document of yours with its versions, decisions, and whom it is released to."""
    session = context.session()
    found = queries.own(session, document_id, current_account().id)
    return showing.document(queries.views(session, [found], context.now().date())[0])


@blueprint.route("/<uuid:document_id>", methods=["DELETE"])
@signed_in
@blueprint.response(204)
def delete(document_id: UUID) -> None:
    """Delete a document's content for good. 409 `document_in_use` while a booking needs it."""
    upkeep.delete_document(context.session(), document_id, current_account().id, context.now())


@blueprint.route("/erasure", methods=["POST"])
@signed_in
@blueprint.response(200, DocumentsErasedSchema)
def erase_all() -> erasing.Erased:
    """Erase the content of all your documents for good, but for those that a booking needs.

    And of the files that you have sent with messages, once their booking is over. Their keys are deleted: no copy of the files can be opened by anybody, in a backup neither.
    """
    own = current_account().id
    return erasing.erase(context.session(), own, actor_id=own, in_use=False, now=context.now())


@blueprint.route("/<uuid:document_id>/links", methods=["POST"])
@signed_in
@blueprint.arguments(DocumentLinkArgs)
@blueprint.response(201, DocumentLinkSchema)
def ask_for_link(data: dict[str, Any], document_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for a link that reads a version of a document of yours, once, within two minutes."""
    return link_for(document_id, data["version"], reading.Reader(current_account().id, "holder"))


@blueprint.route("/<uuid:document_id>/trail", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(TrailEntrySchema))
def trail(args: dict[str, Any], document_id: UUID) -> Page[dict[str, Any]]:
    """List what was done with a document of yours and who has read it, the newest first."""
    session = context.session()
    queries.own(session, document_id, current_account().id)
    page = queries.readings(session, document_id, **args)
    people = identity.contacts(session, [one.actor_id for one in page.items if one.actor_id])
    items = [
        {
            "at": one.at,
            "action": one.action,
            "actor_id": one.actor_id,
            "actor_name": people[one.actor_id].name if one.actor_id in people else None,
            "detail": one.detail,
        }
        for one in page.items
    ]
    return Page(items, page.next_cursor)


def link_for(
    document_id: UUID, number: int, reader: reading.Reader
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a link for a reader, as the answer to a request for one."""
    signer = context.parts().get(LinkSigner)
    link = reading.ask(context.session(), signer, document_id, number, reader, context.now())
    return {"url": showing.link(public_url(), link.token), "expires_at": link.expires_at}, SECRET


def public_url() -> str:
    return context.parts().get(Settings).public_url.rstrip("/")
