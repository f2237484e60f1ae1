"""Who works for the site: invited, given other rights, or asked to go, by its owners."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites
from marketplace.identity.access import check_site, current_account, in_person
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.routes.limited import inviting
from marketplace.identity.rules import Role
from marketplace.identity.schemas.people import SiteInviteArgs, SiteRoleArgs
from marketplace.identity.service import site_people
from marketplace.pages import forms
from marketplace.pages.host.frame import back
from marketplace.pages.host.people import BASE, TAB, shown
from marketplace.pages.view import Pages
from marketplace.web import context

ONE = f"{BASE}/<uuid:membership_id>"

blueprint = Pages("host_members")


@blueprint.post(f"{BASE}/invitations")
@in_person
@inviting
def invite(site_id: UUID) -> Answer:
    """Invite somebody by their address; again: another link."""
    _own(site_id)
    typed = forms.typed()
    values, errors = forms.read(
        SiteInviteArgs(), {name: typed.get(name, "") for name in ("email", "role")}
    )
    if not errors:
        _, errors = forms.tried(
            lambda: site_people.invite(
                context.session(),
                site_id,
                _name(site_id),
                values["email"],
                Role(values["role"]),
                actor=current_account(),
                signer=_signer(),
                now=context.now(),
            ),
            "email",
        )
    return shown(site_id, typed, errors) if errors else back(site_id, TAB, "invited")


@blueprint.post(f"{BASE}/invitations/<uuid:invitation_id>/withdraw")
@in_person
def withdraw(site_id: UUID, invitation_id: UUID) -> Answer:
    """Take an invitation back; its link opens nothing from then on."""
    _own(site_id)
    _, errors = forms.tried(
        lambda: site_people.withdraw(
            context.session(),
            site_id,
            invitation_id,
            actor_id=current_account().id,
            now=context.now(),
        ),
        "members",
    )
    return shown(site_id, {}, errors) if errors else back(site_id, TAB, "withdrawn")


@blueprint.post(f"{ONE}/role")
@in_person
def change(site_id: UUID, membership_id: UUID) -> Answer:
    """Give a member other rights."""
    _own(site_id)
    values, errors = forms.read(SiteRoleArgs(), {"role": forms.typed().get("role", "")})
    if errors:
        return shown(site_id, {}, {"members": errors["role"]})

    def do(**by: Any) -> None:
        site_people.change(membership_id=membership_id, role=Role(values["role"]), **by)

    return _done(site_id, do, "rights_changed")


@blueprint.post(f"{ONE}/remove")
@in_person
def remove(site_id: UUID, membership_id: UUID) -> Answer:
    """End a member's rights at the site, one's own among them."""
    _own(site_id)

    def do(**by: Any) -> None:
        site_people.remove(membership_id=membership_id, **by)

    return _done(site_id, do, "removed")


def _done(site_id: UUID, do: Any, done: str) -> Answer:
    by: Mapping[str, Any] = {
        "session": context.session(),
        "site_id": site_id,
        "site_name": _name(site_id),
        "actor": current_account(),
        "now": context.now(),
    }
    _, errors = forms.tried(lambda: do(**by), "members")
    return shown(site_id, {}, errors) if errors else back(site_id, TAB, done)


def _own(site_id: UUID) -> None:
    check_site(site_id, Role.SITE_OWNER, operators=False)


def _name(site_id: UUID) -> str:
    return sites.site(context.session(), site_id).name


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
