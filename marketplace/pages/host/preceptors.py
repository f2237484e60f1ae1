"""One of a site's preceptors: name, registry number, specialty and credentials, to be corrected."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites as queries
from marketplace.catalog.rules import specialties
from marketplace.catalog.schemas.sites import PreceptorArgs
from marketplace.catalog.service import reading, sites
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, back, panel
from marketplace.pages.host.site import TAB, ChangedMeanwhile, preceptor_errors, preceptor_given
from marketplace.pages.view import Pages, reader
from marketplace.web import context

BASE = "/host/sites/<uuid:site_id>/site/preceptors/<uuid:preceptor_id>"

blueprint = Pages("host_preceptors")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, preceptor_id: UUID) -> Response:
    """Show a preceptor to be corrected."""
    found = queries.preceptor(context.session(), site_id, preceptor_id)
    typed = {
        "preceptor": found.name,
        "npi": found.npi,
        "specialty": found.specialty,
        "credentials": ", ".join(found.credentials),
    }
    return _shown(site_id, found, typed, {})


@blueprint.post(BASE)
@site_member(*DECIDERS, operators=False)
def change(site_id: UUID, preceptor_id: UUID) -> Answer:
    """Correct a preceptor, unless somebody else has since the form was read."""
    typed, by, now = forms.typed(), current_account().id, context.now()

    def do(values: dict[str, Any]) -> None:
        session = context.session()
        person = queries.preceptor(session, site_id, preceptor_id, lock=True)
        if str(person.version) != typed.get("version"):
            raise ChangedMeanwhile
        columns = reading.preceptor_fields({**reading.preceptor_values(person), **values}).columns
        sites.change_preceptor(session, person, columns, by, now)

    errors = forms.carried_out(PreceptorArgs(), preceptor_given(typed), do, "preceptor")
    if errors:
        found = queries.preceptor(context.session(), site_id, preceptor_id)
        return _shown(site_id, found, typed, preceptor_errors(errors))
    return back(site_id, TAB, "saved")


def _shown(site_id: UUID, found: Any, typed: Mapping[str, Any], errors: forms.Errors) -> Response:
    who = reader()
    return panel(
        "host/preceptor.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        found=found,
        specialties=sorted(
            ((one, who.specialty(one)) for one in specialties.BY_CODE), key=lambda one: one[1]
        ),
        typed=typed,
        errors=errors,
    )
