"""Cohorts: places that a school keeps for its students, handed to the host, invoiced, given up."""

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as bookings
from marketplace.booking.queries import applying, changes
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.routes import finding
from marketplace.booking.rules.cohorts import MOST_STUDENTS
from marketplace.booking.schemas.cohorts import (
    CohortArgs,
    CohortInvoiceArgs,
    CohortReasonArgs,
    CohortSubmitArgs,
)
from marketplace.booking.schemas.places import PlaceGiveUpArgs, PlaceStudentArgs
from marketplace.booking.service import questions as asking
from marketplace.booking.service.cohorts import holding, paying, unpaid
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.catalog import queries as catalog
from marketplace.core.errors import DomainError
from marketplace.core.settings import Settings
from marketplace.identity.access import caller, current_account, school_member, signed_in
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, back, panel
from marketplace.pages.school.words import ANSWERS, COHORT_STATES
from marketplace.pages.trainee.answers import answers_of
from marketplace.pages.view import Pages
from marketplace.payments.queries import invoices
from marketplace.web import context

TAB = "/cohorts"
OF_SCHOOL = "/schools/<uuid:school_id>/cohorts"
ONE = f"{OF_SCHOOL}/<uuid:cohort_id>"
PLACE = f"{ONE}/places/<uuid:booking_id>"
LISTING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

WISHES = ("listing_id", "first_day", "weeks")

blueprint = Pages("school_cohorts")


class Cohort(Protocol):
    """What the pages read of a cohort, beside what the templates show."""

    @property
    def id(self) -> UUID: ...
    @property
    def school_id(self) -> UUID: ...
    @property
    def listing_id(self) -> UUID: ...
    @property
    def invoice_id(self) -> UUID | None: ...
    @property
    def state(self) -> str: ...


@blueprint.get(OF_SCHOOL)
@school_member(operators=False)
def list_cohorts(school_id: UUID) -> Response:
    """List the school's cohorts, the newest first."""
    session = context.session()
    found = queries.page(session, school_id, **asked_for())
    return panel(
        "school/cohorts.html",
        school_id,
        TAB,
        found=found,
        rotations=queries.rotations(session, [one.id for one in found.items]),
        states=COHORT_STATES,
    )


@blueprint.get("/schools/book")
@signed_in
def book() -> Answer:
    """Lead from a rotation's page to the form of one's school; whoever has several chooses first."""
    own = caller().school_ids
    if len(own) != 1:
        return redirect("/schools", 303)
    query = urlencode({name: request.args.get(name, "") for name in WISHES})
    return redirect(f"/schools/{next(iter(own))}/cohorts/new?{query}", 303)


@blueprint.get(f"{OF_SCHOOL}/new")
@school_member(operators=False)
def ask(school_id: UUID) -> Response:
    """Ask for whom, where and when; a listing's address may have said so already."""
    return _form(school_id, {name: request.args.get(name, "") for name in WISHES})


@blueprint.post(OF_SCHOOL)
@school_member(operators=False)
def hold(school_id: UUID) -> Answer:
    """Keep a place for each student, or none at all; each is asked whether they want it."""
    typed = forms.typed()
    named = LISTING.search(typed.get("listing_id", ""))
    given = {
        **{name: typed.get(name, "") for name in ("name", "first_day")},
        "listing_id": named[0] if named else typed.get("listing_id", ""),
        "weeks": forms.whole_number(typed.get("weeks", "")),
        "student_ids": request.form.getlist("student_ids"),
    }
    values, errors = forms.read(CohortArgs(), given)
    if errors:
        said = {
            "listing_id": "Expected the address of a rotation.",
            "student_ids": "Tick at least one.",
        }
        errors = {name: [said[name]] if name in said else errors[name] for name in errors}
    items: list[dict[str, str]] = []
    made = None
    if not errors:
        wanted = holding.Wanted(school_id=school_id, **values)
        try:
            made = holding.hold(context.session(), wanted, terms=finding.terms(), **_by())
        except forms.REFUSALS as error:
            refused = _shown_again(error)
            errors = forms.wrong(refused, "student_ids")
            items = refused.extra.get("items", [])
    if errors or made is None:
        return _form(school_id, typed, errors, items)
    return back(school_id, f"{TAB}/{made.id}", "kept")


@blueprint.get(ONE)
@school_member(operators=False)
def show(school_id: UUID, cohort_id: UUID) -> Response:
    """Show a cohort with its places, and what can be done now."""
    return _shown(school_id, cohort_id)


@blueprint.post(f"{ONE}/submit")
@school_member(operators=False)
def submit(school_id: UUID, cohort_id: UUID) -> Answer:
    """Hand the applications to a host that decides on each trainee, once all have answered."""
    session, typed = context.session(), forms.typed()
    found = queries.find(session, cohort_id, school_id)
    version = applying.current_questions(session, found.listing_id)
    asked = asking.asked(version)
    sent = {
        "message": typed.get("message"),
        "answers": answers_of(asked),
        "questions_version": version.number if asked and version else None,
    }
    values, errors = forms.read(CohortSubmitArgs(), sent)
    if errors:
        return _shown(school_id, cohort_id, typed, errors)

    def hand_in() -> None:
        paying.submit(session, _locked(school_id, cohort_id), values, **_by())

    return _done(school_id, cohort_id, hand_in, "message", "submitted")


@blueprint.post(f"{ONE}/invoice")
@school_member(operators=False)
def invoice(school_id: UUID, cohort_id: UUID) -> Answer:
    """Ask for the invoice of all places; who has not answered is given up where that is ticked."""
    values, errors = forms.read(CohortInvoiceArgs(), {"without": request.form.getlist("without")})
    if errors:
        return _shown(school_id, cohort_id, {}, errors)

    def make_out() -> None:
        paying.invoice(
            context.session(),
            _locked(school_id, cohort_id),
            legal_entity=context.parts().get(Settings).legal_entity,
            **_by(),
            **values,
        )

    return _done(school_id, cohort_id, make_out, "without", "invoiced")


@blueprint.post(f"{ONE}/give-up")
@school_member(operators=False)
def give_up(school_id: UUID, cohort_id: UUID) -> Answer:
    """Give up every place that is not paid; an open invoice is void."""
    typed = forms.typed()
    values, errors = forms.read(CohortReasonArgs(), typed)
    if errors:
        return _shown(school_id, cohort_id, typed, errors)

    def end() -> None:
        paying.give_up(context.session(), _locked(school_id, cohort_id), **_by(), **values)

    return _done(school_id, cohort_id, end, "reason", "given_up")


@blueprint.get(PLACE)
@school_member(operators=False)
def show_place(school_id: UUID, cohort_id: UUID, booking_id: UUID) -> Response:
    """Show one place, and while it is not paid the forms that give it up or hand it on."""
    return _place(school_id, cohort_id, booking_id)


@blueprint.post(f"{PLACE}/give-up")
@school_member(operators=False)
def give_up_place(school_id: UUID, cohort_id: UUID, booking_id: UUID) -> Answer:
    """Give up one place that is not paid; the student reads why."""
    typed = forms.typed()
    values, errors = forms.read(PlaceGiveUpArgs(), typed)
    if not errors:

        def end() -> None:
            cohort, booking = _locked_place(school_id, cohort_id, booking_id)
            unpaid.give_up(context.session(), cohort, booking, **_by(), **values)

        _, errors = forms.tried(end, "reason")
    if errors:
        return _place(school_id, cohort_id, booking_id, typed, errors)
    return back(school_id, f"{TAB}/{cohort_id}", "given_up")


@blueprint.post(f"{PLACE}/hand-on")
@school_member(operators=False)
def hand_on(school_id: UUID, cohort_id: UUID, booking_id: UUID) -> Answer:
    """Keep a place that is not paid for another student, who is asked as the first was."""
    typed = forms.typed()
    values, errors = forms.read(PlaceStudentArgs(), {"student_id": typed.get("student_id", "")})
    if not errors:

        def pass_on() -> None:
            cohort, booking = _locked_place(school_id, cohort_id, booking_id)
            unpaid.hand_on(
                context.session(), cohort, booking, terms=finding.terms(), **_by(), **values
            )

        _, errors = forms.tried(pass_on, "student_id")
    if errors:
        return _place(school_id, cohort_id, booking_id, typed, errors)
    return back(school_id, f"{TAB}/{cohort_id}", "handed_on")


def _by() -> dict[str, Any]:
    return {"actor_id": current_account().id, "now": context.now()}


def _shown_again(error: Any) -> DomainError:
    refused = forms.meant(error)
    if refused.status not in forms.SHOWN_AGAIN:
        raise refused
    return refused


def _locked(school_id: UUID, cohort_id: UUID) -> Any:
    """The school's cohort with its money and its row ours until the transaction ends."""
    session = context.session()
    queries.find(session, cohort_id, school_id)
    paying.lock_money(session, cohort_id)
    return queries.lock(session, cohort_id)


def _locked_place(school_id: UUID, cohort_id: UUID, booking_id: UUID) -> tuple[Any, Any]:
    """A place of this cohort: the money, the cohort's row and the booking's ours, in order."""
    finding.place(school_id, booking_id)
    cohort = _locked(school_id, cohort_id)
    return cohort, bookings.lock(context.session(), booking_id)


def _done(
    school_id: UUID, cohort_id: UUID, act: Callable[[], None], field: str, done: str
) -> Answer:
    _, errors = forms.tried(act, field)
    if errors:
        return _shown(school_id, cohort_id, forms.typed(), errors)
    return back(school_id, f"{TAB}/{cohort_id}", done)


def _shown(
    school_id: UUID,
    cohort_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session = context.session()
    cohort = queries.find(session, cohort_id, school_id)
    places = queries.places(session, cohort_id)
    live = [one for one in places if one.booking.state in TIMED]
    applies = _applies(live)
    open_now = cohort.state == "held"
    version = applying.current_questions(session, cohort.listing_id) if applies else None
    return panel(
        "school/cohort.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        cohort=cohort,
        places=places,
        live=live,
        silent=[one for one in live if one.place.answer == "waiting"],
        applies=open_now and applies,
        questions=asking.asked(version),
        payable=open_now and bool(live) and not applies,
        ends=cohort.state in {"held", "invoiced"},
        invoice=_invoice(cohort),
        states=COHORT_STATES,
        answers=ANSWERS,
        typed=typed or {},
        errors=errors or {},
    )


def _applies(live: list[Any]) -> bool:
    """Whether applications are still to be handed to the host."""
    return any(
        one.booking.state == BookingState.HELD and one.booking.approval == "request" for one in live
    )


def _invoice(cohort: Cohort) -> Any:
    return invoices.find(context.session(), cohort.invoice_id) if cohort.invoice_id else None


def _place(
    school_id: UUID,
    cohort_id: UUID,
    booking_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session = context.session()
    booking = finding.place(school_id, booking_id)
    cohort = queries.find(session, cohort_id, school_id)
    known = {one.booking.id: one for one in queries.places(session, cohort_id)}
    open_now = cohort.state in {"held", "invoiced"} and booking.state in TIMED
    taken = {one.place.student_id for one in known.values() if one.booking.state in TIMED}
    return panel(
        "school/place.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        cohort=cohort,
        booking=booking,
        place=known.get(booking_id),
        paid=BookingState(booking.state) in CANCELLABLE,
        rescued=changes.rescue(session, booking_id) is not None,
        answers=ANSWERS,
        open_now=open_now,
        others=[one for one in linked(school_id) if one.id not in taken] if open_now else [],
        history=bookings.history(session, booking_id),
        typed=typed or {},
        errors=errors or {},
    )


def _form(
    school_id: UUID,
    typed: dict[str, str],
    errors: forms.Errors | None = None,
    items: list[dict[str, str]] | None = None,
) -> Response:
    students = linked(school_id)
    names = {str(one.id): one.name or one.email for one in students}
    return panel(
        "school/new_cohort.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        linked=students,
        chosen=request.form.getlist("student_ids"),
        rotation=_named(typed.get("listing_id", "")),
        items=[(names.get(one["student_id"], "–"), one["detail"]) for one in items or []],
        typed=typed,
        errors=errors or {},
    )


def _named(text: str) -> Any:
    """The rotation whose address or id was given; None where none can be booked: it may be a draft."""
    named = LISTING.search(text)
    keys = [UUID(named[0])] if named else []
    return catalog.listings_for_booking(context.session(), keys).get(keys[0]) if keys else None


def linked(school_id: UUID) -> list[Any]:
    """Return the students who are linked now, as many as a cohort can have."""
    found = schools.students(
        context.session(), school_id, states=["linked"], limit=MOST_STUDENTS, cursor=None
    )
    return sorted(found.items, key=lambda one: one.name or one.email)
