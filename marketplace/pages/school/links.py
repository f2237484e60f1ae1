"""What is answered by a link of a mail: a school's invitations, and an agreement's signature.

A GET changes nothing. Who accepts is signed in; who refuses or signs needs no account.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.compliance.gateway import LinkSigner as SigningLinks
from marketplace.compliance.queries import agreements as queries
from marketplace.compliance.rules import agreements as rules
from marketplace.compliance.schemas.agreements import AgreementReasonArgs, AgreementSignArgs
from marketplace.compliance.service import agreements
from marketplace.compliance.service.agreements import Trail
from marketplace.identity.access import current_account, current_caller, in_person, public
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.queries import schools
from marketplace.identity.rules import SEEN_WORDING
from marketplace.identity.schemas.schools import SeenArgs
from marketplace.identity.service import coordinators, students
from marketplace.pages import forms
from marketplace.pages.school.words import AGREEMENT_STATES, CONSENT, SEEN
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
LONGEST_AGENT = 500
STUDENT = "/schools/invitations/<string:token>"
COORDINATOR = "/schools/coordinator-invitations/<string:token>"
SIGNING = "/agreements/signing/<string:token>"
HEADERS = {
    "Cache-Control": "no-store",
    # The address is the key; our own forms say where they come from all the same.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

blueprint = Pages("school_links")


@blueprint.get(STUDENT)
@public
def invited(token: str) -> Response:
    """See which school invites, and each thing that it asks to see."""
    return _invited(token)


@blueprint.post(STUDENT)
@in_person
def accept(token: str) -> Answer:
    """Be linked to the school as who is signed in; it sees what is ticked, and no more."""
    given = {
        "sees": request.form.getlist("sees"),
        "wording": request.form.get("wording", ""),
    }
    values, errors = forms.read(SeenArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: students.accept(
                context.session(),
                _links(),
                token,
                account_id=current_account().id,
                now=context.now(),
                **values,
            ),
            "sees",
        )
    if errors:
        return _invited(token, errors, request.form.getlist("sees"))
    return redirect("/my-school?done=linked", 303)


@blueprint.post(f"{STUDENT}/refusal")
@public
def refuse(token: str) -> Response:
    """Say no; no account is needed."""
    found = students.refuse(context.session(), _links(), token, context.now())
    return _refused(found.school_id)


@blueprint.get(COORDINATOR)
@public
def asked(token: str) -> Response:
    """See which school asks one to act for it."""
    return _asked(token)


@blueprint.post(COORDINATOR)
@in_person
def take_on(token: str) -> Answer:
    """Act for the school from now on, as the account of the address that was invited."""
    session, now = context.session(), context.now()
    made, errors = forms.tried(
        lambda: coordinators.accept(session, _links(), token, account=current_account(), now=now),
        "accept",
    )
    if errors or made is None:
        return _asked(token, errors)
    return redirect(f"/schools/{made.school_id}?done=joined", 303)


@blueprint.post(f"{COORDINATOR}/refusal")
@public
def turn_down(token: str) -> Response:
    """Say no; no account is needed."""
    session, now = context.session(), context.now()
    found = coordinators.invitation(session, _links(), token, now)
    school_id = found.school_id
    coordinators.refuse(session, _links(), token, now)
    return _refused(school_id)


@blueprint.get(SIGNING)
@public
def read(token: str) -> Response:
    """Read what one is asked to sign, and who has signed."""
    return _to_sign(token)


@blueprint.post(SIGNING)
@public
def sign(token: str) -> Response:
    """Sign this very text by typing one's name."""
    given: dict[str, Any] = {**forms.typed(), "consent": request.form.get("consent") == "yes"}
    typed_name = given.get("typed_name", "")
    values, errors = forms.read(AgreementSignArgs(), given)
    if errors:
        return _to_sign(token, {"typed_name": typed_name}, errors)
    del values["consent"]
    session, now = context.session(), context.now()
    trail = Trail(
        request.remote_addr or "unknown",
        (request.user_agent.string or "unknown")[:LONGEST_AGENT],
    )
    signed, errors = forms.tried(
        lambda: agreements.sign(session, _signer(), token, trail=trail, now=now, **values),
        "typed_name",
    )
    if errors or signed is None:
        return _to_sign(token, {"typed_name": typed_name}, errors)
    return _trail(signed.id)


@blueprint.post(f"{SIGNING}/refusal")
@public
def decline(token: str) -> Response:
    """Decline to sign, saying why: the agreement is void, and both sides read it."""
    given = forms.typed()
    values, errors = forms.read(AgreementReasonArgs(), given)
    if errors:
        return _to_sign(token, given, errors)
    found = agreements.refuse(context.session(), _signer(), token, now=context.now(), **values)
    return _trail(found.id)


def _invited(
    token: str, errors: forms.Errors | None = None, ticked: Sequence[str] = ()
) -> Response:
    session = context.session()
    found = students.invitation(session, _links(), token, context.now())
    return _by_link(
        "by_link/student.html",
        NOT_PROCESSABLE if errors else 200,
        here_is=f"/schools/invitations/{token}",
        school=schools.find(session, found.school_id),
        expires_at=found.expires_at,
        purposes=SEEN,
        wording=SEEN_WORDING,
        ticked=ticked,
        errors=errors or {},
    )


def _asked(token: str, errors: forms.Errors | None = None) -> Response:
    session, who = context.session(), current_caller()
    found = coordinators.invitation(session, _links(), token, context.now())
    return _by_link(
        "by_link/coordinator.html",
        NOT_PROCESSABLE if errors else 200,
        here_is=f"/schools/coordinator-invitations/{token}",
        school=schools.find(session, found.school_id),
        invitation=found,
        own_address=who.account.email if who else None,
        errors=errors or {},
    )


def _refused(school_id: UUID) -> Response:
    return _by_link("by_link/refused.html", school=schools.find(context.session(), school_id))


def _to_sign(
    token: str, typed: dict[str, str] | None = None, errors: forms.Errors | None = None
) -> Response:
    session = context.session()
    found, who = agreements.reading(session, _signer(), token, context.now())
    return _by_link(
        "by_link/sign.html",
        NOT_PROCESSABLE if errors else 200,
        here_is=f"/agreements/signing/{token}",
        agreement=found,
        signer=who,
        signings=queries.signings(session, found.id),
        consent=CONSENT,
        wording=rules.CONSENT_WORDING,
        typed=typed or {},
        errors=errors or {},
    )


def _trail(agreement_id: UUID) -> Response:
    """What stands once the link has done its work: it opens nothing any more."""
    session = context.session()
    return _by_link(
        "by_link/signed.html",
        agreement=queries.find(session, agreement_id),
        signings=queries.signings(session, agreement_id),
        steps=queries.steps(session, agreement_id),
        states=AGREEMENT_STATES,
    )


def _by_link(template: str, status: int = 200, **values: Any) -> Response:
    response = form_page(template, status, **values)
    response.headers.update(HEADERS)
    return response


def _links() -> LinkSigner:
    return context.parts().get(LinkSigner)


def _signer() -> SigningLinks:
    return context.parts().get(SigningLinks)
