"""Match outcomes to verify: what waits by year, a record with its history, and what is said of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, require
from marketplace.identity.rules import Role
from marketplace.outcomes.queries import match as queries
from marketplace.outcomes.queries import verification as waiting
from marketplace.outcomes.rules.match import (
    FIELDS,
    FLAGS,
    REJECTED,
    VERIFIED,
    WORDS,
    Provenance,
    result,
)
from marketplace.outcomes.schemas.match import (
    FIRST_YEAR,
    LAST_YEAR,
    DecisionArgs,
    OutcomeEntryArgs,
    RetractionArgs,
)
from marketplace.outcomes.service import match, programs, verification
from marketplace.pages import forms
from marketplace.pages.operator.outcome_words import WORDS as SAID
from marketplace.pages.operator.outcome_words import parted
from marketplace.pages.view import Pages, form_page, page
from marketplace.reporting.queries import exports
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
WORKERS = ("operator", "analyst")
KINDS = (Provenance.SELF_REPORTED, Provenance.DISPUTED)
DECISIONS = (*sorted(VERIFIED), Provenance.DISPUTED, REJECTED)
SOURCES = ("document_verified", "roster_verified", "self_reported", "disputed")
YES_NO = ("1", "0")

blueprint = Pages("desk_outcomes")


@blueprint.get("/desk/outcomes")
@require(*WORKERS)
def list_years() -> Response:
    """List the Match years with how far their verification is."""
    return page("desk/outcomes.html", years=waiting.progress(context.session()))


@blueprint.get("/desk/outcomes/<int:match_year>")
@require(*WORKERS)
def list_waiting(match_year: int) -> Response:
    """List what waits of a year, the longest first: what is self-reported, or what is disputed."""
    session = context.session()
    known = FIRST_YEAR <= match_year <= LAST_YEAR
    found = waiting.progress(session, match_year) if known else ()
    if not found:
        raise NotFound
    asked = request.args.get("how")
    none_reported = not found[0].self_reported and found[0].disputed
    kind = Provenance(asked) if asked in KINDS else KINDS[bool(none_reported)]
    rows = waiting.waiting(session, match_year, kind, limit=A_PAGE, cursor=forms.cursor())
    whose, names = waiting.whose(session, rows.items), _may_name()
    return page(
        "desk/outcomes_year.html",
        progress=found[0],
        kind=kind.value,
        found=rows,
        said=SAID,
        words={one.id: result(_values(one)).value for one in rows.items},
        whose=whose,
        contacts=_contacts([one.account_id for one in whose.values()] if names else []),
        names=names,
    )


@blueprint.get("/desk/outcomes/records/<uuid:outcome_id>")
@require(*WORKERS)
def show(outcome_id: UUID) -> Response:
    """Show what is known of a record, how, by whom it was said, and ask what the evidence bears."""
    return _shown(outcome_id, {}, {})


@blueprint.post("/desk/outcomes/records/<uuid:outcome_id>/decision")
@require(*WORKERS)
def decide(outcome_id: UUID) -> Response:
    """Verify, dispute or take back the entries that were chosen, as they were shown."""
    typed = forms.typed()
    given: dict[str, Any] = {
        "entries": request.form.getlist("entries"),
        "decision": typed.get("decision", ""),
        "evidence": typed.get("seen_evidence", ""),
    }
    errors = forms.carried_out(
        DecisionArgs(),
        given,
        lambda values: verification.decide(
            context.session(),
            outcome_id,
            actor_id=current_account().id,
            now=context.now(),
            **values,
        ),
        "entries",
    )
    # What was seen now and what a correction rests on are two fields of this page.
    named = {"seen_evidence" if name == "evidence" else name: all_ for name, all_ in errors.items()}
    return _on(outcome_id, typed, named)


@blueprint.post("/desk/outcomes/records/<uuid:outcome_id>/entries")
@require(*WORKERS)
def correct(outcome_id: UUID) -> Response:
    """Record other values than are known, with how they are known."""
    typed = forms.typed()
    errors = forms.carried_out(
        OutcomeEntryArgs(),
        {
            "values": {name: _value(name, typed[name]) for name in FIELDS if name in typed},
            "source": typed.get("source", ""),
            "evidence": typed.get("evidence", ""),
        },
        lambda values: _record(outcome_id, values),
        "values",
    )
    return _on(
        outcome_id, typed, {name.removeprefix("values."): all_ for name, all_ in errors.items()}
    )


@blueprint.post("/desk/outcomes/records/<uuid:outcome_id>/entries/<uuid:entry_id>/retraction")
@require(*WORKERS)
def retract(outcome_id: UUID, entry_id: UUID) -> Response:
    """Take one entry of the history back; what counted before it counts again."""
    typed = forms.typed()
    field = f"reason-{entry_id}"
    errors = forms.carried_out(
        RetractionArgs(),
        {"reason": typed.get("reason", "")},
        lambda values: match.retract(
            context.session(),
            _of(outcome_id, entry_id),
            actor_id=current_account().id,
            now=context.now(),
            **values,
        ),
        field,
    )
    named = {field if name == "reason" else name: all_ for name, all_ in errors.items()}
    return _on(outcome_id, {field: typed.get("reason", "")}, named, done="#history")


def _on(
    outcome_id: UUID, typed: Mapping[str, str], errors: forms.Errors, done: str = ""
) -> Response:
    if errors:
        return _shown(outcome_id, typed, errors)
    return redirect(f"/desk/outcomes/records/{outcome_id}{done}", 303)


def _record(outcome_id: UUID, given: Mapping[str, Any]) -> Any:
    outcome = _found(outcome_id)
    return match.record(
        context.session(),
        person_id=outcome.person_id,
        match_year=outcome.match_year,
        claims=given["values"],
        source=Provenance(given["source"]),
        actor_id=current_account().id,
        evidence=given["evidence"],
        now=context.now(),
    )


def _shown(outcome_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    outcome = _found(outcome_id)
    events = queries.events(session, outcome_id)
    whose, names = waiting.whose(session, [outcome])[outcome_id], _may_name()
    actors = [one.actor_id for one in events if one.actor_id != whose.account_id]
    return form_page(
        "desk/outcome.html",
        NOT_PROCESSABLE if errors else 200,
        outcome=outcome,
        said=SAID,
        parted=parted,
        word=result(_values(outcome)).value,
        standing=queries.standing_of(session, outcome_id, outcome.changed_at),
        fields=FIELDS,
        events=events[::-1],
        taken_back={one.retracts_id for one in events},
        whose=whose,
        contacts=_contacts([*actors, whose.account_id if names else None]),
        names=names,
        named=programs.for_outcome(session, outcome),
        flags=FLAGS,
        options={
            **dict.fromkeys(FLAGS, YES_NO),
            **{name: list(all_) for name, all_ in WORDS.items()},
        },
        decisions=DECISIONS,
        sources=SOURCES,
        chosen=request.form.getlist("entries"),
        typed=typed,
        errors=errors,
    )


def _found(outcome_id: UUID) -> Any:
    outcome = queries.outcome(context.session(), outcome_id)
    if outcome is None:
        raise NotFound
    return outcome


def _of(outcome_id: UUID, entry_id: UUID) -> UUID:
    """The entry, if it is one of that record's."""
    event = queries.event(context.session(), entry_id)
    if event is None or event.outcome_id != outcome_id:
        raise NotFound
    return entry_id


def _value(name: str, text: str) -> Any:
    if name in FLAGS and text in YES_NO:
        return text == "1"
    return forms.whole_number(text) if name == "interviews" else text


def _values(outcome: Any) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in FIELDS}


def _may_name() -> bool:
    """Whether it is shown whose a record is: to operators, and by the right to exports with names."""
    who = caller()
    return (
        Role.OPERATOR in who.roles
        or exports.live_right(context.session(), who.account_id, context.now()) is not None
    )


def _contacts(ids: Sequence[UUID | None]) -> Mapping[UUID, Any]:
    known = [one for one in ids if one is not None]
    return identity.contacts(context.session(), known) if known else {}
