"""Itineraries: several rotations put together, looked through, held and paid at once or not at all."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import applying
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.routes import finding
from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.rules.questions import Question
from marketplace.booking.schemas.applying import SubmitArgs
from marketplace.booking.schemas.itineraries import ItineraryArgs, ItineraryPayArgs
from marketplace.booking.service import payment
from marketplace.booking.service import questions as asking
from marketplace.booking.service.itineraries import deciding, drafting, holding, looking, paying
from marketplace.booking.service.itineraries.drafting import Draft, Wanted
from marketplace.booking.states import TIMED, BookingState
from marketplace.core.errors import Invalid
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.trainee.answers import answers_of
from marketplace.pages.trainee.paying import Asked, address_of, live_payment
from marketplace.pages.trainee.rotations import tone
from marketplace.pages.view import Pages, form_page, page
from marketplace.web import context

A_PAGE = 20
NOT_PROCESSABLE = 422
TONES = {"confirmed": "good", "held": "fair", "draft": "fair"}
VERDICTS = {"fits": "good", "close": "fair", "too_long": "bad", "unknown": "fair"}

blueprint = Pages("itinerary_pages")


class Drawn(Protocol):
    """What an edit reads of an itinerary."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def arrive_on(self) -> date | None: ...
    @property
    def leave_on(self) -> date | None: ...


@blueprint.get("/itineraries")
@signed_in
def list_own() -> Response:
    """List one's itineraries, the newest first."""
    session = context.session()
    found = queries.of_trainee(
        session, current_account().id, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    items = queries.items_of(session, [one.id for one in found.items])
    return page("itineraries/list.html", found=found, items=items, tones=TONES)


@blueprint.get("/itineraries/add")
@signed_in
def ask_to_add() -> Response:
    """Ask into which draft a rotation goes, or whether into a new one."""
    names = ("listing_id", "first_day", "weeks")
    return form_page(
        "itineraries/add.html",
        item={name: request.args.get(name, "") for name in names},
        drafts=_drafts(),
    )


@blueprint.post("/itineraries/items")
@signed_in
def add() -> Response:
    """Put a rotation into a draft, or into a new one; nothing is held by it."""
    typed = forms.typed()
    session, own = context.session(), current_account().id
    chosen = typed.get("itinerary")
    itinerary = queries.lock(session, UUID(chosen), own) if chosen and _is_id(chosen) else None
    item = {name: typed.get(name, "") for name in ("listing_id", "first_day")}
    new = {**item, "weeks": forms.whole_number(typed.get("weeks", ""))}
    if itinerary is None:
        values, errors = forms.read(ItineraryArgs(), {"items": [new]})
        if errors:
            raise Invalid(fields=errors)
        itinerary = drafting.draw_up(session, own, _draft(values), context.now())
        return _to(itinerary.id)
    given = {**_as_given(itinerary), "items": [*_as_given(itinerary)["items"], new]}
    values, errors = forms.read(ItineraryArgs(), given)
    if errors:
        raise Invalid(fields=errors)
    drafting.redraw(session, itinerary, _draft(values))
    return _to(itinerary.id)


@blueprint.get("/itineraries/<uuid:itinerary_id>")
@signed_in
def look(itinerary_id: UUID) -> Response:
    """Look an itinerary through: what stands against it, gaps, stays, and what it costs."""
    return _shown(itinerary_id, {}, {})


@blueprint.post("/itineraries/<uuid:itinerary_id>/edit")
@signed_in
def edit(itinerary_id: UUID) -> Response:
    """Change a draft's name, its days, or the weeks of its rotations; a rotation can be taken out."""
    session, typed = context.session(), forms.typed()
    itinerary = queries.lock(session, itinerary_id, current_account().id)
    given = _edited(_as_given(itinerary), typed)
    if not given["items"]:
        drafting.throw_away(session, itinerary)
        return redirect("/itineraries", 303)
    values, errors = forms.read(ItineraryArgs(), given)
    if not errors:
        _, errors = forms.tried(lambda: drafting.redraw(session, itinerary, _draft(values)), "name")
    if errors:
        return _shown(itinerary_id, typed, errors)
    return _to(itinerary_id)


@blueprint.post("/itineraries/<uuid:itinerary_id>/throw-away")
@signed_in
def throw_away(itinerary_id: UUID) -> Response:
    """Throw a draft away."""
    session = context.session()
    drafting.throw_away(session, queries.lock(session, itinerary_id, current_account().id))
    return redirect("/itineraries", 303)


@blueprint.post("/itineraries/<uuid:itinerary_id>/hold")
@signed_in
def hold(itinerary_id: UUID) -> Response:
    """Keep a seat in every week of every rotation, or none at all."""

    def keep() -> None:
        session = context.session()
        itinerary = queries.lock(session, itinerary_id, current_account().id)
        holding.hold(session, itinerary, terms=finding.terms(), now=context.now())

    return _done(itinerary_id, keep)


@blueprint.post("/itineraries/<uuid:itinerary_id>/apply")
@signed_in
def apply(itinerary_id: UUID) -> Response:
    """Hand the applications to the hosts that decide; all other seats are kept meanwhile."""

    def submit() -> None:
        session = context.session()
        itinerary = queries.lock(session, itinerary_id, current_account().id)
        made = queries.bookings(session, itinerary_id)
        given = {
            one.id: _application(one.id, one.listing_id)
            for one in made
            if deciding.waits_for_submitting(one)
        }
        deciding.submit(session, itinerary, given, context.now())

    return _done(itinerary_id, submit)


@blueprint.post("/itineraries/<uuid:itinerary_id>/pay")
@signed_in
def pay(itinerary_id: UUID) -> Response:
    """Ask for all that is due in one payment; the payment's page waits for the address."""
    session, own = context.session(), current_account().id
    queries.find(session, itinerary_id, own)
    values, errors = forms.read(
        ItineraryPayArgs(),
        {
            "whole": request.form.get("whole") == "yes",
            "without": request.form.getlist("without"),
        },
    )
    if errors:
        return _shown(itinerary_id, {}, errors)
    payment.lock_itinerary(session, itinerary_id)
    itinerary = queries.lock(session, itinerary_id, own)
    paid, errors = forms.tried(
        lambda: paying.pay(session, itinerary, terms=finding.terms(), now=context.now(), **values),
        "pay",
    )
    if errors or paid is None:
        return _shown(itinerary_id, {}, errors)
    return redirect(f"/itineraries/{itinerary_id}/payment", 303)


@blueprint.get("/itineraries/<uuid:itinerary_id>/payment")
@signed_in
def payment_page(itinerary_id: UUID) -> Response:
    """Lead to the payment page as soon as there is one; back to the itinerary once it is done."""
    itinerary, asked = _under_way(itinerary_id)
    if asked is None:
        return _to(itinerary_id)
    return page("itineraries/paying.html", itinerary=itinerary, address=address_of(asked))


@blueprint.get("/itineraries/<uuid:itinerary_id>/returned")
@signed_in
def returned(itinerary_id: UUID) -> Response:
    """Wait for the payment company's word, then show the itinerary; money is believed from it alone.

    Who left the payment page without paying is shown the itinerary at once.
    """
    itinerary, asked = _under_way(itinerary_id)
    return (
        _to(itinerary_id)
        if asked is None or "paid" not in request.args
        else page("itineraries/returned.html", itinerary=itinerary)
    )


@blueprint.post("/itineraries/<uuid:itinerary_id>/withdraw")
@signed_in
def withdraw(itinerary_id: UUID) -> Response:
    """Give up every rotation of an itinerary that is not paid; nothing is owed."""

    def give_up() -> None:
        session = context.session()
        itinerary = queries.lock(session, itinerary_id, current_account().id)
        deciding.withdraw(session, itinerary, reason="", now=context.now())

    return _done(itinerary_id, give_up)


def _under_way(itinerary_id: UUID) -> tuple[Drawn, Asked | None]:
    """An itinerary of one's own, and the payment that it waits for."""
    itinerary = queries.find(context.session(), itinerary_id, current_account().id)
    return itinerary, live_payment(itinerary.payment_id)


def _drafts() -> list[tuple[UUID, str]]:
    """The drafts that a rotation can be put into, with their names."""
    found = queries.of_trainee(context.session(), current_account().id, limit=A_PAGE, cursor=None)
    return [(one.id, one.name) for one in found.items if one.state == ItineraryState.DRAFT]


def _done(itinerary_id: UUID, action: Callable[[], None]) -> Response:
    _, errors = forms.tried(action, "itinerary")
    return _shown(itinerary_id, forms.typed(), errors) if errors else _to(itinerary_id)


def _shown(itinerary_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    itinerary = queries.find(session, itinerary_id, current_account().id)
    found = looking.look(session, itinerary, terms=finding.terms(), now=context.now())
    made = [part.booking for part in found.parts if part.item.booking_id and part.booking]
    live = [one for one in made if one.state in TIMED]
    asked = [one for one in live if deciding.waits_for_submitting(one)]
    held = itinerary.state == ItineraryState.HELD
    ready = (
        held
        and bool(live)
        and all(one.state in {BookingState.HELD, BookingState.AWAITING_PAYMENT} for one in live)
    )
    return form_page(
        "itineraries/itinerary.html",
        NOT_PROCESSABLE if errors else 200,
        itinerary=itinerary,
        look=found,
        draft=itinerary.state == ItineraryState.DRAFT,
        asked=[(one, _questions(one.listing_id)) for one in asked],
        may_pay=ready and not asked,
        may_withdraw=held,
        ended=[one for one in made if held and one.state not in TIMED],
        paying=itinerary.payment_id is not None,
        tone=tone,
        tones=TONES,
        verdicts=VERDICTS,
        typed=typed,
        errors=errors,
    )


def _questions(listing_id: UUID) -> Sequence[Question]:
    return asking.asked(applying.current_questions(context.session(), listing_id))


def _application(booking_id: UUID, listing_id: UUID) -> dict[str, Any]:
    """What the form says to one host."""
    version = applying.current_questions(context.session(), listing_id)
    asked = asking.asked(version)
    sent = {
        "message": request.form.get(f"message-{booking_id}") or None,
        "answers": answers_of(asked, f"answer-{booking_id}-"),
        "questions_version": version.number if asked and version else None,
    }
    values, errors = forms.read(SubmitArgs(), sent)
    if errors:
        raise Invalid(
            fields={f"applications.{booking_id}.{name}": texts for name, texts in errors.items()}
        )
    return values


def _as_given(itinerary: Drawn) -> dict[str, Any]:
    """A draft as the API would be told it."""
    items = queries.items(context.session(), itinerary.id)
    return {
        "name": itinerary.name,
        "arrive_on": itinerary.arrive_on.isoformat() if itinerary.arrive_on else None,
        "leave_on": itinerary.leave_on.isoformat() if itinerary.leave_on else None,
        "items": [
            {
                "listing_id": str(one.listing_id),
                "first_day": one.first_day.isoformat(),
                "weeks": one.weeks,
            }
            for one in items
        ],
    }


def _edited(given: dict[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The draft with what the form changes of it; `remove` names a rotation by its place."""
    items = []
    for place, item in enumerate(given["items"], start=1):
        if typed.get("remove") == str(place):
            continue
        weeks = typed.get(f"weeks-{place}")
        items.append(
            {
                **item,
                "first_day": typed.get(f"first_day-{place}", item["first_day"]),
                "weeks": forms.whole_number(weeks) if weeks else item["weeks"],
            }
        )
    days = {name: typed.get(name) for name in ("arrive_on", "leave_on")}
    return {"name": typed.get("name", given["name"]), **days, "items": items}


def _draft(values: Mapping[str, Any]) -> Draft:
    items = [Wanted(**item) for item in values["items"]]
    return Draft(values["name"], items, values["arrive_on"], values["leave_on"])


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _to(itinerary_id: UUID) -> Response:
    return redirect(f"/itineraries/{itinerary_id}", 303)
