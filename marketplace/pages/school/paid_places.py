"""What a school does with a place that it has paid: other weeks, another student, cancelled, rescued.

Each under the quote that was shown before; the student whose place it is or would be says yes first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking.queries import applying, changes, cohorts
from marketplace.booking.routes import finding
from marketplace.booking.schemas import CancellationQuoteArgs
from marketplace.booking.schemas.changes import SwitchRescueArgs, WeeksArgs
from marketplace.booking.schemas.places import (
    PlaceCancelArgs,
    PlaceStudentArgs,
    PlaceTransferArgs,
    PlaceWeeksArgs,
    TakeRescueArgs,
)
from marketplace.booking.service import cancellations, proposals, rescues
from marketplace.booking.service import questions as asking
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.cohorts import changing
from marketplace.booking.states import BookingState
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, school_member
from marketplace.pages import forms
from marketplace.pages.school.cohorts import PLACE, TAB, linked
from marketplace.pages.school.frame import NOT_PROCESSABLE, back, panel
from marketplace.pages.trainee.answers import answers_of
from marketplace.pages.trainee.turns import OPEN_RESCUES
from marketplace.pages.trainee.weeks import free_weeks
from marketplace.pages.view import Pages
from marketplace.web import context

blueprint = Pages("school_paid_places")


@dataclass(frozen=True)
class Spot:
    """A place of a cohort of a school, as the address names it."""

    school_id: UUID
    cohort_id: UUID
    booking_id: UUID

    @property
    def path(self) -> str:
        """The page of the place, below the school's."""
        return f"{TAB}/{self.cohort_id}/places/{self.booking_id}"

    def booking(self) -> Any:
        """The place as it is now; for one of another school or cohort there is nothing here."""
        found = finding.place(self.school_id, self.booking_id)
        if found.cohort_id != self.cohort_id:
            raise NotFound
        return found


@blueprint.get(f"{PLACE}/weeks")
@school_member(operators=False)
def ask_weeks(**ids: UUID) -> Response:
    """Show, with `first_day` and `weeks`, what other weeks would cost; nothing is changed."""
    return _weeks(Spot(**ids), dict(request.args.items()), {})


@blueprint.post(f"{PLACE}/weeks")
@school_member(operators=False)
def propose_weeks(**ids: UUID) -> Answer:
    """Propose other weeks under the quote that was shown; the student has seven days."""
    spot, typed = Spot(**ids), forms.typed()
    given = {**_wished(typed), **_committed(typed)}
    errors = _proposed(PlaceWeeksArgs(), given, spot, changing.propose_weeks, "first_day")
    return _weeks(spot, typed, errors) if errors else _back(spot, "proposed")


@blueprint.get(f"{PLACE}/transfer")
@school_member(operators=False)
def ask_transfer(**ids: UUID) -> Response:
    """Show, with `student_id`, what another student would take over; nobody is told."""
    return _transfer(Spot(**ids), dict(request.args.items()), {})


@blueprint.post(f"{PLACE}/transfer")
@school_member(operators=False)
def propose_transfer(**ids: UUID) -> Answer:
    """Offer the place to another student, who has seven days to take it."""
    spot, typed = Spot(**ids), forms.typed()
    given = {"student_id": typed.get("student_id", ""), **_committed(typed)}
    errors = _proposed(PlaceTransferArgs(), given, spot, changing.propose_transfer, "student_id")
    return _transfer(spot, typed, errors) if errors else _back(spot, "proposed")


@blueprint.post(f"{PLACE}/withdraw")
@school_member(operators=False)
def withdraw(**ids: UUID) -> Answer:
    """Take back what one has proposed."""
    spot, session = Spot(**ids), context.session()
    found = changes.open_proposal(session, spot.booking().id)
    if found is None or found.proposed_by is None:
        raise NotFound
    proposals.withdraw(session, found, actor_id=current_account().id, now=context.now())
    return _back(spot, "proposal_withdrawn")


@blueprint.get(f"{PLACE}/cancel")
@school_member(operators=False)
def ask_to_cancel(**ids: UUID) -> Response:
    """Show what cancelling would give back to the school, line by line; nothing is changed."""
    return _cancel(Spot(**ids), dict(request.args.items()), {})


@blueprint.post(f"{PLACE}/cancel")
@school_member(operators=False)
def cancel(**ids: UUID) -> Answer:
    """Cancel under the quote that was shown; the student reads the reason."""
    spot, typed = Spot(**ids), forms.typed()
    given = {"quote": typed.get("quote", ""), "reason": typed.get("reason", "")}
    values, errors = forms.read(PlaceCancelArgs(), {**given, "option": typed.get("option")})
    if not errors:
        mark, by, now = values.pop("quote"), current_account().id, context.now()
        _, errors = forms.tried(
            lambda: changing.cancel(
                context.session(), spot.booking(), mark=mark, actor_id=by, now=now, **values
            ),
            "quote",
        )
    return _cancel(spot, typed, errors) if errors else _back(spot, "cancelled")


@blueprint.get(f"{PLACE}/instead")
@school_member(operators=False)
def instead(**ids: UUID) -> Response:
    """Show what is held in place of one that its host called off, and what else there is."""
    return _rescue(Spot(**ids), {}, {})


@blueprint.post(f"{PLACE}/instead")
@school_member(operators=False)
def take(**ids: UUID) -> Answer:
    """Take what is held, once the student has agreed to it; its host may have to agree."""
    spot, typed, session = Spot(**ids), forms.typed(), context.session()
    offer, asks, version = _asks(rescues.offered(session, spot.booking().id))
    sent: dict[str, Any] = {"quote": typed.get("quote", "")}
    if offer is not None and offer.approval == "request":
        sent |= {"message": typed.get("message"), "answers": answers_of(asks)}
        sent |= {"questions_version": version.number if asks and version else None}
    values, errors = forms.read(TakeRescueArgs(), sent)
    if not errors:
        mark, by, now = values.pop("quote"), current_account().id, context.now()
        _, errors = forms.tried(
            lambda: rescues.accept(
                session, spot.booking(), mark=mark, actor_id=by, now=now, by_school=True, **values
            ),
            "quote",
        )
    return _rescue(spot, typed, errors) if errors else _back(spot, "", "/instead")


@blueprint.post(f"{PLACE}/instead/other")
@school_member(operators=False)
def other(**ids: UUID) -> Answer:
    """Have another of the listings that are named held instead; the student is asked anew."""
    spot, by = Spot(**ids), current_account().id
    values, errors = forms.read(SwitchRescueArgs(), forms.typed())
    if not errors:
        given = {"terms": finding.terms(), "now": context.now(), "by_school": by, **values}
        _, errors = forms.tried(
            lambda: rescues.switch(context.session(), spot.booking(), **given), "listing_id"
        )
    return _rescue(spot, {}, errors) if errors else _back(spot, "", "/instead")


@blueprint.post(f"{PLACE}/instead/refund")
@school_member(operators=False)
def money_back(**ids: UUID) -> Answer:
    """Take all of the money back instead."""
    spot, by, now = Spot(**ids), current_account().id, context.now()
    _, errors = forms.tried(
        lambda: rescues.refund(context.session(), spot.booking(), actor_id=by, now=now), "refund"
    )
    return _rescue(spot, {}, errors) if errors else _back(spot, "", "/instead")


def _proposed(
    schema: Any, given: Mapping[str, Any], spot: Spot, propose: Callable[..., object], field: str
) -> forms.Errors:
    values, errors = forms.read(schema, given)
    if not errors:
        by = {"actor_id": current_account().id, "terms": finding.terms(), "now": context.now()}
        mark = values.pop("quote")
        _, errors = forms.tried(
            lambda: propose(context.session(), spot.booking(), mark=mark, **by, **values), field
        )
    return errors


def _wished(typed: Mapping[str, str]) -> dict[str, Any]:
    weeks = forms.whole_number(typed.get("weeks", ""))
    return {"first_day": typed.get("first_day", ""), "weeks": weeks}


def _committed(typed: Mapping[str, str]) -> dict[str, str]:
    return {"quote": typed.get("quote", ""), "message": typed.get("message", "")}


def _weeks(spot: Spot, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    quote = None
    if typed.get("first_day"):
        values, wrong = forms.read(WeeksArgs(), _wished(typed))
        if not wrong:
            quote, wrong = _quoted(changing.quote_weeks, spot, values, "first_day")
        errors = {**wrong, **errors}
    free = free_weeks(spot.booking().listing_id, context.now())
    return _page("weeks", spot, typed, errors, quote=quote, free=free)


def _transfer(spot: Spot, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    quote = None
    if typed.get("student_id"):
        values, wrong = forms.read(PlaceStudentArgs(), {"student_id": typed["student_id"]})
        if not wrong:
            quote, wrong = _quoted(changing.quote_transfer, spot, values, "student_id")
        errors = {**wrong, **errors}
    own = cohorts.place(context.session(), spot.booking().id).student_id
    others = [one for one in linked(spot.school_id) if one.id != own]
    return _page("transfer", spot, typed, errors, quote=quote, others=others)


def _quoted(
    quote: Callable[..., Any], spot: Spot, values: Mapping[str, Any], field: str
) -> tuple[Any, forms.Errors]:
    by = {"terms": finding.terms(), "now": context.now()}
    return forms.tried(lambda: quote(context.session(), spot.booking(), **by, **values), field)


def _cancel(spot: Spot, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    values, wrong = forms.read(CancellationQuoteArgs(), {"option": typed.get("option") or None})
    quote = None
    if not wrong:
        quote, wrong = forms.tried(
            lambda: cancellations.quote(
                context.session(), spot.booking(), Wish(**values), context.now()
            ),
            "quote",
        )
    return _page("cancel", spot, typed, {**wrong, **errors}, quote=quote)


def _rescue(spot: Spot, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    found = rescues.offered(context.session(), spot.booking().id)
    offer, asks, _ = _asks(found)
    rescue = found.rescue
    return _page(
        "instead",
        spot,
        typed,
        errors,
        found=found,
        decides=offer is not None and offer.approval == "request",
        questions=asks,
        agreed=found.quote is not None and rescue.agreed_quote == found.quote.mark,
        is_open=rescue.state in OPEN_RESCUES and rescue.decide_by > context.now(),
    )


def _asks(found: Any) -> tuple[Any, Any, Any]:
    """What is held, and what its host asks of who applies, where it decides on each."""
    offer = found.offer
    if offer is None or offer.approval != "request":
        return offer, [], None
    version = applying.current_questions(context.session(), offer.listing_id)
    return offer, asking.asked(version), version


def _page(
    name: str, spot: Spot, typed: Mapping[str, str], errors: forms.Errors, **values: Any
) -> Response:
    session, booking = context.session(), spot.booking()
    known = cohorts.places(session, spot.cohort_id)
    return panel(
        f"school/place_{name}.html",
        spot.school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        spot=f"/schools/{spot.school_id}{spot.path}",
        student=next((one.student_name for one in known if one.booking.id == booking.id), None),
        proposal=changes.open_proposal(session, booking.id),
        may_change=booking.state == BookingState.CONFIRMED,
        typed=typed,
        errors=errors,
        **values,
    )


def _back(spot: Spot, done: str, to: str = "") -> Answer:
    return back(spot.school_id, f"{spot.path}{to}", done)
