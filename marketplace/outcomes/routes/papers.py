"""Papers for those whom they are about, for their hosts and for operators; and checks for anybody."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.core.settings import Settings
from marketplace.identity.access import check_site, current_account, public, require, signed_in
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Paper
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.rules import badges, baking
from marketplace.outcomes.rules.papers import standing
from marketplace.outcomes.schemas.papers import (
    PaperArgs,
    PaperCheckSchema,
    PaperLinkSchema,
    PaperRevocationArgs,
    PaperSchema,
    PapersSchema,
)
from marketplace.outcomes.service.papers import checking, files, issuing
from marketplace.outcomes.service.rotations import Rotation, rotation
from marketplace.web import context, openapi
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.limits import seldom

blueprint = Blueprint(
    "papers",
    __name__,
    description="Letters of acceptance, letters for visas, certificates: issued, read, checked.",
)
HOSTS = ("coordinator", "site_owner")


@blueprint.route("/bookings/<uuid:booking_id>/papers", methods=["POST"])
@signed_in
@blueprint.arguments(PaperArgs)
@blueprint.response(200, PaperSchema)
def issue(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Have a paper issued; where the facts have not changed, the present one is returned."""
    _visible(booking_id)
    kind = issuing.kind_of(data["kind"])
    return shown(issuing.issue(context.session(), booking_id, kind, context.now()), newer=False)


@blueprint.route("/bookings/<uuid:booking_id>/papers", methods=["GET"])
@signed_in
@blueprint.response(200, PapersSchema)
def list_of_booking(booking_id: UUID) -> dict[str, Any]:
    """List every paper about a booking, replaced and revoked ones too, the newest first."""
    _visible(booking_id)
    return {"items": shown_of(booking_id)}


@blueprint.route("/papers/<uuid:paper_id>/links", methods=["POST"])
@signed_in
@blueprint.response(200, PaperLinkSchema)
def make_link(paper_id: UUID) -> dict[str, Any]:
    """Get a link to the file that works for five minutes; asking is recorded."""
    made = files.link(
        context.session(),
        _signer(),
        _paper(paper_id),
        account_id=current_account().id,
        now=context.now(),
    )
    base = context.parts().get(Settings).public_url.rstrip("/")
    return {"url": f"{base}{PREFIX}/papers/files/{made.token}", "expires_at": made.expires_at}


@blueprint.route("/papers/files/<string:token>", methods=["GET"])
@public
@blueprint.response(200, openapi.BINARY, description="The paper.", content_type="application/pdf")
def read_file(token: str) -> Response:
    """Read a paper by its link."""
    paper = files.linked(context.session(), _signer(), token, context.now())
    store = context.parts().get(ObjectStore)
    response = Response(store.stream(paper.object_key), mimetype="application/pdf")
    name = paper.object_key.rpartition("/")[2]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("/papers/<uuid:paper_id>/credential", methods=["GET"])
@signed_in
@blueprint.response(
    200, {"type": "string"}, description="A compact JWS.", content_type="text/plain"
)
def read_credential(paper_id: UUID) -> Response:
    """Read a certificate as an Open Badges 3.0 credential; whose it is, and nobody else."""
    _, credential = _own_credential(paper_id)
    response = Response(credential, mimetype="text/plain")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route("/papers/<uuid:paper_id>/badge.svg", methods=["GET"])
@signed_in
@blueprint.response(200, openapi.BINARY, description="An SVG.", content_type="image/svg+xml")
def read_badge(paper_id: UUID) -> Response:
    """Read a certificate as a picture with its credential baked in; whose it is, and nobody else.

    Put it where others see it, and they can verify it. It names nobody by itself; the check page
    that its credential leads to does, as the certificate itself.
    """
    paper, credential = _own_credential(paper_id)
    picture = baking.svg(*_on_badge(paper), credential)
    return _picture(paper, picture, "image/svg+xml", "svg")


@blueprint.route("/papers/<uuid:paper_id>/badge.png", methods=["GET"])
@signed_in
@blueprint.response(200, openapi.BINARY, description="A PNG.", content_type="image/png")
def read_badge_as_png(paper_id: UUID) -> Response:
    """Read the same picture as a PNG, for programs that take no SVG."""
    paper, credential = _own_credential(paper_id)
    lines, below = baking.words_of(*_on_badge(paper))
    renderer = context.parts().get(PdfRenderer)
    drawn = renderer.picture(baking.PICTURE, {"lines": lines, "below": below})
    return _picture(paper, baking.png(drawn, credential), "image/png", "png")


@blueprint.route("/operator/papers/<uuid:paper_id>/revocation", methods=["POST"])
@require("operator")
@blueprint.arguments(PaperRevocationArgs)
@blueprint.response(200, PaperSchema)
def revoke(data: dict[str, Any], paper_id: UUID) -> dict[str, Any]:
    """Take a paper back for good, saying why; its credential with it."""
    session, now, actor_id = context.session(), context.now(), current_account().id
    paper = issuing.revoke(session, paper_id, actor_id=actor_id, now=now, **data)
    return shown(paper, newer=False)


@blueprint.route("/public/papers/<string:code>", methods=["GET"])
@public
@seldom("paper-check")
@blueprint.response(
    200, PaperCheckSchema, headers={"Cache-Control": {"schema": {"type": "string"}}}
)
def check(code: str) -> tuple[checking.Checked, int, dict[str, str]]:
    """Check a paper by its code: what it states, and whether it stands.

    A code that no paper carries is answered in the same shape, with `standing` unknown.
    """
    return checking.check(context.session(), code), 200, {"Cache-Control": "no-store"}


def _on_badge(paper: Paper) -> tuple[str, str, date]:
    name = badges.NAMES[paper.content["facts"]["tier"]]
    return name, paper.content["issuer"], paper.issued_at.date()


def _picture(paper: Paper, picture: str | bytes, media_type: str, ending: str) -> Response:
    response = Response(picture, mimetype=media_type)
    name = f"badge-{paper.content['number']}-{paper.revision}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def _own_credential(paper_id: UUID) -> tuple[Paper, str]:
    paper = queries.paper(context.session(), paper_id)
    if paper is None or paper.account_id != current_account().id or paper.credential is None:
        raise NotFound
    return paper, paper.credential


def shown(paper: Paper, *, newer: bool) -> dict[str, Any]:
    return {
        "id": paper.id,
        "kind": paper.kind,
        "booking_id": paper.booking_id,
        "number": paper.content["number"],
        "revision": paper.revision,
        "standing": standing(newer=newer, revoked=paper.revoked_at is not None).value,
        "issued_at": paper.issued_at,
        "ready": paper.stored_at is not None,
        "has_credential": paper.credential is not None,
        "check_address": paper.content["check_address"],
        "revoked_at": paper.revoked_at,
        "revocation_reason": paper.revocation_reason,
    }


def shown_of(booking_id: UUID) -> list[dict[str, Any]]:
    """Every paper about a booking, the newest first."""
    found = queries.of_booking(context.session(), booking_id)
    latest = {paper.kind: paper.revision for paper in reversed(found)}
    return [shown(one, newer=one.revision < latest[one.kind]) for one in found]


def _visible(booking_id: UUID) -> Rotation:
    """Return a booking that the caller takes, decides on for its site, or oversees."""
    about = rotation(context.session(), booking_id)
    if about.trainee_id != current_account().id:
        check_site(about.site_id, *HOSTS)
    return about


def _paper(paper_id: UUID) -> Paper:
    """Return a paper that the caller may read: their own, or one about a booking of their site."""
    paper = queries.paper(context.session(), paper_id)
    if paper is None:
        raise NotFound
    if paper.account_id != current_account().id:
        check_site(paper.site_id, *HOSTS)
    return paper


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
