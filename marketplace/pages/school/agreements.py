"""Affiliation agreements for both sides: a school's coordinators, and those who decide for a site."""

from typing import Any
from uuid import UUID

from flask import Response, redirect
from werkzeug.wrappers import Response as Answer

from marketplace.compliance.errors import AgreementNotReady
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.schemas.agreements import AgreementReasonArgs
from marketplace.compliance.service import agreements
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import caller, current_account, school_member, signed_in
from marketplace.pages import forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, panel
from marketplace.pages.school.words import AGREEMENT_STATES, tone
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

ONE = "/agreements/<uuid:agreement_id>"
DECIDERS = frozenset({"coordinator", "site_owner"})

blueprint = Pages("agreement_pages")


@blueprint.get("/schools/<uuid:school_id>/agreements")
@school_member(operators=False)
def list_agreements(school_id: UUID) -> Response:
    """List the school's agreements, the newest first."""
    found = queries.page(context.session(), school_id=school_id, **asked_for())
    return panel(
        "school/agreements.html", school_id, "/agreements", found=found, states=AGREEMENT_STATES
    )


@blueprint.get(ONE)
@signed_in
def show(agreement_id: UUID) -> Response:
    """Show an agreement of one's side with its text, its signers and its history."""
    return _shown(agreement_id)


@blueprint.get(f"{ONE}/file")
@signed_in
def read_file(agreement_id: UUID) -> Response:
    """Download an agreement with its page of signatures as PDF."""
    found = _own(agreement_id)
    if found.object_key is None:
        raise AgreementNotReady
    response = Response(
        context.parts().get(ObjectStore).stream(found.object_key), mimetype="application/pdf"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="agreement.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post(f"{ONE}/send")
@signed_in
def send(agreement_id: UUID) -> Answer:
    """Send a draft to be signed: its text stays, and the first signer is mailed a link."""
    found, session, now = _own(agreement_id), context.session(), context.now()
    signer, own = context.parts().get(LinkSigner), current_account().id
    _, errors = forms.tried(
        lambda: agreements.send(session, found.id, signer=signer, actor_id=own, now=now), "reason"
    )
    return _to(agreement_id, {}, errors)


@blueprint.post(f"{ONE}/void")
@signed_in
def void(agreement_id: UUID) -> Answer:
    """Take back what is not in force yet."""
    return _ended(agreement_id, agreements.void)


@blueprint.post(f"{ONE}/end")
@signed_in
def end(agreement_id: UUID) -> Answer:
    """End an agreement early; rotations that need it can't be confirmed or begin from now on."""
    return _ended(agreement_id, agreements.end)


def _ended(agreement_id: UUID, act: Any) -> Answer:
    typed = forms.typed()
    found = _own(agreement_id)
    values, errors = forms.read(AgreementReasonArgs(), typed)
    if not errors:
        session, own, now = context.session(), current_account().id, context.now()
        _, errors = forms.tried(
            lambda: act(session, found.id, actor_id=own, now=now, **values), "reason"
        )
    return _to(agreement_id, typed, errors)


def _to(agreement_id: UUID, typed: dict[str, str], errors: forms.Errors) -> Answer:
    if errors:
        return _shown(agreement_id, typed, errors)
    return redirect(f"/agreements/{agreement_id}", 303)


def _shown(
    agreement_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session, found = context.session(), _own(agreement_id)
    return form_page(
        "school/agreement.html",
        NOT_PROCESSABLE if errors else 200,
        agreement=found,
        ours=found.school_id in caller().school_ids,
        signings=queries.signings(session, agreement_id),
        steps=queries.steps(session, agreement_id),
        states=AGREEMENT_STATES,
        tone=tone,
        typed=typed or {},
        errors=errors or {},
    )


def _own(agreement_id: UUID) -> Any:
    """An agreement of the caller's side; for everybody else there is nothing."""
    found, who = queries.find(context.session(), agreement_id), caller()
    if found.school_id in who.school_ids:
        return found
    there = who.site_roles(found.site_id)
    if not there:
        raise NotFound
    if not there & DECIDERS:
        raise Forbidden("This needs the role coordinator or site_owner at the site.")
    return found
