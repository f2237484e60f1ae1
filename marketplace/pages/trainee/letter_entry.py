"""One letter of a trainee's: its packet, its drafts and where the words come from, its programs.

Never its content. A name that somebody types is likened to the list of programs; which program it is,
is said by the trainee alone.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, signed_in
from marketplace.outcomes.queries import ledger
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.rules.letters import MOST_A_PROGRAM, PROGRAM_CODE
from marketplace.outcomes.schemas.letters import (
    FIRST_SEASON,
    LAST_SEASON,
    AssignmentArgs,
    DraftArgs,
    PacketSchema,
)
from marketplace.outcomes.service import letter_packets, letter_programs, letters, programs
from marketplace.outcomes.service.rotations import rotation
from marketplace.outcomes.states import LetterState
from marketplace.pages import forms
from marketplace.pages.trainee.letters import beside, own_documents, packet_of, tone
from marketplace.pages.view import Pages, form_page, reader
from marketplace.pages.words import noted
from marketplace.reporting.service.readiness import coming_match
from marketplace.web import context

A_PAGE = 100
LONGEST_NAME = 200
NOT_PROCESSABLE = 422
ONE = "/letters/<uuid:letter_id>"
HOSTS = frozenset({"coordinator", "preceptor", "site_owner"})
DRAFTED = {
    "author": noted("The author"),
    "trainee": noted("You: the author took your draft"),
    "both": noted("You and the author"),
}
REMINDED = {
    "early": noted("two weeks before the day"),
    "soon": noted("three days before the day"),
    "late": noted("after the day"),
    "open": noted("after three weeks"),
}
REFUSED = {
    "too_many_letters": noted(
        "This program has four letters of yours already: take one back first."
    ),
    "letter_assigned": noted("This letter is assigned to this program already."),
    "letter_not_confirmed": noted("The author has not confirmed this letter yet."),
}

blueprint = Pages("letter_entry_pages")


@blueprint.get(ONE)
@signed_in
def show(letter_id: UUID) -> Response:
    """Show a letter's entry to its trainee; the site's people are led to their own page of it."""
    letter = queries.letter(context.session(), letter_id)
    if letter is not None and letter.trainee_id != current_account().id:
        if caller().site_roles(letter.site_id) & HOSTS:
            return redirect(f"/host/sites/{letter.site_id}/letters/{letter.id}", 303)
        letter = None
    if letter is None:
        raise NotFound
    return _shown(letter, {}, {})


@blueprint.post(f"{ONE}/packet")
@signed_in
def change_packet(letter_id: UUID) -> Response:
    """Give the author another packet, while there is no letter."""
    letter, typed = _own(letter_id), forms.typed()
    values, errors = forms.read(PacketSchema(), packet_of(typed))
    if not errors:
        _, errors = forms.tried(
            lambda: letters.change_packet(context.session(), letter_id, values, context.now()),
            "case_summary",
        )
    if errors:
        return _shown(_own(letter_id), {**typed, "packet": "changed"}, beside(errors))
    return redirect(f"/letters/{letter.id}", 303)


@blueprint.post(f"{ONE}/drafts")
@signed_in
def write_draft(letter_id: UUID) -> Response:
    """Offer the author words to begin from; each draft is kept as it was written."""
    letter, typed = _own(letter_id), forms.typed()
    values, errors = forms.read(DraftArgs(), {"words": typed.get("words", "")})
    if not errors:
        _, errors = forms.tried(
            lambda: letter_packets.write_draft(
                context.session(), letter_id, values["words"], context.now()
            ),
            "words",
        )
    if errors:
        return _shown(_own(letter_id), typed, errors)
    return redirect(f"/letters/{letter.id}", 303)


@blueprint.get(f"{ONE}/programs")
@signed_in
def find_program(letter_id: UUID) -> Response:
    """Liken what was typed to the list of programs: proposals, none of them chosen."""
    return _finding(_own(letter_id), {}, {})


@blueprint.post(f"{ONE}/programs")
@signed_in
def assign(letter_id: UUID) -> Response:
    """Assign the letter to the program that was chosen; it takes four of a trainee's at most."""
    letter, typed = _own(letter_id), forms.typed()
    given: dict[str, Any] = {**typed}
    given["match_year"] = forms.whole_number(typed.get("match_year", ""))
    values, errors = forms.read(AssignmentArgs(unknown="exclude"), given)
    if not errors:
        errors = _assigned(letter, values)
    if errors:
        return _finding(_own(letter_id), typed, errors)
    return redirect(f"/letters/{letter_id}", 303)


@blueprint.get("/letters/programs")
@signed_in
def list_programs() -> Response:
    """List which letters go to which programs, of one season or of all."""
    year = request.args.get("match_year", "")
    found = ledger.assignments(
        context.session(),
        current_account().id,
        match_year=_named_season(year),
        program_code=None,
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    return form_page("letters/programs.html", found=found, most=MOST_A_PROGRAM, year=year)


@blueprint.post("/letters/assignments/<uuid:assignment_id>/take-back")
@signed_in
def take_back(assignment_id: UUID) -> Response:
    """Take a letter back from a program; twice is once."""
    own = current_account().id
    letter_programs.take_back(context.session(), assignment_id, own, context.now())
    return redirect("/letters/programs", 303)


def _assigned(letter: Any, values: Mapping[str, Any]) -> forms.Errors:
    try:
        letter_programs.assign(context.session(), letter, now=context.now(), **values)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
    else:
        return {}
    if refused.status not in forms.SHOWN_AGAIN:
        raise refused
    if refused.code in REFUSED:
        return {"program_code": [reader().say(REFUSED[refused.code])]}
    return forms.wrong(refused, "program_code")


def _shown(letter: Any, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    state = LetterState(letter.state)
    is_open = state in letters.OPEN
    named = set(letter.packet.get("document_ids", ()))
    own = own_documents(letter.trainee_id) if is_open or named else ()
    found = ledger.assignments(
        session, letter.trainee_id, match_year=None, program_code=None,
        limit=A_PAGE, cursor=None, letter_id=letter.id,
    )  # fmt: skip
    return form_page(
        "letters/letter.html",
        NOT_PROCESSABLE if errors else 200,
        letter=letter,
        about=rotation(session, letter.booking_id),
        is_open=is_open,
        drafts=ledger.drafts(session, letter.id),
        reminders=ledger.reminders(session, letter.id),
        assigned=found.items,
        confirmed=state is LetterState.CONFIRMED,
        documents=own,
        packet=typed if "packet" in typed else letter.packet,
        ticked=request.form.getlist("document") if "packet" in typed else named,
        may_read=letter.uploaded_at is not None and not letter.waived,
        drafted=DRAFTED.get(letter.drafted_by or ""),
        reminded=REMINDED,
        tone=tone,
        typed=typed,
        errors=errors,
    )


def _finding(letter: Any, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    wanted = (typed.get("program_name") or request.args.get("q") or "").strip()[:LONGEST_NAME]
    asked = typed.get("match_year") or request.args.get("match_year") or ""
    year = _named_season(asked) or _season(letter.trainee_id)
    proposals = programs.like(session, wanted) if wanted else []
    coded = re.fullmatch(PROGRAM_CODE, wanted) is not None
    codes = [one.code for one in proposals]
    return form_page(
        "letters/find_program.html",
        NOT_PROCESSABLE if errors else 200,
        letter=letter,
        wanted=wanted,
        code=typed.get("program_code") or (wanted if coded else ""),
        year=year,
        again=urlencode({"q": wanted, "match_year": year}),
        proposals=proposals,
        taken=ledger.taken(session, letter.trainee_id, year, codes) if codes else {},
        most=MOST_A_PROGRAM,
        confirmed=letter.state == LetterState.CONFIRMED,
        errors=errors,
    )


def _season(trainee_id: UUID) -> int:
    """The season of the profile, or else the coming one."""
    facts = identity.trainee_facts(context.session(), trainee_id)
    known = facts.match_year if facts else None
    return known or coming_match(context.now().date())


def _named_season(text: str) -> int | None:
    year = forms.number(text)
    return year if year is not None and FIRST_SEASON <= year <= LAST_SEASON else None


def _own(letter_id: UUID) -> Any:
    letter = queries.letter(context.session(), letter_id)
    if letter is None or letter.trainee_id != current_account().id:
        raise NotFound
    return letter
