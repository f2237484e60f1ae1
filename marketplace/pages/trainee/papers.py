"""The papers of a rotation: letters of acceptance and for a visa, the certificate, its badge."""

from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking.routes import finding
from marketplace.booking.states import BookingState
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.queries import papers as queries
from marketplace.outcomes.routes.papers import shown_of
from marketplace.outcomes.rules.papers import PaperKind
from marketplace.outcomes.schemas.papers import PaperArgs
from marketplace.outcomes.service.papers import files, issuing
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context
from marketplace.web.api import PREFIX

NOT_PROCESSABLE = 422

blueprint = Pages("paper_pages")


@blueprint.get("/rotations/<uuid:booking_id>/papers")
@signed_in
def of_rotation(booking_id: UUID) -> Response:
    """List the papers about a rotation, and those that can be asked for now."""
    return _shown(booking_id, {})


@blueprint.post("/rotations/<uuid:booking_id>/papers")
@signed_in
def issue(booking_id: UUID) -> Response:
    """Have a paper issued; where nothing has changed, the present one stays."""
    booking = finding.own(booking_id)
    values, errors = forms.read(PaperArgs(), forms.typed())
    if not errors:
        kind = issuing.kind_of(values["kind"])
        _, errors = forms.tried(
            lambda: issuing.issue(context.session(), booking.id, kind, context.now()), kind.value
        )
    if errors:
        return _shown(booking_id, errors)
    return redirect(f"/rotations/{booking_id}/papers", 303)


@blueprint.post("/rotations/<uuid:booking_id>/papers/<uuid:paper_id>")
@signed_in
def download(booking_id: UUID, paper_id: UUID) -> Response:
    """Lead to the file of one's own paper by a link that works for minutes."""
    session, paper = context.session(), queries.paper(context.session(), paper_id)
    own = current_account().id
    if paper is None or paper.booking_id != booking_id or paper.account_id != own:
        raise NotFound
    signer = context.parts().get(LinkSigner)
    link = files.link(session, signer, paper, account_id=own, now=context.now())
    answer = redirect(f"{PREFIX}/papers/files/{link.token}", 303)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _shown(booking_id: UUID, errors: forms.Errors) -> Response:
    booking = finding.own(booking_id)
    papers = shown_of(booking.id)
    state = BookingState(booking.state)
    # What stands is listed; what is due and was never issued can be asked for.
    facts = identity.profile(context.session(), booking.trainee_id)
    due = [
        kind.value
        for kind, states in issuing.DUE.items()
        if state in states and (kind is not PaperKind.VISA or (facts and facts.needs_visa))
    ]
    return form_page(
        "rotations/papers.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        papers=papers,
        due=[kind for kind in due if kind not in {one["kind"] for one in papers}],
        errors=errors,
    )
