"""Letters that were asked of the site: agreed to, naming the author, or refused with a reason."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, site_member
from marketplace.identity.rules import Role
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.schemas.letters import AnswerArgs, AuthorArgs
from marketplace.outcomes.service import letters
from marketplace.outcomes.service.rotations import rotation
from marketplace.outcomes.states import LetterState
from marketplace.pages import forms
from marketplace.pages.host.frame import (
    NOT_PROCESSABLE,
    PEOPLE,
    back,
    panel,
    refusal,
)
from marketplace.pages.view import Pages
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/letters"
BASE = "/host/sites/<uuid:site_id>/letters"
ONE = f"{BASE}/<uuid:letter_id>"
A_PAGE = 25
STATES = {
    "asked": noted("Waits for your answer"),
    "agreed": noted("Is being written"),
    "uploaded": noted("Uploaded, to be confirmed by its author"),
    "confirmed": noted("Confirmed"),
    "refused": noted("Refused"),
    "withdrawn": noted("Withdrawn by the trainee"),
}
THERE = (LetterState.UPLOADED, LetterState.CONFIRMED)

blueprint = Pages("host_letters")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def list_asked(site_id: UUID) -> Response:
    """List the letters that were asked of the site, those that are owed first."""
    session = context.session()
    cursor = request.args.get("cursor") or None
    owed = [] if cursor else queries.owed(session, site_id, limit=A_PAGE)
    found = queries.of_site(session, site_id, limit=A_PAGE, cursor=cursor)
    people = {one.trainee_id for one in found.items}
    contacts = identity.contacts(session, list(people)) if people else {}
    return panel(
        "host/letters.html",
        site_id,
        TAB,
        owed=owed,
        found=[(one, contacts[one.trainee_id].name) for one in found.items],
        next_cursor=found.next_cursor,
        states=STATES,
        shown=tone,
    )


@blueprint.get(ONE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID, letter_id: UUID) -> Response:
    """Show what was asked for, never the letter itself, and ask for the answer."""
    return _shown(site_id, letter_id)


@blueprint.post(f"{ONE}/answer")
@site_member(*PEOPLE, operators=False)
def answer(site_id: UUID, letter_id: UUID) -> Answer:
    """Agree, naming the author, who gets a link by mail; or refuse, saying why."""
    _letter(site_id, letter_id)
    given = forms.typed()
    values, errors = forms.read(AnswerArgs(unknown="exclude"), given)
    if errors:
        return _shown(site_id, letter_id, given, errors)
    try:
        reply = letters.Answer(**values)
        letters.answer(context.session(), letter_id, reply, signer=_signer(), now=context.now())
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        told = None if refused.fields else refusal(refused)
        return _shown(site_id, letter_id, given, refused.fields, told, refused.status)
    return back(site_id, f"{TAB}/{letter_id}", "answered")


@blueprint.post(f"{ONE}/author")
@site_member(*PEOPLE, operators=False)
def name_another(site_id: UUID, letter_id: UUID) -> Answer:
    """Have somebody else write it, who gets a link by mail; the one before is told."""
    _letter(site_id, letter_id)
    given = forms.typed()
    values, errors = forms.read(AuthorArgs(unknown="exclude"), given)
    if errors:
        return _shown(site_id, letter_id, given, errors)
    try:
        letters.name_another(
            context.session(),
            letter_id,
            letters.Answer(agreed=True, **values),
            signer=_signer(),
            by=caller().account_id,
            now=context.now(),
        )
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        told = None if refused.fields else refusal(refused)
        return _shown(site_id, letter_id, given, refused.fields, told, refused.status)
    return back(site_id, f"{TAB}/{letter_id}", "passed_on")


@blueprint.post(f"{ONE}/link")
@site_member(*PEOPLE, operators=False)
def send_link(site_id: UUID, letter_id: UUID) -> Answer:
    """Mail the author a new link; the one before stops working."""
    letter = _letter(site_id, letter_id)
    try:
        letters.send_link(context.session(), letter, signer=_signer(), now=context.now())
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, letter_id, refused=refusal(refused), status=refused.status)
    return back(site_id, f"{TAB}/{letter_id}", "linked")


def tone(state: str) -> str:
    """How a letter's state is coloured."""
    return {"confirmed": "good", "uploaded": "good", "asked": "fair", "agreed": "fair"}.get(
        state, "plain"
    )


def _shown(
    site_id: UUID,
    letter_id: UUID,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, Any] | None = None,
    refused: str | None = None,
    status: int = NOT_PROCESSABLE,
) -> Response:
    session, letter = context.session(), _letter(site_id, letter_id)
    contact = identity.contact(session, letter.trainee_id)
    state = LetterState(letter.state)
    reads = Role.COORDINATOR in caller().site_roles(site_id) and state in THERE
    return panel(
        "host/letter.html",
        site_id,
        TAB,
        status if errors or refused else 200,
        letter=letter,
        about=rotation(session, letter.booking_id),
        name=contact.name if contact else "",
        may_agree=state is LetterState.ASKED,
        may_refuse=state in (LetterState.ASKED, LetterState.AGREED),
        may_link=state is LetterState.AGREED,
        may_read=reads,
        is_there=state in THERE,
        states=STATES,
        shown=tone,
        typed=typed or {},
        errors=errors or {},
        refused=refused,
    )


def _letter(site_id: UUID, letter_id: UUID) -> Any:
    found = queries.letter(context.session(), letter_id)
    if found is None or found.site_id != site_id:
        raise NotFound
    return found


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
