"""Allocation rounds at a site: opened over its own listings, watched, ordered place by place."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking.queries import rounds as queries
from marketplace.booking.schemas.rounds import OrderArgs
from marketplace.booking.service import rounds
from marketplace.catalog.states import ListingState
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms, round_forms
from marketplace.pages.host import picking
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, back, panel
from marketplace.pages.trainee.rounds import STATES, TONES
from marketplace.pages.view import Pages, reader
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/rounds"
BASE = "/host/sites/<uuid:site_id>/rounds"
ONE = f"{BASE}/<uuid:round_id>"
PLACE = f"{ONE}/places/<uuid:place_id>"
A_PAGE = 20
TIER = "tier-"
MOST_TIERS = 999
# What has become of an offer, as the host reads it.
OFFERS: Mapping[str, str] = {
    "open": noted("Offered"),
    "accepted": noted("Taken"),
    "declined": noted("Let go"),
    "lapsed": noted("The offer ran out"),
}

blueprint = Pages("host_rounds")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def list_rounds(site_id: UUID) -> Response:
    """List rounds with a place at this site, the newest first."""
    found = queries.at_site(
        context.session(), site_id, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    return panel("host/rounds.html", site_id, TAB, found=found, states=STATES, tones=TONES)


@blueprint.get(f"{BASE}/new")
@site_member(*DECIDERS, operators=False)
def ask(site_id: UUID) -> Response:
    """Ask for the places and times of a round over the site's own listings."""
    return _form(site_id, {}, {})


@blueprint.post(f"{BASE}/new")
@site_member(*DECIDERS, operators=False)
def open_round(site_id: UUID) -> Answer:
    """Open it and keep its seats; or show a longer form."""
    typed = forms.typed()
    if "more" in typed:
        return _form(site_id, typed, {})
    made, errors = round_forms.opened(typed, site_id)
    return _form(site_id, typed, errors) if errors else back(site_id, f"{TAB}/{made}", "opened")


@blueprint.get(ONE)
@site_member(*DECIDERS, operators=False)
def watch(site_id: UUID, round_id: UUID) -> Response:
    """Show a round with a place here: who ranks and orders, each run, and what came of it."""
    return _watched(site_id, round_id, {}, {})


@blueprint.post(f"{ONE}/dry-runs")
@site_member(*DECIDERS, operators=False)
def dry_run(site_id: UUID, round_id: UUID) -> Answer:
    """Have one's own round run without effect, or an earlier run again from what it recorded."""
    _own(site_id, round_id)
    mark, errors = round_forms.dry_run(round_id)
    if errors:
        return _watched(site_id, round_id, {}, errors)
    return back(site_id, f"{TAB}/{round_id}{mark}")


@blueprint.post(f"{ONE}/cancel")
@site_member(*DECIDERS, operators=False)
def call_off(site_id: UUID, round_id: UUID) -> Answer:
    """Call one's own round off with a reason; its seats are free again."""
    _own(site_id, round_id)
    typed = forms.typed()
    errors = round_forms.called_off(round_id, typed)
    if errors:
        return _watched(site_id, round_id, typed, errors)
    return back(site_id, f"{TAB}/{round_id}", "round_off")


@blueprint.get(PLACE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, round_id: UUID, place_id: UUID) -> Response:
    """Show who has ranked a place, not how high, with the host's own order of them."""
    return _shown(site_id, round_id, place_id)


@blueprint.post(PLACE)
@site_member(*DECIDERS, operators=False)
def order(site_id: UUID, round_id: UUID, place_id: UUID) -> Answer:
    """Say whom one wants, by numbers, 1 the best; the same number for equals, none for the rest."""
    session = context.session()
    place = _place(site_id, round_id, place_id)
    tiers, errors = _tiers([one.trainee_id for one in rounds.wanting_of(session, place)])
    if not errors:
        given = {"tiers": tiers, "refused": request.form.getlist("refused")}
        values, errors = forms.read(OrderArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: rounds.order(
                session,
                place,
                tiers=values["tiers"],
                refused=values["refused"],
                actor_id=current_account().id,
                now=context.now(),
            ),
            "applicants",
        )
    if errors:
        return _shown(site_id, round_id, place_id, forms.typed(), errors)
    return back(site_id, f"{TAB}/{round_id}/places/{place_id}", "saved")


def _own(site_id: UUID, round_id: UUID) -> Any:
    """A round that this site has opened; for any other there is nothing to do here."""
    found = queries.find(context.session(), round_id)
    if found.site_id != site_id:
        raise NotFound
    return found


def _form(site_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    chosen = [typed.get(f"places.{row}.listing_id", "") for row in round_forms.rows(typed)]
    own = picking.listings(site_id, state=ListingState.PUBLISHED, also=chosen)
    return panel(
        "host/new_round.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        own=own,
        **round_forms.form(typed, errors),
    )


def _watched(
    site_id: UUID, round_id: UUID, typed: Mapping[str, str], errors: forms.Errors
) -> Response:
    found = round_forms.watched(round_id)
    here = [one for one in found["places"] if one.site_id == site_id]
    mine = found["round"].site_id == site_id
    if not mine and not here:
        raise NotFound
    # Of somebody else's round a host is shown its own places, and none of the runs.
    seen = found if mine else {**found, "places": here, "runs": [], "until": _until(found, here)}
    return panel(
        "host/round.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        mine=mine,
        action=f"/host/sites/{site_id}{TAB}/{round_id}",
        typed=typed,
        errors=errors,
        **seen,
    )


def _until(found: Mapping[str, Any], places: Sequence[Any]) -> datetime:
    """Until when offers of these places are open; as it was planned where none was made."""
    own = {one.id for one in places}
    planned: datetime = found["round"].decide_by
    return max((one.expires_at for one in found["offers"] if one.place_id in own), default=planned)


def _tiers(wanting: Sequence[UUID]) -> tuple[list[list[str]], forms.Errors]:
    """The applicants by the numbers that were typed; who is refused is in no tier."""
    refused = set(request.form.getlist("refused"))
    found: dict[int, list[str]] = {}
    errors: dict[str, list[str]] = {}
    for trainee_id in wanting:
        field = f"{TIER}{trainee_id}"
        typed = request.form.get(field, "").strip()
        if not typed or str(trainee_id) in refused:
            continue
        number = forms.number(typed)
        if number is not None and 1 <= number <= MOST_TIERS:
            found.setdefault(number, []).append(str(trainee_id))
        else:
            said = reader().say("Expected a number from 1 to %(most)s, or none.", most=MOST_TIERS)
            errors[field] = [said]
    return [found[number] for number in sorted(found)], errors


def _place(site_id: UUID, round_id: UUID, place_id: UUID) -> Any:
    """A place of this site in the round; for any other there is nothing here."""
    found = queries.place(context.session(), round_id, place_id)
    if found.site_id != site_id:
        raise NotFound
    return found


def _shown(
    site_id: UUID,
    round_id: UUID,
    place_id: UUID,
    typed: Mapping[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session = context.session()
    found, place = queries.find(session, round_id), _place(site_id, round_id, place_id)
    wanting = [one.trainee_id for one in rounds.wanting_of(session, place)]
    people = identity.contacts(session, wanting) if wanting else {}
    order = queries.orders(session, [place_id]).get(place_id)
    now, offers = context.now(), queries.offers(session, round_id)
    return panel(
        "host/round_place.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        round=found,
        place=place,
        applicants=sorted(people.values(), key=lambda one: (one.name, str(one.account_id))),
        facts=identity.many_trainee_facts(session, wanting) if wanting else {},
        ranks=dict(typed or {}) if errors else _ranks(order.tiers if order else []),
        refused=request.form.getlist("refused") if errors else order.refused if order else [],
        ordered_at=order.ordered_at if order else None,
        orderable=found.state == "open" and found.run_at > now,
        rankable=found.state == "open" and found.rank_by > now,
        offers={one.trainee_id: one for one in offers if one.place_id == place_id},
        offer_states=OFFERS,
        states=STATES,
        tones=TONES,
        errors=errors or {},
    )


def _ranks(tiers: Sequence[Sequence[str]]) -> dict[str, str]:
    return {
        f"{TIER}{trainee}": str(number)
        for number, tier in enumerate(tiers, start=1)
        for trainee in tier
    }
