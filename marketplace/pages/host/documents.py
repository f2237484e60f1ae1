"""Documents that trainees have released to the site: read once by a link, accepted or rejected."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries import reviewing
from marketplace.compliance.routes.documents import link_for
from marketplace.compliance.rules.validity import facts_from_json
from marketplace.compliance.schemas.documents import DocumentVerdictArgs
from marketplace.compliance.service import reading, reviews
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import (
    DECIDERS,
    NOT_PROCESSABLE,
    back,
    panel,
    refusal,
)
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/documents"
BASE = "/host/sites/<uuid:site_id>/documents"
ONE = f"{BASE}/<uuid:document_id>"
A_PAGE = 25

blueprint = Pages("host_documents")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def list_released(site_id: UUID) -> Response:
    """List what waits for a decision, the oldest upload first; or all that is released."""
    every = request.args.get("every") == "yes"
    found = reviewing.of_site(
        context.session(),
        site_id,
        waiting=not every,
        now=context.now(),
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    return panel("host/documents.html", site_id, TAB, found=found, every=every)


@blueprint.get(ONE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, document_id: UUID) -> Response:
    """Show a document without its content, and ask for the decision."""
    return _shown(site_id, document_id)


@blueprint.post(f"{ONE}/read")
@site_member(*DECIDERS, operators=False)
def read(site_id: UUID, document_id: UUID) -> Answer:
    """Go on to the document by a link that is good once; its holder sees who has read it."""
    found = _found(site_id, document_id)
    try:
        reader = reading.Reader(current_account().id, "site", site_id)
        link, headers = link_for(document_id, found.version.number, reader)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, document_id, refused=refusal(refused), status=refused.status)
    answer = redirect(link["url"], 303)
    answer.headers.update(headers)
    return answer


@blueprint.post(f"{ONE}/decision")
@site_member(*DECIDERS, operators=False)
def decide(site_id: UUID, document_id: UUID) -> Answer:
    """Accept or reject the newest version for the site."""
    _found(site_id, document_id)
    given = forms.typed()
    sent: dict[str, Any] = {
        name: forms.whole_number(text) if name in ("version", "seen") else text
        for name, text in given.items()
    }
    values, errors = forms.read(DocumentVerdictArgs(), sent)
    if errors:
        return _shown(site_id, document_id, given, errors)
    try:
        reviews.decide(
            context.session(),
            document_id,
            reviews.Verdict(**values),
            site_id=site_id,
            actor_id=current_account().id,
            now=context.now(),
        )
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        told = None if refused.fields else refusal(refused)
        return _shown(site_id, document_id, given, refused.fields, told, refused.status)
    return back(site_id, TAB, "decided")


def _shown(
    site_id: UUID,
    document_id: UUID,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
    status: int = NOT_PROCESSABLE,
) -> Response:
    found = _found(site_id, document_id)
    return panel(
        "host/document.html",
        site_id,
        TAB,
        status if errors or refused else 200,
        found=found,
        facts=facts_from_json(found.version.facts),
        typed=typed or {},
        errors=errors or {},
        refused=refused,
    )


def _found(site_id: UUID, document_id: UUID) -> reviewing.Reviewed:
    """The document's newest version, if it is released to the site."""
    session, now = context.session(), context.now()
    if not queries.is_released(session, document_id, site_id, now):
        raise NotFound
    document = queries.find(session, document_id)
    version = queries.version(session, document_id, document.version)
    return reviewing.one(session, version, site_id, now)
