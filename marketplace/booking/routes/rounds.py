"""Allocation rounds: opened by hosts and operators, ranked by both sides, explained to trainees."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from marketplace.booking.models import AllocationRound, Booking, RoundOrder, RoundPlace, RoundRun
from marketplace.booking.queries import rounds as queries
from marketplace.booking.queries.rounds import Whole
from marketplace.booking.routes import finding
from marketplace.booking.routes.waiting import offer_json
from marketplace.booking.rules import allocation as rules
from marketplace.booking.rules.allocation import Answer, ticket
from marketplace.booking.schemas import BookingSchema
from marketplace.booking.schemas.rounds import (
    DryRunArgs,
    OrderArgs,
    OrderSchema,
    RankArgs,
    RankingSchema,
    RoundApplicantsSchema,
    RoundOpenArgs,
    RoundReasonArgs,
    RoundResultSchema,
    RoundRunAskedSchema,
    RoundRunSchema,
    RoundsArgs,
    RoundSchema,
)
from marketplace.booking.service import allocating, offers, rounds
from marketplace.booking.states import RoundState
from marketplace.core.errors import Forbidden, NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import (
    caller,
    check_site,
    current_account,
    require,
    signed_in,
    site_member,
)
from marketplace.identity.rules import Role
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "rounds",
    __name__,
    url_prefix="/rounds",
    description="Seats of oversubscribed weeks, given by rankings of both sides.",
)
opening = Blueprint("round-openings", __name__, description="Opening allocation rounds.")
# What a host learns of who has ranked a place, as of who applies.
SHOWN_OF = (
    "school_name", "school_country", "graduation_date", "needs_visa", "visa_type", "step1_result",
    "step2_ck_score", "target_specialty",
)  # fmt: skip
SENTENCES = {
    "given": "You got this place.",
    "filled": "Its seats went to {ahead} ranked above you; {by_lottery} of them stood beside you in"
    " the host's order and were ahead by the lottery.",
    "filled_in_order": "Its seats went to {ahead} ranked above you.",
    "refused": "The host can't take you here.",
    "left_out": "It was not open to you any more when the round was run.",
    "not_needed": "You got a place that you had ranked higher.",
}


@opening.route("/sites/<uuid:site_id>/rounds", methods=["POST"])
@site_member(*finding.DECIDERS)
@opening.arguments(RoundOpenArgs)
@opening.response(201, RoundSchema)
def open_for_site(data: dict[str, Any], site_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Open a round over your own listings; its seats are kept until it is over.

    409 `seat_taken` where a place has fewer free seats than its quota.
    """
    return _open(data, site_id)


@opening.route("/operator/rounds", methods=["POST"])
@require("operator")
@opening.arguments(RoundOpenArgs)
@opening.response(201, RoundSchema)
def open_for_all(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Open a round over listings of any sites."""
    return _open(data, None)


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(RoundsArgs, location="query")
@blueprint.response(200, page_of(RoundSchema))
def list_rounds(args: dict[str, Any]) -> Page[dict[str, Any]]:
    """List rounds, newest first, with their places."""
    only_open = args.pop("open")
    found = queries.page(context.session(), only_open=only_open, **args)
    return Page([_round_json(one) for one in found.items], found.next_cursor)


@blueprint.route("/<uuid:round_id>", methods=["GET"])
@signed_in
@blueprint.response(200, RoundSchema)
def read(round_id: UUID) -> dict[str, Any]:
    """Read a round and its places."""
    return _round_json(_whole(round_id))


@blueprint.route("/<uuid:round_id>/ranking", methods=["POST"])
@signed_in
@blueprint.arguments(RankArgs)
@blueprint.response(200, RankingSchema)
def rank(data: dict[str, Any], round_id: UUID) -> Any:
    """Say which places you want, the best first; your last word before the deadline counts.

    Nothing is gained by ranking a place higher than you want it.
    """
    account = current_account()
    return rounds.rank(
        context.session(), round_id, trainee_id=account.id, now=context.now(), **data
    )


@blueprint.route("/<uuid:round_id>/ranking", methods=["GET"])
@signed_in
@blueprint.response(200, RankingSchema)
def read_ranking(round_id: UUID) -> Any:
    """Read your own ranking."""
    found = queries.ranking(context.session(), round_id, current_account().id)
    if found is None:
        raise NotFound
    return found


@blueprint.route("/<uuid:round_id>/result", methods=["GET"])
@signed_in
@blueprint.response(200, RoundResultSchema)
def result(round_id: UUID) -> dict[str, Any]:
    """See what you got, and for each choice why or why not; others are counted, never named."""
    return _result_json(round_id)


@blueprint.route("/<uuid:round_id>/accept", methods=["POST"])
@signed_in
@blueprint.response(201, BookingSchema)
def accept(round_id: UUID) -> tuple[Booking, dict[str, str]]:
    """Take the place that the round gave you: it becomes a held booking."""
    booking = offers.accept_place(
        context.session(),
        round_id,
        current_account().id,
        terms=finding.terms(),
        now=context.now(),
    )
    where = {"Location": f"{PREFIX}/bookings/{booking.id}"}
    return booking, {**where, **finding.version_of(booking)}


@blueprint.route("/<uuid:round_id>/decline", methods=["POST"])
@signed_in
@blueprint.response(200, RoundResultSchema)
def decline(round_id: UUID) -> dict[str, Any]:
    """Let the place go to who waits for it."""
    offers.decline_place(context.session(), round_id, current_account().id, context.now())
    return _result_json(round_id)


@blueprint.route("/<uuid:round_id>/places/<uuid:place_id>/applicants", methods=["GET"])
@signed_in
@blueprint.response(200, RoundApplicantsSchema)
def applicants(round_id: UUID, place_id: UUID) -> dict[str, Any]:
    """See who has ranked a place of yours (not how high), and your order of them.

    Of each what an application shows of the profile; nulls where there is none any more.
    """
    session = context.session()
    place = _hosted(round_id, place_id)
    wanting = rounds.wanting_of(session, place)
    people = identity.contacts(session, [one.trainee_id for one in wanting])
    facts = identity.many_trainee_facts(session, [one.trainee_id for one in wanting])
    order = queries.orders(session, [place_id]).get(place_id)
    return {
        "place": place,
        "applicants": [
            {
                "trainee_id": one.trainee_id,
                "name": people[one.trainee_id].name,
                **{name: getattr(facts.get(one.trainee_id), name, None) for name in SHOWN_OF},
            }
            for one in wanting
        ],
        "order": order,
    }


@blueprint.route("/<uuid:round_id>/places/<uuid:place_id>/order", methods=["POST"])
@signed_in
@blueprint.arguments(OrderArgs)
@blueprint.response(200, OrderSchema)
def order(data: dict[str, Any], round_id: UUID, place_id: UUID) -> RoundOrder:
    """Say whom you want for a place, by tiers of equals or by scores; until the round is run."""
    tiers = data["tiers"]
    if tiers is None:
        scores = {one["trainee_id"]: one["score"] for one in data["scores"]}
        tiers = rounds.tiers_of_scores(scores)
    return rounds.order(
        context.session(),
        _hosted(round_id, place_id),
        tiers=tiers,
        refused=data["refused"],
        actor_id=current_account().id,
        now=context.now(),
    )


@blueprint.route("/<uuid:round_id>/dry-runs", methods=["POST"])
@signed_in
@blueprint.arguments(DryRunArgs)
@blueprint.response(202, RoundRunAskedSchema)
def dry_run(data: dict[str, Any], round_id: UUID) -> dict[str, Any]:
    """Have the round run without effect, or an earlier run replayed; see the list of runs."""
    _owned(round_id)
    allocating.ask_dry_run(
        context.session(), round_id, actor_id=current_account().id, replays=data["replays"]
    )
    return {"round_id": round_id, "state": "asked"}


@blueprint.route("/<uuid:round_id>/runs", methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(RoundRunSchema))
def list_runs(args: dict[str, Any], round_id: UUID) -> Page[dict[str, Any]]:
    """List the runs of a round that you oversee, newest first, by their hashes and counts."""
    _owned(round_id)
    found = queries.runs(context.session(), round_id, **args)
    return Page([_run_json(one) for one in found.items], found.next_cursor)


@blueprint.route("/<uuid:round_id>/cancel", methods=["POST"])
@signed_in
@blueprint.arguments(RoundReasonArgs)
@blueprint.response(200, RoundSchema)
def call_off(data: dict[str, Any], round_id: UUID) -> dict[str, Any]:
    """Call off a round that has not been run; its seats are free again."""
    _owned(round_id)
    rounds.call_off(
        context.session(),
        round_id,
        actor_id=current_account().id,
        now=context.now(),
        **data,
    )
    return _round_json(_whole(round_id))


def _open(data: dict[str, Any], site_id: UUID | None) -> tuple[dict[str, Any], dict[str, str]]:
    made = rounds.open_round(
        context.session(),
        title=data["title"],
        site_id=site_id,
        wanted=[rounds.Wanted(**one) for one in data["places"]],
        times=rounds.Times(data["rank_by"], data["run_at"], data["decide_by"]),
        actor_id=current_account().id,
        now=context.now(),
    )
    return _round_json(made), {"Location": f"{PREFIX}/rounds/{made.round.id}"}


def _whole(round_id: UUID) -> Whole:
    session = context.session()
    found = queries.find(session, round_id)
    return Whole(found, queries.places(session, [round_id]).get(round_id, []))


def _owned(round_id: UUID) -> AllocationRound:
    """A round of a site that the caller decides for, or any, for an operator."""
    found = queries.find(context.session(), round_id)
    if found.site_id is not None:
        check_site(found.site_id, *finding.DECIDERS)
    elif Role.OPERATOR not in caller().roles:
        raise Forbidden("This round was opened by an operator.")
    return found


def _hosted(round_id: UUID, place_id: UUID) -> RoundPlace:
    place = queries.place(context.session(), round_id, place_id)
    check_site(place.site_id, *finding.DECIDERS)
    return place


def _round_json(whole: Whole) -> dict[str, Any]:
    found = whole.round
    return {
        "id": found.id,
        "title": found.title,
        "site_id": found.site_id,
        "state": found.state,
        "opened_at": found.opened_at,
        "rank_by": found.rank_by,
        "run_at": found.run_at,
        "decide_by": found.decide_by,
        "seed_hash": found.seed_hash,
        "seed": found.seed if found.state != RoundState.OPEN else None,
        "places": whole.places,
    }


def _result_json(round_id: UUID) -> dict[str, Any]:
    session, account = context.session(), current_account()
    whole = _whole(round_id)
    answers = allocating.explained(session, whole.round, account.id)
    places = {str(one.id): one for one in whole.places}
    offer = queries.offer_of(session, round_id, account.id)
    return {
        "round_id": round_id,
        "choices": [_choice_json(answer, places) for answer in answers],
        "offer": None if offer is None else offer_json(offer),
        "ticket": ticket(whole.round.seed, str(account.id)),
    }


def _choice_json(answer: Answer, places: Mapping[str, RoundPlace]) -> dict[str, Any]:
    return {
        "place": places[answer.place],
        "rank": answer.rank,
        "outcome": answer.outcome,
        "ahead": answer.ahead,
        "by_lottery": answer.by_lottery,
        "sentence": SENTENCES[rules.sentence_of(answer)].format(
            ahead=answer.ahead, by_lottery=answer.by_lottery
        ),
    }


def _run_json(run: RoundRun) -> dict[str, Any]:
    choices: Mapping[str, Sequence[str]] = run.inputs["choices"]
    return {
        "id": run.id,
        "dry": run.dry,
        "replays": run.replays,
        "method": run.method,
        "inputs_hash": run.inputs_hash,
        "result_hash": run.result_hash,
        "blocking_pairs": run.blocking_pairs,
        "trainees": len(choices),
        "matched": len(run.result["matched"]),
        "left_out": len(run.inputs["left_out"]),
        "ran_at": run.ran_at,
    }
