"""Letters of recommendation: asked for after a rotation, the waiver chosen, and where each stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries as bookings
from marketplace.booking.routes import finding
from marketplace.booking.states import BookingState
from marketplace.catalog.rules import specialties
from marketplace.compliance.queries import documents
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, signed_in
from marketplace.outcomes.queries import letters as queries
from marketplace.outcomes.schemas.letters import LetterArgs
from marketplace.outcomes.service import letter_packets, letters
from marketplace.outcomes.service.rotations import rotation
from marketplace.outcomes.states import LETTER, LetterState
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.reporting.service import readiness
from marketplace.web import context

A_PAGE = 100
NOT_PROCESSABLE = 422
TONES = {"confirmed": "good", "uploaded": "good", "refused": "bad", "withdrawn": "bad"}
GIVEN_UP = frozenset({LetterState.REFUSED, LetterState.WITHDRAWN})
CHOICES = {"yes": True, "no": False}

blueprint = Pages("letter_pages")


class Asked(Protocol):
    """What this page reads of a letter, beside what the template shows."""

    @property
    def state(self) -> str: ...
    @property
    def waived(self) -> bool: ...
    @property
    def uploaded_at(self) -> datetime | None: ...


@blueprint.get("/letters")
@signed_in
def list_own() -> Response:
    """List the letters that one has asked for, the newest first."""
    session, own = context.session(), current_account().id
    found = queries.of_trainee(
        session, own, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    target, topic = readiness.of_letters(session, own) or (None, None)
    return form_page(
        "letters/list.html",
        found=found,
        titles=bookings.titles(session, [one.booking_id for one in found.items]),
        target=target,
        topic=topic,
        tone=tone,
    )


@blueprint.get("/rotations/<uuid:booking_id>/letter")
@signed_in
def of_rotation(booking_id: UUID) -> Response:
    """Show the letters of a rotation, or ask for one once it is completed."""
    return _shown(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/letter")
@signed_in
def ask(booking_id: UUID) -> Response:
    """Ask the host for a letter; whether to waive reading it is chosen here."""
    session, typed = context.session(), forms.typed()
    booking = finding.own(booking_id)
    given: dict[str, Any] = {
        **{name: typed[name] for name in ("message", "specialty", "due_on") if name in typed},
        "booking_id": str(booking.id),
        "packet": packet_of(typed),
    }
    if typed.get("waived") in CHOICES:
        given["waived"] = CHOICES[typed["waived"]]
    values, errors = forms.read(LetterArgs(), given)
    if not errors:
        about = rotation(session, values.pop("booking_id"))
        packet = values.pop("packet")
        _, errors = forms.tried(
            lambda: letters.ask(session, about, packet=packet, now=context.now(), **values),
            "waived",
        )
    if errors:
        return _shown(booking_id, typed, beside(errors))
    return redirect(f"/rotations/{booking.id}/letter", 303)


@blueprint.post("/letters/<uuid:letter_id>/waiver")
@signed_in
def choose_waiver(letter_id: UUID) -> Response:
    """Choose anew whether to waive, while there is no letter."""
    booking_id = _rotation_of(letter_id)
    chosen = CHOICES.get(request.form.get("waived", ""))
    if chosen is not None:
        letters.choose_waiver(context.session(), letter_id, waived=chosen)
    return redirect(f"/rotations/{booking_id}/letter", 303)


@blueprint.post("/letters/<uuid:letter_id>/withdraw")
@signed_in
def withdraw(letter_id: UUID) -> Response:
    """Take the request back, while there is no letter."""
    booking_id = _rotation_of(letter_id)
    letters.withdraw(context.session(), letter_id, context.now())
    return redirect(f"/rotations/{booking_id}/letter", 303)


def tone(state: str) -> str:
    """How a letter's state is coloured."""
    return TONES.get(state, "fair")


def packet_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """The packet as the form has it: words, and the documents that were ticked."""
    words = {name: typed.get(name, "") for name in letter_packets.WORDS}
    return {**words, "document_ids": request.form.getlist("document")}


def beside(errors: forms.Errors) -> forms.Errors:
    """Errors of a packet by the names that the form's fields have."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        plain = name.removeprefix("packet.")
        plain = "document_ids" if plain.startswith("document_ids") else plain
        found.setdefault(plain, []).extend(texts)
    return found


def own_documents(trainee_id: UUID) -> Sequence[documents.View]:
    """One's documents, those that may be put into a packet."""
    session, today = context.session(), context.now().date()
    return documents.of_holder(session, trainee_id, today, limit=A_PAGE, cursor=None).items


def _shown(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    booking = finding.own(booking_id)
    every = queries.of_trainee(session, booking.trainee_id, limit=A_PAGE, cursor=None).items
    found = [_entry(one) for one in every if one.booking_id == booking.id]
    found.reverse()
    done = booking.state == BookingState.COMPLETED
    return form_page(
        "rotations/letter.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        booking=booking,
        found=found,
        may_ask=done and not any(one["open"] for one in found),
        documents=own_documents(booking.trainee_id) if done else (),
        ticked=request.form.getlist("document"),
        done=done,
        specialties=[(one.code, one.name) for one in specialties.BY_CODE.values()],
        tone=tone,
        typed=typed,
        errors=errors,
    )


def _entry(letter: Asked) -> dict[str, Any]:
    """A letter with what its trainee may do about it now."""
    state = LetterState(letter.state)
    return {
        "letter": letter,
        "open": state not in GIVEN_UP,
        "may_choose": letter.uploaded_at is None and not LETTER.terminal(state),
        "may_withdraw": LETTER.allows(state, LetterState.WITHDRAWN),
        "may_read": letter.uploaded_at is not None and not letter.waived,
    }


def _rotation_of(letter_id: UUID) -> UUID:
    """The booking of a letter of one's own; for anybody else's there is nothing."""
    found = queries.letter(context.session(), letter_id)
    if found is None or found.trainee_id != current_account().id:
        raise NotFound
    return found.booking_id
