"""`/specialties`: the words that a listing's specialty is chosen from."""

from typing import cast

from flask import Response, make_response, request

from marketplace.catalog.rules.specialties import SPECIALTIES
from marketplace.catalog.schemas.specialties import SpecialtiesSchema
from marketplace.identity.access import public
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "specialties", __name__, url_prefix="/specialties", description="Specialties, for everybody"
)


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, SpecialtiesSchema)
@blueprint.alt_response(304, description="As you have it already.")
def list_specialties() -> Response:
    """List every specialty and subspecialty, with the abbreviations that are understood."""
    response = make_response(SpecialtiesSchema().dump({"items": SPECIALTIES}))
    response.add_etag()
    return cast("Response", response.make_conditional(request))
