"""Documents that wait for a decision: a site's own queue, and the operators'."""

from typing import Any
from uuid import UUID

from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries import reviewing
from marketplace.compliance.routes import showing
from marketplace.compliance.routes.documents import link_for
from marketplace.compliance.schemas.documents import (
    DocumentErasureArgs,
    DocumentLinkArgs,
    DocumentLinkSchema,
    DocumentReviewArgs,
    DocumentReviewSchema,
    DocumentsErasedSchema,
    DocumentVerdictArgs,
    OperatorDocumentLinkArgs,
)
from marketplace.compliance.service import erasing, reading, reviews
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require, site_member
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "document_reviews", __name__, description="Deciding on the documents of trainees."
)
REVIEWERS = ("coordinator", "site_owner")
SITE = "/sites/<uuid:site_id>/documents"
OPERATOR = "/operator/documents"


@blueprint.route(SITE, methods=["GET"])
@site_member(*REVIEWERS, operators=False)
@blueprint.arguments(DocumentReviewArgs, location="query")
@blueprint.response(200, page_of(DocumentReviewSchema))
def list_for_site(args: dict[str, Any], site_id: UUID) -> Page[dict[str, Any]]:
    """List the documents that trainees have released to the site, the oldest upload first."""
    page = reviewing.of_site(context.session(), site_id, now=context.now(), **args)
    return Page([showing.review(one) for one in page.items], page.next_cursor)


@blueprint.route(f"{SITE}/<uuid:document_id>", methods=["GET"])
@site_member(*REVIEWERS, operators=False)
@blueprint.response(200, DocumentReviewSchema)
def show_to_site(site_id: UUID, document_id: UUID) -> dict[str, Any]:
    """Show a document that was released to the site, without its content."""
    _check_released(site_id, document_id)
    return _review(document_id, site_id)


@blueprint.route(f"{SITE}/<uuid:document_id>/links", methods=["POST"])
@site_member(*REVIEWERS, operators=False)
@blueprint.arguments(DocumentLinkArgs)
@blueprint.response(201, DocumentLinkSchema)
def link_for_site(
    data: dict[str, Any], site_id: UUID, document_id: UUID
) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for a link that reads the document, once, within two minutes; its holder sees who did."""
    reader = reading.Reader(current_account().id, "site", site_id)
    return link_for(document_id, data["version"], reader)


@blueprint.route(f"{SITE}/<uuid:document_id>/decisions", methods=["POST"])
@site_member(*REVIEWERS, operators=False)
@blueprint.arguments(DocumentVerdictArgs)
@blueprint.response(201, DocumentReviewSchema)
def decide_for_site(data: dict[str, Any], site_id: UUID, document_id: UUID) -> dict[str, Any]:
    """Accept or reject the newest version for your site.

    409 `decided_already`, naming who, if a colleague was faster; 409 `newer_version`.
    """
    _check_released(site_id, document_id)
    return _decided(data, document_id, site_id)


@blueprint.route(OPERATOR, methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(DocumentReviewSchema))
def list_waiting(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List the documents that nobody has decided on, the longest waiting first."""
    page = reviewing.waiting(context.session(), now=context.now(), **args)
    return Page([showing.review(one) for one in page.items], page.next_cursor)


@blueprint.route(f"{OPERATOR}/<uuid:document_id>", methods=["GET"])
@require("operator")
@blueprint.response(200, DocumentReviewSchema)
def show_to_operator(document_id: UUID) -> dict[str, Any]:
    """Show a document with every decision on its newest version, without its content."""
    return _review(document_id, None)


@blueprint.route(f"{OPERATOR}/<uuid:document_id>/links", methods=["POST"])
@require("operator")
@blueprint.arguments(OperatorDocumentLinkArgs)
@blueprint.response(201, DocumentLinkSchema)
def link_for_operator(
    data: dict[str, Any], document_id: UUID
) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for a link that reads the document, once, saying why; its holder sees who and why."""
    reader = reading.Reader(current_account().id, "operator", reason=data["reason"])
    return link_for(document_id, data["version"], reader)


@blueprint.route(f"{OPERATOR}/<uuid:document_id>/decisions", methods=["POST"])
@require("operator")
@blueprint.arguments(DocumentVerdictArgs)
@blueprint.response(201, DocumentReviewSchema)
def decide_for_all(data: dict[str, Any], document_id: UUID) -> dict[str, Any]:
    """Accept or reject the newest version for every site that hasn't decided by itself."""
    return _decided(data, document_id, None)


@blueprint.route("/operator/accounts/<uuid:account_id>/documents/erasure", methods=["POST"])
@require("operator")
@blueprint.arguments(DocumentErasureArgs)
@blueprint.response(200, DocumentsErasedSchema)
def erase_for(data: dict[str, Any], account_id: UUID) -> erasing.Erased:
    """Erase the content of all of a person's documents for good, at their wish, saying why.

    Those that a booking needs too: what was released is taken back. And the content of all files that
    they have sent with messages; that they were sent stays on record.
    """
    session = context.session()
    if identity.contact(session, account_id) is None:
        raise NotFound
    return erasing.erase(
        session,
        account_id,
        actor_id=current_account().id,
        in_use=True,
        now=context.now(),
        **data,
    )


def _check_released(site_id: UUID, document_id: UUID) -> None:
    if not queries.is_released(context.session(), document_id, site_id, context.now()):
        raise NotFound


def _decided(data: dict[str, Any], document_id: UUID, site_id: UUID | None) -> dict[str, Any]:
    reviews.decide(
        context.session(),
        document_id,
        reviews.Verdict(**data),
        site_id=site_id,
        actor_id=current_account().id,
        now=context.now(),
    )
    return _review(document_id, site_id)


def _review(document_id: UUID, site_id: UUID | None) -> dict[str, Any]:
    session = context.session()
    document = queries.find(session, document_id)
    version = queries.version(session, document_id, document.version)
    return showing.review(reviewing.one(session, version, site_id, context.now()))
