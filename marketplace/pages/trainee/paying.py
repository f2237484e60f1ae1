"""Paying for a rotation: at once, or with a code, credit or a kept card; and the way back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.routes import finding
from marketplace.booking.rules.less import Less
from marketplace.booking.schemas.balances import BalancePlanArgs
from marketplace.booking.schemas.paying import PayArgs
from marketplace.booking.service import balances, payment
from marketplace.booking.states import BookingState
from marketplace.core.money import Money
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.queries import cards, credit_notes
from marketplace.payments.rules import declines
from marketplace.payments.states import LIVE, PaymentState
from marketplace.web import context

NOT_PROCESSABLE = 422
UNDER_WAY = frozenset({BookingState.CONFIRMED, BookingState.IN_PROGRESS})

blueprint = Pages("paying_pages")


class Asked(Protocol):
    """What the pages read of a payment."""

    @property
    def state(self) -> str: ...
    @property
    def checkout_url(self) -> str | None: ...
    @property
    def amount(self) -> Money: ...
    @property
    def last_decline(self) -> str | None: ...
    @property
    def decline_code(self) -> str | None: ...


@dataclass(frozen=True)
class Moved:
    """What a trainee paid for a rotation, with its receipt, and what of it came back, with the notes."""

    paid: payments.PaidFor
    receipt: bool
    notes: Mapping[UUID, UUID]


@blueprint.get("/rotations/<uuid:booking_id>/pay")
@signed_in
def ask(booking_id: UUID) -> Response:
    """Show what would be paid now, with a code and with credit, and by which card; nothing is changed."""
    return _shown(booking_id, _typed(request.args), {})


@blueprint.post("/rotations/<uuid:booking_id>/pay")
@signed_in
def pay(booking_id: UUID) -> Response:
    """Ask for what is due, with a code and credit as typed; or show first what that would be.

    The payment's page waits for the address to pay at.
    """
    typed = _typed(request.form)
    if "show" in typed:
        return redirect(_look_at(booking_id, typed), 303)
    booking = finding.own_to_pay(booking_id)
    values, errors = _read(booking.total.currency, typed)

    def begin() -> UUID:
        session, now = context.session(), context.now()
        whole, less = values["whole"], values["less"]
        card = balances.use_of(session, booking, values["wish"], less, whole=whole, now=now)
        return payment.pay(
            session,
            booking,
            whole=whole,
            less=less,
            card=card,
            terms=finding.terms(),
            now=now,
            locked=True,
        )

    paid = None
    if not errors:
        paid, errors = forms.tried(begin, "pay")
    if errors or paid is None:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/payment", 303)


@blueprint.get("/rotations/<uuid:booking_id>/payment")
@signed_in
def paying(booking_id: UUID) -> Response:
    """Lead to the payment page as soon as there is one; back to the rotation once it is done."""
    booking = finding.own(booking_id)
    asked = waited_for(booking)
    if asked is None:
        return redirect(f"/rotations/{booking.id}", 303)
    return page("rotations/paying.html", booking=booking, address=address_of(asked))


@blueprint.get("/rotations/<uuid:booking_id>/returned")
@signed_in
def returned(booking_id: UUID) -> Response:
    """Wait for the payment company's word, then show the rotation; money is believed from it alone.

    Who left the payment page without paying is shown the rotation at once.
    """
    booking = finding.own(booking_id)
    if "paid" not in request.args or waited_for(booking) is None:
        return redirect(f"/rotations/{booking.id}", 303)
    return page("rotations/returned.html", booking=booking)


@blueprint.post("/rotations/<uuid:booking_id>/balance-plan")
@signed_in
def agree(booking_id: UUID) -> Response:
    """Have the balance charged to a kept card on its day, under the words that were shown."""
    booking = finding.own_to_pay(booking_id)
    typed = forms.typed()
    names = ("card_id", "agreed_words")
    given: dict[str, Any] = {name: typed[name] for name in names if name in typed}
    values, errors = forms.read(BalancePlanArgs(), given)
    if not errors:
        card_id, agreed = values["card_id"], values["agreed_words"]
        session, now = context.session(), context.now()
        _, errors = forms.tried(
            lambda: balances.agree(session, booking, card_id, agreed, now), "card_id"
        )
    if errors:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/pay", 303)


@blueprint.post("/rotations/<uuid:booking_id>/balance-plan/take-back")
@signed_in
def take_back(booking_id: UUID) -> Response:
    """Take back that the balance is charged; it is then paid by hand by its day."""
    balances.take_back(context.session(), finding.own_to_pay(booking_id), context.now())
    return redirect(f"/rotations/{booking_id}/pay", 303)


def address_of(asked: Asked) -> str | None:
    """Where to pay; the page goes there, since browsers let no form of ours lead to another host."""
    return asked.checkout_url if asked.state == PaymentState.OPEN else None


class Owed(Protocol):
    """What is read of a booking to find its payment."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def payment_id(self) -> UUID | None: ...


def asked_for(booking: Owed) -> Asked | None:
    """The payment that a rotation waits for, or waited for last; the balance's once it is confirmed."""
    if BookingState(booking.state) in UNDER_WAY:
        owed = Payable(payment.KIND, booking.id)
        return payments.live_payment(context.session(), owed, "balance")
    return payment_of(booking.payment_id)


def waited_for(booking: Owed) -> Asked | None:
    """That payment while money may still come of it."""
    asked = asked_for(booking)
    return asked if asked is not None and asked.state in LIVE else None


def why_declined(asked: Asked | None, language: str) -> str | None:
    """Why the last try was declined, in words that its reader understands."""
    if asked is None or asked.decline_code is None:
        return asked.last_decline if asked else None
    return declines.words(asked.decline_code, language)


def moved(booking_id: UUID) -> Sequence[Moved]:
    """What the reader paid for a rotation and got back, oldest first."""
    session, own = context.session(), current_account().id
    paid = [
        one
        for one in payments.money_of(session, payment.KIND, [booking_id])[booking_id]
        if one.settled_at is not None and one.payer_id == own
    ]
    return sorted(
        (_moved(one) for one in paid), key=lambda one: one.paid.settled_at or one.paid.requested_at
    )


def paid_by_others(booking_id: UUID) -> bool:
    """Whether somebody else paid for the reader's rotation, who handed it on: it goes back to them."""
    session, own = context.session(), current_account().id
    paid = payments.money_of(session, payment.KIND, [booking_id])[booking_id]
    return any(one.settled_at is not None and one.payer_id != own for one in paid)


def _moved(paid: payments.PaidFor) -> Moved:
    session = context.session()
    receipt = payments.receipt(session, paid.id)
    found = credit_notes.of_payment(session, paid.id) if paid.refunds else ()
    notes = {one.refund_id: one.id for one in found if one.refund_id and one.stored_at}
    return Moved(paid, receipt is not None and receipt.stored_at is not None, notes)


def payment_of(payment_id: UUID | None) -> Asked | None:
    """The payment that a booking waits for, or waited for last."""
    return None if payment_id is None else payments.payment(context.session(), payment_id)


def live_payment(payment_id: UUID | None) -> Asked | None:
    """That payment while money may still come of it."""
    asked = payment_of(payment_id)
    return asked if asked is not None and asked.state in LIVE else None


def _look_at(booking_id: UUID, typed: Mapping[str, str]) -> str:
    """Where what was typed is shown with its price: all of it, where that is asked for."""
    kept = {name: typed[name] for name in ("code", "credit", "card", "whole") if name in typed}
    if typed["show"] == "whole":
        kept["whole"] = "yes"
    return f"/rotations/{booking_id}/pay?{urlencode(kept)}"


def _typed(given: Mapping[str, str]) -> dict[str, str]:
    return {name: text.strip() for name, text in given.items() if text.strip()}


def _read(currency: str, typed: Mapping[str, str]) -> tuple[dict[str, Any], forms.Errors]:
    """What the form says, as the API would be told; `card` is a kept card, `keep` or `balance`."""
    given: dict[str, Any] = {"whole": typed.get("whole") == "yes", "code": typed.get("code")}
    card = typed.get("card", "")
    if card in {"keep", "balance"}:
        given |= {"keep_card": card, "agreed_words": typed.get(f"words_{card}")}
    elif card:
        given["card_id"] = card
    try:
        given["credit"] = _amount(typed.get("credit"), currency)
    except ValueError:
        return {}, {"credit": ["Expected an amount, such as 150.00."]}
    return forms.read(PayArgs(), given)


def _amount(text: str | None, currency: str) -> dict[str, Any] | None:
    if not text:
        return None
    money = Money.parse(text.replace(",", "").lstrip("$"), currency)
    return {"amount": money.minor, "currency": money.currency}


def _shown(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, now = context.session(), context.now()
    booking = finding.own(booking_id)
    values, wrong = _read(booking.total.currency, {**typed, "card": ""})
    found = {**wrong, **errors}
    less = Less() if wrong else values["less"]
    whole = typed.get("whole") == "yes"
    look, refused = forms.tried(
        lambda: payment.look(session, booking, whole=whole, less=less, now=now), "code"
    )
    if look is None:
        # The price as it is without what was refused; what remains is no fault of the form.
        booking, less = finding.own(booking_id), Less()
        found = {**refused, **found}
        look = payment.look(session, booking, whole=whole, less=less, now=now)
    plan = cards.live_plan(session, balances.payable_of(booking))
    return form_page(
        "rotations/pay.html",
        NOT_PROCESSABLE if found else 200,
        booking=booking,
        look=look,
        whole=whole,
        under_way=BookingState(booking.state) in UNDER_WAY,
        words=balances.words(session, booking, less, whole=whole, now=now),
        cards=cards.of_account(session, booking.trainee_id),
        plan=plan,
        plan_card=cards.card(session, plan.card_id) if plan and plan.card_id else None,
        typed=typed,
        errors=found,
    )
