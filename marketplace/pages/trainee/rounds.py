"""Allocation rounds: places ranked as one wants them, what came of it and why, the offer answered."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.queries import rounds as queries
from marketplace.booking.routes import finding
from marketplace.booking.rules.allocation import sentence_of, ticket
from marketplace.booking.schemas.rounds import RankArgs
from marketplace.booking.service import allocating, offers, rounds
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.pages.words import noted
from marketplace.web import context

A_PAGE = 20
NOT_PROCESSABLE = 422
RANK = "rank-"
STATES: Mapping[str, str] = {
    "open": noted("Open"),
    "decided": noted("Decided"),
    "cancelled": noted("Called off"),
}
TONES = {"open": "fair", "decided": "good"}
OUTCOMES: Mapping[str, str] = {
    "given": noted("You got this place."),
    "filled": noted(
        "Its seats went to %(ahead)s ranked above you; %(by_lottery)s of them stood beside you in"
        " the host's order and were ahead by the lottery."
    ),
    "filled_in_order": noted("Its seats went to %(ahead)s ranked above you."),
    "refused": noted("The host can't take you here."),
    "left_out": noted("It was not open to you any more when the round was run."),
    "not_needed": noted("You got a place that you had ranked higher."),
}
OFFERS: Mapping[str, str] = {
    "open": noted("Kept for you"),
    "accepted": noted("Taken"),
    "declined": noted("Let go"),
    "lapsed": noted("The offer ran out"),
}
DONE: Mapping[str, str] = {
    "ranked": noted("Saved. Your last word before the deadline counts."),
    "out": noted("Saved. You are out of this round."),
    "declined": noted("Let go. The place goes to who waits for it."),
}

blueprint = Pages("round_pages")


class Place(Protocol):
    """What a ranking reads of a place."""

    @property
    def id(self) -> UUID: ...


@blueprint.get("/rounds")
@signed_in
def list_rounds() -> Response:
    """List rounds that can be ranked now, and those that one has ranked in."""
    session, own = context.session(), current_account().id
    found = queries.concerning(session, own, context.now(), limit=A_PAGE, cursor=forms.cursor())
    until = queries.answer_by(session, [one.round.id for one in found.items], own)
    return form_page(
        "rounds/list.html", found=found, until=until, states=STATES, tones=TONES, has_rounds=True
    )


@blueprint.get("/rounds/<uuid:round_id>")
@signed_in
def show(round_id: UUID) -> Response:
    """Show the places with one's ranks; once it is decided, what came of each and why."""
    return _shown(round_id)


@blueprint.post("/rounds/<uuid:round_id>/ranking")
@signed_in
def rank(round_id: UUID) -> Response:
    """Say which places one wants, by numbers, 1 the best; no number, no wish."""
    session, own, now = context.session(), current_account().id, context.now()
    places = queries.places(session, [round_id]).get(round_id, [])
    choices, errors = _choices(places)
    wait = request.form.get("wait_if_unmatched") == "yes"
    if not errors:
        given = {"choices": choices, "wait_if_unmatched": wait}
        values, errors = forms.read(RankArgs(), given)
    if not errors:
        _, errors = forms.tried(
            lambda: rounds.rank(session, round_id, trainee_id=own, now=now, **values), "places"
        )
    if errors:
        return _shown(round_id, forms.typed(), errors)
    return redirect(f"/rounds/{round_id}?done={'ranked' if choices else 'out'}", 303)


@blueprint.post("/rounds/<uuid:round_id>/accept")
@signed_in
def accept(round_id: UUID) -> Response:
    """Take the place that the round gave: it becomes a kept one, to be applied for or paid."""
    session, own, now = context.session(), current_account().id, context.now()
    booking, errors = forms.tried(
        lambda: offers.accept_place(session, round_id, own, terms=finding.terms(), now=now),
        "offer",
    )
    if errors or booking is None:
        return _shown(round_id, {}, errors)
    return redirect(f"/rotations/{booking.id}", 303)


@blueprint.post("/rounds/<uuid:round_id>/decline")
@signed_in
def decline(round_id: UUID) -> Response:
    """Let the place go to who waits for it."""
    session, own, now = context.session(), current_account().id, context.now()
    _, errors = forms.tried(lambda: offers.decline_place(session, round_id, own, now), "offer")
    if errors:
        return _shown(round_id, {}, errors)
    return redirect(f"/rounds/{round_id}?done=declined", 303)


def _choices(places: Sequence[Place]) -> tuple[list[str], forms.Errors]:
    """The ids of the places by the numbers that were typed; what is wrong with a number, by field."""
    who = reader()
    numbers: dict[int, str] = {}
    errors: dict[str, list[str]] = {}
    for place in places:
        field = f"{RANK}{place.id}"
        typed = request.form.get(field, "").strip()
        if not typed:
            continue
        number = forms.number(typed)
        if number is None or not 1 <= number <= len(places):
            said = who.say("Expected a number from 1 to %(most)s, or none.", most=len(places))
            errors[field] = [said]
        elif number in numbers:
            errors[field] = [who.say("Another place has this number: give each its own.")]
        else:
            numbers[number] = str(place.id)
    return [numbers[number] for number in sorted(numbers)], errors


def _shown(
    round_id: UUID,
    typed: Mapping[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session, own, now = context.session(), current_account().id, context.now()
    found = queries.find(session, round_id)
    places = queries.places(session, [round_id]).get(round_id, [])
    ranking = queries.ranking(session, round_id, own)
    chosen: list[str] = list(ranking.choices) if ranking else []
    offer = queries.offer_of(session, round_id, own)
    again = bool(errors and typed)
    rankable = found.state == "open" and found.rank_by > now
    facts = identity.trainee_facts(session, own) if rankable else None
    return form_page(
        "rounds/round.html",
        NOT_PROCESSABLE if errors else 200,
        round=found,
        places=places,
        ranking=ranking,
        ranks=dict(typed or {}) if again else _ranks(chosen),
        wait=(typed or {}).get("wait_if_unmatched") == "yes"
        if again
        else bool(ranking and ranking.wait_if_unmatched),
        rankable=rankable,
        has_profile=facts is not None,
        barred=rounds.barred(session, places, facts, now) if facts else {},
        answers=_answers(found, own, {str(one.id): one for one in places}),
        ticket=ticket(found.seed, str(own)) if found.state == "decided" else None,
        offer=offer,
        offered=_offered(offer, places),
        answerable=offer is not None and offer.state == "open" and offer.expires_at > now,
        states=STATES,
        tones=TONES,
        offer_states=OFFERS,
        has_rounds=True,
        done=DONE.get(request.args.get("done", "")),
        errors=errors or {},
    )


def _offered(offer: Any, places: Sequence[Any]) -> Any:
    """The place that an offer is for; None without one."""
    if offer is None:
        return None
    run = (offer.listing_id, offer.first_day, offer.weeks)
    return next(one for one in places if (one.listing_id, one.first_day, one.weeks) == run)


def _ranks(chosen: Sequence[str]) -> dict[str, str]:
    return {f"{RANK}{place}": str(number) for number, place in enumerate(chosen, start=1)}


def _answers(found: Any, trainee_id: UUID, places: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What came of each choice and why, in the reader's words; nothing before the run."""
    who = reader()
    try:
        answers = allocating.explained(context.session(), found, trainee_id)
    except NotOpenForThis:
        return []
    return [
        {
            "place": places[one.place],
            "rank": one.rank,
            "given": one.outcome == "given",
            "sentence": who.say(
                OUTCOMES[sentence_of(one)], ahead=one.ahead, by_lottery=one.by_lottery
            ),
        }
        for one in answers
    ]
