"""Saved searches: kept from the search page, paused, taken up again, deleted."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.catalog.queries import saved as queries
from marketplace.catalog.schemas.saved import SaveSearchSchema, written
from marketplace.catalog.service import saving
from marketplace.core.money import Money
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
# What a search's address has besides its filters.
NO_FILTERS = frozenset({"lang", "cursor", "sort", "most", "facets", "limit"})

blueprint = Pages("saved_search_pages")


@blueprint.get("/saved-searches")
@signed_in
def list_own() -> Response:
    """List one's saved searches, the oldest first."""
    return _shown({}, {})


@blueprint.post("/saved-searches")
@signed_in
def save() -> Response:
    """Save the search that the form was on, under a name: what fits it later is mailed."""
    typed = forms.typed()
    given = {"name": typed.get("name", ""), "filters": _filters(typed.get("search", ""))}
    values, errors = forms.read(SaveSearchSchema(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: saving.save(
                context.session(),
                current_account().id,
                values["name"],
                values["filters"],
                context.now(),
            ),
            "name",
        )
    return _shown(typed, errors) if errors else redirect("/saved-searches", 303)


@blueprint.post("/saved-searches/<uuid:saved_id>/pause")
@signed_in
def pause(saved_id: UUID) -> Response:
    """Be told of nothing until it is resumed."""
    session = context.session()
    saving.pause(session, queries.one(session, current_account().id, saved_id, lock=True))
    return redirect("/saved-searches", 303)


@blueprint.post("/saved-searches/<uuid:saved_id>/resume")
@signed_in
def resume(saved_id: UUID) -> Response:
    """Be told again, of what comes from now on."""
    saving.resume(context.session(), current_account().id, saved_id, context.now())
    return redirect("/saved-searches", 303)


@blueprint.post("/saved-searches/<uuid:saved_id>/remove")
@signed_in
def remove(saved_id: UUID) -> Response:
    """Delete it."""
    session = context.session()
    saving.remove(session, queries.one(session, current_account().id, saved_id, lock=True))
    return redirect("/saved-searches", 303)


def _shown(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    items = queries.of_account(context.session(), current_account().id)
    return form_page(
        "saved_searches.html",
        NOT_PROCESSABLE if errors else 200,
        items=[
            (one, f"/listings?{urlencode(sorted(written(one.filters).items()))}") for one in items
        ],
        typed=typed,
        errors=errors,
    )


def _filters(search: str) -> dict[str, Any]:
    """The filters of a search page's address, as the API would be told them."""
    asked = parse_qs(search.lstrip("?"))
    filters = {name: ",".join(values) for name, values in asked.items() if name not in NO_FILTERS}
    if "most" in asked:
        try:
            most = Money.parse(asked["most"][0].replace(",", "").lstrip("$"), "USD")
            filters["price_max"] = str(most.minor)
        except ValueError:
            filters["price_max"] = asked["most"][0]
    return filters
