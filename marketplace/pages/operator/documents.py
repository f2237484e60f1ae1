"""Documents that nobody has decided on: read by a link that says why, accepted or rejected."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries import reviewing
from marketplace.compliance.rules.validity import facts_from_json
from marketplace.compliance.schemas.documents import (
    DocumentVerdictArgs,
    OperatorDocumentLinkArgs,
)
from marketplace.compliance.service import reading, reviews
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page
from marketplace.web import context
from marketplace.web.api import PREFIX

A_PAGE = 50
NOT_PROCESSABLE = 422

blueprint = Pages("desk_documents")


@blueprint.get("/desk/documents")
@require("operator")
def list_waiting() -> Response:
    """List the documents that nobody has decided on, the longest waiting first."""
    found = reviewing.waiting(
        context.session(),
        now=context.now(),
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    return page("desk/documents.html", found=found)


@blueprint.get("/desk/documents/<uuid:document_id>")
@require("operator")
def show(document_id: UUID) -> Response:
    """Show what a document says of itself, not what is in it, and ask for a decision."""
    return _shown(document_id, {}, {})


@blueprint.post("/desk/documents/<uuid:document_id>/link")
@require("operator")
def read(document_id: UUID) -> Response:
    """Lead to the document by a link that works once, saying why; its holder sees who and why."""
    typed = forms.typed()
    given = {
        "version": forms.whole_number(typed.get("version", "")),
        "reason": typed.get("reason", ""),
    }
    values, errors = forms.read(OperatorDocumentLinkArgs(), given)
    link = None
    if not errors:
        who = reading.Reader(current_account().id, "operator", reason=values["reason"])
        link, errors = forms.tried(
            lambda: reading.ask(
                context.session(),
                context.parts().get(LinkSigner),
                document_id,
                values["version"],
                who,
                context.now(),
            ),
            "reason",
        )
    if errors or link is None:
        return _shown(document_id, typed, errors)
    answer = redirect(f"{PREFIX}/downloads/{link.token}", 303)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/desk/documents/<uuid:document_id>/decision")
@require("operator")
def decide(document_id: UUID) -> Response:
    """Accept or reject the newest version for every site that hasn't decided by itself."""
    typed = forms.typed()
    given: dict[str, Any] = {
        "decision": typed.get("decision", ""),
        "version": forms.whole_number(typed.get("version", "")),
        "seen": forms.whole_number(typed.get("seen", "0")),
        "reason": typed.get("why", ""),
    }
    values, errors = forms.read(DocumentVerdictArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: reviews.decide(
                context.session(),
                document_id,
                reviews.Verdict(**values),
                site_id=None,
                actor_id=current_account().id,
                now=context.now(),
            ),
            "why",
        )
    if errors:
        # The reason to read and the reason to decide are two fields of this page.
        beside = {"why" if name == "reason" else name: texts for name, texts in errors.items()}
        return _shown(document_id, typed, beside)
    return redirect("/desk/documents", 303)


def _shown(document_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    document = queries.find(session, document_id)
    version = queries.version(session, document_id, document.version)
    return form_page(
        "desk/document.html",
        NOT_PROCESSABLE if errors else 200,
        found=reviewing.one(session, version, None, context.now()),
        facts=facts_from_json(version.facts),
        typed=typed,
        errors=errors,
    )
