"""An invitation to work for a site, by its mailed link: looked at, accepted, refused."""

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.catalog.queries import sites
from marketplace.identity.access import current_account, current_caller, in_person, public
from marketplace.identity.errors import SiteInvitationGone
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.service import site_people
from marketplace.pages import forms
from marketplace.pages.host.people import ROLES
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
LINK = "/site-invitations/<string:token>"

blueprint = Pages("site_invitations")


@blueprint.get(LINK)
@public
def look(token: str) -> Response:
    """Show which site asks for whom. Opening the link changes nothing."""
    return _shown(token, {})


@blueprint.post(f"{LINK}/accept")
@in_person
def accept(token: str) -> Response:
    """Work for the site from now on, as the account of the address that was invited."""
    session, now = context.session(), context.now()
    found = site_people.invitation(session, _signer(), token, now)
    site = sites.site(session, found.site_id)
    if current_account().email != found.email:
        return _shown(token, {"address": ["*"]})
    _, errors = forms.tried(
        lambda: site_people.accept(
            session, _signer(), token, site.name, account=current_account(), now=now
        ),
        "accept",
    )
    return _shown(token, errors) if errors else redirect(f"/host/sites/{site.id}", 303)


@blueprint.post(f"{LINK}/refuse")
@public
def refuse(token: str) -> Response:
    """Say no. No account is needed."""
    site_people.refuse(context.session(), _signer(), token, context.now())
    return form_page("invitation.html", found=None, site=None, roles=ROLES, refused=True)


def _shown(token: str, errors: forms.Errors) -> Response:
    session = context.session()
    try:
        found = site_people.invitation(session, _signer(), token, context.now())
    except SiteInvitationGone:
        return form_page("invitation.html", 404, found=None, site=None, roles=ROLES)
    who = current_caller()
    return form_page(
        "invitation.html",
        NOT_PROCESSABLE if errors else 200,
        found=found,
        site=sites.site(session, found.site_id),
        roles=ROLES,
        link=f"/site-invitations/{token}",
        own=who.account.email if who else None,
        errors=errors,
    )


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
