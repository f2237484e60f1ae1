"""Affiliation agreements: templates, drafts, signing by link, and for what they are needed."""

from typing import Any
from uuid import UUID

from flask import Response, request

from marketplace.catalog import queries as catalog
from marketplace.compliance.errors import AgreementNotReady
from marketplace.compliance.gateway import LinkSigner
from marketplace.compliance.models import Agreement, AgreementSigner, AgreementTemplate
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules import agreements as rules
from marketplace.compliance.schemas.agreements import (
    AgreementArgs,
    AgreementDetailSchema,
    AgreementPage,
    AgreementReasonArgs,
    AgreementRuleArgs,
    AgreementRulesSchema,
    AgreementsArgs,
    AgreementSignArgs,
    AgreementTemplateArgs,
    AgreementTemplateSchema,
    AgreementTemplatesSchema,
    AgreementToSignSchema,
)
from marketplace.compliance.service import agreement_upkeep, agreements, drafting
from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import (
    caller,
    current_account,
    public,
    require,
    signed_in,
    site_member,
)
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page

blueprint = Blueprint(
    "agreements", __name__, description="Affiliation agreements between schools and sites."
)
DECIDERS = frozenset({"coordinator", "site_owner"})
SIGNING = "/agreements/signing/<string:token>"
LONGEST_AGENT = 500


@blueprint.route("/agreement-templates", methods=["GET"])
@signed_in
@blueprint.response(200, AgreementTemplatesSchema)
def list_templates() -> dict[str, Any]:
    """List the texts from which an agreement is drafted, each in its newest version."""
    return {"items": queries.templates(context.session())}


@blueprint.route("/operator/agreement-templates", methods=["POST"])
@require("operator")
@blueprint.arguments(AgreementTemplateArgs)
@blueprint.response(201, AgreementTemplateSchema)
def make_template(data: dict[str, Any]) -> AgreementTemplate:
    """Add a version of a template; agreements drafted from earlier ones keep theirs."""
    actor_id = current_account().id
    return agreements.make_template(context.session(), actor_id=actor_id, now=context.now(), **data)


@blueprint.route("/agreements", methods=["POST"])
@signed_in
@blueprint.arguments(AgreementArgs)
@blueprint.response(201, AgreementDetailSchema)
def draft(data: dict[str, Any]) -> dict[str, Any]:
    """Draft an agreement, as a coordinator of either side; nobody is written to yet."""
    _check_side(data["school_id"], data["site_id"])
    by, now = current_account().id, context.now()
    return _whole(drafting.draft(context.session(), data, actor_id=by, now=now))


@blueprint.route("/agreements", methods=["GET"])
@signed_in
@blueprint.arguments(AgreementsArgs, location="query")
@blueprint.response(200, AgreementPage)
def list_agreements(data: dict[str, Any]) -> Page[Agreement]:
    """List the agreements of your school or your site, the newest first."""
    _check_listing(data["school_id"], data["site_id"])
    return queries.page(context.session(), **data)


@blueprint.route("/agreements/<uuid:agreement_id>", methods=["GET"])
@signed_in
@blueprint.response(200, AgreementDetailSchema)
def show(agreement_id: UUID) -> dict[str, Any]:
    """Read an agreement of yours with its signers and history."""
    return _whole(_own(agreement_id))


@blueprint.route("/agreements/<uuid:agreement_id>/send", methods=["POST"])
@signed_in
@blueprint.response(200, AgreementDetailSchema)
def send(agreement_id: UUID) -> dict[str, Any]:
    """Send a draft to be signed: its text stays, and the first signer is mailed a link."""
    found = _own(agreement_id)
    return _whole(
        agreements.send(
            context.session(),
            found.id,
            signer=_signer(),
            actor_id=current_account().id,
            now=context.now(),
        )
    )


@blueprint.route("/agreements/<uuid:agreement_id>/void", methods=["POST"])
@signed_in
@blueprint.arguments(AgreementReasonArgs)
@blueprint.response(200, AgreementDetailSchema)
def void(data: dict[str, str], agreement_id: UUID) -> dict[str, Any]:
    """Take back what is not in force yet."""
    found, actor_id, now = _own(agreement_id), current_account().id, context.now()
    return _whole(agreements.void(context.session(), found.id, actor_id=actor_id, now=now, **data))


@blueprint.route("/agreements/<uuid:agreement_id>/end", methods=["POST"])
@signed_in
@blueprint.arguments(AgreementReasonArgs)
@blueprint.response(200, AgreementDetailSchema)
def end(data: dict[str, str], agreement_id: UUID) -> dict[str, Any]:
    """End an agreement early; rotations that need it can't be confirmed or begin from now on."""
    found, actor_id, now = _own(agreement_id), current_account().id, context.now()
    return _whole(agreements.end(context.session(), found.id, actor_id=actor_id, now=now, **data))


@blueprint.route("/agreements/<uuid:agreement_id>/file", methods=["GET"])
@signed_in
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def read_file(agreement_id: UUID) -> Response:
    """Read the agreement as PDF, with the page of signatures."""
    found = _own(agreement_id)
    if found.object_key is None:
        raise AgreementNotReady
    response = Response(
        context.parts().get(ObjectStore).stream(found.object_key), mimetype="application/pdf"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="agreement.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route(SIGNING, methods=["GET"])
@public
@blueprint.response(200, AgreementToSignSchema)
def read_to_sign(token: str) -> dict[str, Any]:
    """Read what you are asked to sign. Opening the link changes nothing."""
    found, who = agreements.reading(context.session(), _signer(), token, context.now())
    return _to_sign(found, who)


@blueprint.route(SIGNING, methods=["POST"])
@public
@blueprint.arguments(AgreementSignArgs)
@blueprint.response(200, AgreementToSignSchema)
def sign(data: dict[str, Any], token: str) -> dict[str, Any]:
    """Sign by typing your name, sending back the `sha256` and the `wording` that you read.

    409 `agreement_words_changed` for any other text.
    """
    session, now = context.session(), context.now()
    _, who = agreements.reading(session, _signer(), token, now)
    del data["consent"]
    agent = (request.user_agent.string or "unknown")[:LONGEST_AGENT]
    trail = agreements.Trail(request.remote_addr or "unknown", agent)
    found = agreements.sign(session, _signer(), token, trail=trail, now=now, **data)
    return _to_sign(found, who)


@blueprint.route(f"{SIGNING}/refusal", methods=["POST"])
@public
@blueprint.arguments(AgreementReasonArgs)
@blueprint.response(200, AgreementToSignSchema)
def refuse(data: dict[str, str], token: str) -> dict[str, Any]:
    """Decline to sign, saying why: the agreement is void, and both sides read it."""
    session, now = context.session(), context.now()
    _, who = agreements.reading(session, _signer(), token, now)
    return _to_sign(agreements.refuse(session, _signer(), token, now=now, **data), who)


@blueprint.route("/sites/<uuid:site_id>/agreement-rules", methods=["GET"])
@site_member()
@blueprint.response(200, AgreementRulesSchema)
def read_rules(site_id: UUID) -> dict[str, Any]:
    """See for what of the site a trainee's school needs an agreement."""
    return _rules(site_id)


@blueprint.route("/sites/<uuid:site_id>/agreement-rules", methods=["PUT"])
@site_member("coordinator", "site_owner")
@blueprint.arguments(AgreementRuleArgs)
@blueprint.response(200, AgreementRulesSchema)
def change_rules(data: dict[str, Any], site_id: UUID) -> dict[str, Any]:
    """Take trainees only under an agreement with their school, or no longer only so.

    It holds for bookings that are made from now on.
    """
    session, listing_id = context.session(), data["listing_id"]
    if listing_id is not None:
        facts = catalog.listing_facts(session, [listing_id]).get(listing_id)
        if facts is None or facts.site_id != site_id:
            raise NotFound
    act = agreement_upkeep.require if data["required"] else agreement_upkeep.require_no_more
    act(session, site_id, listing_id, actor_id=current_account().id, now=context.now())
    return _rules(site_id)


def _rules(site_id: UUID) -> dict[str, Any]:
    found = queries.live_rules(context.session(), site_id)
    return {
        "site_id": site_id,
        "whole_site": any(one.listing_id is None for one in found),
        "listing_ids": [one.listing_id for one in found if one.listing_id is not None],
    }


def _own(agreement_id: UUID) -> Agreement:
    """Return an agreement of the caller's side; for everybody else there is nothing."""
    found = queries.find(context.session(), agreement_id)
    _check_side(found.school_id, found.site_id)
    return found


def _check_side(school_id: UUID, site_id: UUID) -> None:
    who = caller()
    if "operator" in who.roles or school_id in who.school_ids:
        return
    there = who.site_roles(site_id)
    if not there:
        raise NotFound
    if not there & DECIDERS:
        raise Forbidden("This needs the role coordinator or site_owner at the site.")


def _check_listing(school_id: UUID | None, site_id: UUID | None) -> None:
    who = caller()
    if "operator" in who.roles:
        return
    if school_id is not None and school_id in who.school_ids:
        return
    if school_id is None and site_id is not None and who.site_roles(site_id) & DECIDERS:
        return
    raise NotFound("Name your school or your site.")


def _whole(found: Agreement) -> dict[str, Any]:
    session = context.session()
    names = ("id", "school_id", "school_name", "site_id", "site_name", "state", "title", "sha256",
             "starts_on", "ends_on", "made_at", "sent_at", "signed_at", "ended_at", "body")  # fmt: skip
    return {
        **{name: getattr(found, name) for name in names},
        "signers": [_signing(one) for one in queries.signings(session, found.id)],
        "history": queries.steps(session, found.id),
    }


def _signing(one: queries.Signing) -> dict[str, Any]:
    names = ("place", "side", "name", "email", "role", "asked_at")
    signed = one.signature
    return {
        **{name: getattr(one.signer, name) for name in names},
        "signed_at": signed.signed_at if signed else None,
        "typed_name": signed.typed_name if signed else None,
    }


def _to_sign(found: Agreement, who: AgreementSigner) -> dict[str, Any]:
    names = ("title", "body", "school_name", "site_name", "starts_on", "ends_on", "state", "sha256")
    return {
        **{name: getattr(found, name) for name in names},
        "name": who.name,
        "role": who.role,
        "side": who.side,
        "consent": rules.CONSENT,
        "wording": rules.CONSENT_WORDING,
    }


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
