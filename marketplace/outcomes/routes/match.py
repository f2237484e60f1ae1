"""Match outcomes: a trainee's own, and their verification by operators and analysts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.core.errors import Invalid, NotFound
from marketplace.identity.access import caller, current_account, require, signed_in
from marketplace.outcomes.models import MatchOutcome
from marketplace.outcomes.queries import match as queries
from marketplace.outcomes.rules.match import Provenance
from marketplace.outcomes.schemas.match import (
    FIRST_YEAR,
    LAST_YEAR,
    HistorySchema,
    LikelyProgramsSchema,
    OutcomeArgs,
    OutcomeEntryArgs,
    OutcomeSchema,
    OutcomesSchema,
    ProgramsArgs,
    RecordsArgs,
    RetractionArgs,
    ValuesSchema,
    WrittenNamesSchema,
)
from marketplace.outcomes.service import match, programs
from marketplace.web import context
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import page_of

blueprint = Blueprint(
    "match_outcomes",
    __name__,
    url_prefix="/match-outcomes",
    description="One record a person and Match year; every change is an entry that stays.",
)
VERIFIERS = ("operator", "analyst")


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, OutcomesSchema)
def list_own() -> dict[str, Any]:
    """List your outcomes, by Match year."""
    return {"items": queries.outcomes_of_trainee(context.session(), current_account().id)}


@blueprint.route("/<int:match_year>", methods=["PUT"])
@signed_in
@blueprint.arguments(ValuesSchema)
@blueprint.response(200, OutcomeSchema)
def report_own(data: dict[str, Any], match_year: int) -> MatchOutcome:
    """Report how your Match went; reporting the same again changes nothing.

    What was verified stays as it is and becomes disputed where you say otherwise.
    """
    if not FIRST_YEAR <= match_year <= LAST_YEAR:
        raise Invalid(fields={"match_year": [f"From {FIRST_YEAR} to {LAST_YEAR}."]})
    account = current_account()
    session = context.session()
    return match.record(
        session,
        person_id=match.person_of_trainee(session, account.id).id,
        match_year=match_year,
        claims=data,
        source=Provenance.SELF_REPORTED,
        actor_id=account.id,
        evidence="",
        now=context.now(),
    )


@blueprint.route("/records", methods=["GET"])
@require(*VERIFIERS)
@blueprint.arguments(RecordsArgs, location="query")
@blueprint.response(200, page_of(OutcomeSchema))
def list_records(args: dict[str, Any]) -> Page[MatchOutcome]:
    """List the records of a Match year: with `source`, those to verify or to settle."""
    return queries.records(context.session(), **args)


@blueprint.route("/<uuid:outcome_id>", methods=["GET"])
@signed_in
@blueprint.arguments(OutcomeArgs, location="query")
@blueprint.response(200, HistorySchema)
def read(args: dict[str, Any], outcome_id: UUID) -> dict[str, Any]:
    """Read a record with its history, and what was known as of a moment: the same for ever."""
    session = context.session()
    outcome = queries.outcome(session, outcome_id)
    if outcome is None or not _may_read(outcome_id):
        raise NotFound
    as_of: datetime = args["as_of"] or context.now()
    known = queries.outcome_as_of(session, outcome_id, as_of)
    return {
        "outcome": outcome,
        "as_of": as_of,
        "known": {
            name: {"value": value, "provenance": provenance}
            for name, (value, provenance) in known.items()
        },
        "entries": queries.events(session, outcome_id),
    }


@blueprint.route("/programs", methods=["GET"])
@signed_in
@blueprint.arguments(ProgramsArgs, location="query")
@blueprint.response(200, LikelyProgramsSchema)
def list_programs(args: dict[str, str]) -> dict[str, Any]:
    """Find residency programs by words: those of the list that are most like them."""
    return {"items": programs.like(context.session(), args["q"])}


@blueprint.route("/<uuid:outcome_id>/proposals", methods=["GET"])
@require(*VERIFIERS)
@blueprint.response(200, WrittenNamesSchema)
def propose(outcome_id: UUID) -> programs.Proposals:
    """Read which program and specialty of the lists a record's words may stand for.

    Nothing is decided by it: whoever knows records the name, with the evidence.
    """
    outcome = queries.outcome(context.session(), outcome_id)
    if outcome is None:
        raise NotFound
    return programs.for_outcome(context.session(), outcome)


@blueprint.route("/<uuid:outcome_id>/entries", methods=["POST"])
@require(*VERIFIERS)
@blueprint.arguments(OutcomeEntryArgs)
@blueprint.response(201, OutcomeSchema)
def add_entry(data: dict[str, Any], outcome_id: UUID) -> MatchOutcome:
    """Verify or correct fields, saying how they are known; nothing before is lost."""
    session = context.session()
    outcome = queries.outcome(session, outcome_id)
    if outcome is None:
        raise NotFound
    return match.record(
        session,
        person_id=outcome.person_id,
        match_year=outcome.match_year,
        claims=data["values"],
        source=Provenance(data["source"]),
        actor_id=current_account().id,
        evidence=data["evidence"],
        now=context.now(),
    )


@blueprint.route("/entries/<uuid:entry_id>/retraction", methods=["POST"])
@require(*VERIFIERS)
@blueprint.arguments(RetractionArgs)
@blueprint.response(201, OutcomeSchema)
def retract(data: dict[str, Any], entry_id: UUID) -> MatchOutcome:
    """Take an entry back by another; what counted before it counts again, from now on."""
    return match.retract(
        context.session(),
        entry_id,
        actor_id=current_account().id,
        reason=data["reason"],
        now=context.now(),
    )


def _may_read(outcome_id: UUID) -> bool:
    own = queries.owner_of(context.session(), outcome_id) == current_account().id
    return own or not caller().roles.isdisjoint(VERIFIERS)
