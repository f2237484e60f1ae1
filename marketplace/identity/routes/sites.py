"""`/sites/…/members`: who works for a host site here."""

from typing import Any
from uuid import UUID

from marketplace.identity import queries
from marketplace.identity.access import site_member
from marketplace.identity.schemas.people import MembersSchema
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint("site_members", __name__, url_prefix="/sites", description="Members of sites")


@blueprint.route("/<uuid:site_id>/members", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, MembersSchema)
def members(site_id: UUID) -> dict[str, Any]:
    """List the members of a site and their roles."""
    rows = queries.members_of_site(context.session(), site_id)
    return {
        "items": [
            {
                "membership_id": membership.id,
                "account_id": person.id,
                "name": person.name,
                "email": person.email,
                "role": membership.role,
            }
            for membership, person in rows
        ]
    }
