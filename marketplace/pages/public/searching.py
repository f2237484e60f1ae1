"""The search page: filters in the address, facets as links, a list and a map of the states."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from marketplace.catalog.errors import BadFilter
from marketplace.catalog.queries.search import SORTS, Found
from marketplace.catalog.rules import specialties, vocabulary
from marketplace.catalog.rules.places import STATES, state_code
from marketplace.catalog.schemas.listings import STATUSES, TIERS
from marketplace.catalog.schemas.search import SearchArgs
from marketplace.catalog.service import counting
from marketplace.catalog.service.searching import filters_of
from marketplace.core.money import Money
from marketplace.core.ports import Cache
from marketplace.identity.access import public
from marketplace.pages import forms
from marketplace.pages.public.states_map import squares
from marketplace.pages.view import Pages, Reader, page, reader, with_query
from marketplace.pages.words import noted
from marketplace.web import context
from marketplace.web.problems import flatten

A_PAGE = 20
SEVERAL = ("specialty", "tier", "state", "setting", "letter_policy")
# Facets that are links, and the filter that each sets.
LINKED = (
    ("specialty", "specialty", noted("Specialty")),
    ("state", "state", noted("State")),
    ("setting", "setting", noted("Setting")),
    ("letter_policy", "letter_policy", noted("Letter of recommendation")),
)
# What a part of a search is called where the page offers to leave it out.
PARTS: Mapping[str, str] = {
    "specialty": noted("Specialty"),
    "tier": noted("Tier"),
    "learner_status": noted("On the first day I am a"),
    "state": noted("State"),
    "setting": noted("Setting"),
    "letter_policy": noted("Letter of recommendation"),
    "visa": noted("My visa"),
    "price_max": noted("Total at most, in dollars"),
    "weeks": noted("Weeks"),
    "start_from": noted("From"),
    "near": noted("Near (ZIP code or city, state)"),
    "prerequisites": noted("Prerequisites"),
}
MOST_VALUES = 12
# What tells one search from another.
LASTING = (SearchArgs().fields.keys() - {"cursor", "facets", "limit", "price_max"}) | {"most"}
NOT_PROCESSABLE = 422

blueprint = Pages("search_page")


@dataclass(frozen=True)
class Choice:
    """A value of a facet: what it is called, how many have it, and where choosing it leads."""

    text: str
    count: int
    chosen: bool
    address: str


@blueprint.get("/listings")
@public
def search() -> Response:
    """Search listings; a field that can't be answered keeps what was typed, with its error."""
    who = reader()
    asked, wrong = _asked()
    found: Found | None = None
    try:
        # What else is wrong is told at once, too.
        found = _find(asked, who)
        errors = wrong
    except (BadFilter, ValidationError) as refused:
        errors = {**wrong, **_messages(refused)}
    if wrong:
        found = None
    return page(
        "listings/search.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        asked=asked,
        errors=errors,
        found=found,
        facets=list(_facets(found, asked, who)) if found else (),
        squares=_squares(found, asked) if found else (),
        tiers=[(tier, who.label(tier)) for tier in TIERS],
        statuses=[(status, who.label(status)) for status in STATUSES],
        sorts=[
            (sort, who.label(sort)) for sort in SORTS if sort != "distance" or asked.get("near")
        ],
        visas=[(visa, who.visa(visa)) for visa in vocabulary.VISAS],
        with_query=with_query,
        parts=PARTS,
        price=lambda hit, weeks: hit.price * weeks,
        sends=True,
        canonical=_canonical(asked),
    )


def _asked() -> tuple[dict[str, Any], Mapping[str, list[str]]]:
    """What was asked for, as it was typed, and what is wrong with it at once."""
    given: dict[str, Any] = {
        name: value.strip() for name, value in request.args.items() if value.strip()
    }
    for name in SEVERAL:
        chosen = [one for one in request.args.getlist(name) if one.strip()]
        if chosen:
            given[name] = ",".join(chosen)
    errors: dict[str, list[str]] = {}
    if "most" in given:
        try:
            whole = Money.parse(given["most"].replace(",", "").lstrip("$"), "USD")
            given["price_max"] = str(whole.minor)
        except ValueError:
            errors["most"] = ["Expected an amount in dollars, such as 2000."]
    return given, errors


def _canonical(asked: Mapping[str, Any]) -> str:
    """Where this search is had, whichever page of it is shown and whatever else was sent."""
    said = {name: asked[name] for name in sorted(asked.keys() & LASTING)}
    return f"/listings?{urlencode(said)}" if said else "/listings"


def _find(asked: Mapping[str, Any], who: Reader) -> Found:
    data = SearchArgs(exclude=("limit",)).load(
        {name: value for name, value in asked.items() if name not in {"most", "lang"}},
        unknown="exclude",
    )
    session = context.session()
    filters = filters_of(
        session,
        data,
        today=context.now().date(),
        account_id=who.account_id,
    )
    return counting.find(
        session,
        context.parts().get(Cache),
        filters,
        sort=data["sort"],
        limit=A_PAGE,
        cursor=data["cursor"],
        facets=data["facets"],
    )


def _messages(refused: BadFilter | ValidationError) -> forms.Errors:
    if isinstance(refused, ValidationError):
        found = flatten(refused.messages)
    else:
        found = {name: list(texts) for name, texts in (refused.fields or {}).items()}
    if "price_max" in found:
        found["most"] = found.pop("price_max")
    return found or {"q": [str(refused)]}


def _chosen(asked: Mapping[str, Any], name: str) -> list[str]:
    """What is chosen, by its code: in the address it may stand in any usual spelling."""
    typed = [one.strip() for one in str(asked.get(name, "")).split(",") if one.strip()]
    return list(dict.fromkeys(_code(name, word) for word in typed))


def _code(name: str, word: str) -> str:
    if name == "specialty":
        found = specialties.resolve(word)
        return found.code if found else word
    return (state_code(word) or word) if name == "state" else word.casefold()


def _facets(
    found: Found, asked: Mapping[str, Any], who: Reader
) -> Iterable[tuple[str, list[Choice]]]:
    """Each facet with its commonest values; choosing one keeps the others and begins anew."""
    for facet, filter_name, title in LINKED:
        chosen = _chosen(asked, filter_name)
        # What is chosen stays to be seen, and to be taken away, where nothing has it.
        counts = {**dict.fromkeys(chosen, 0), **found.facets.get(facet, {})}
        if not counts:
            continue
        ranked = sorted(counts.items(), key=lambda pair: (pair[0] not in chosen, -pair[1], pair[0]))
        yield (
            title,
            [
                Choice(
                    _name(facet, value, who),
                    count,
                    value in chosen,
                    with_query(cursor=None, **{filter_name: _toggled(chosen, value)}),
                )
                for value, count in ranked[:MOST_VALUES]
            ],
        )


def _toggled(chosen: list[str], value: str) -> list[str]:
    return [one for one in chosen if one != value] if value in chosen else [*chosen, value]


def _name(facet: str, value: str, who: Reader) -> str:
    if facet == "specialty":
        return who.specialty(value)
    return STATES.get(value, value) if facet == "state" else who.label(value)


def _squares(found: Found, asked: Mapping[str, Any]) -> Iterable[tuple[Any, Choice]]:
    """The map: a square for each state, with how many listings it has for this search."""
    counts, chosen = found.facets.get("state", {}), _chosen(asked, "state")
    for square in squares():
        address = with_query(cursor=None, state=_toggled(chosen, square.state))
        name = STATES[square.state]
        count = counts.get(square.state, 0)
        yield square, Choice(name, count, square.state in chosen, address)
