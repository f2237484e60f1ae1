"""Balances by card: agreed to beforehand and charged on their day, or paid by one click.

The plan is payments'; what is owed, and whether the booking still stands, is looked at here at the
moment of the charge. Locks are taken as everywhere: the booking's money, then its row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking
from marketplace.booking.rules.by_card import CardWish
from marketplace.booking.rules.deadlines import day_begins
from marketplace.booking.rules.less import Less
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import easing, notices, payment
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.payments import queries as payments
from marketplace.payments.errors import CardInUse, PlanNotFound, WordsChanged
from marketplace.payments.events import Payable, PaymentExpired, PaymentFailed, PaymentOpened
from marketplace.payments.queries import cards as kept
from marketplace.payments.rules import declines, total
from marketplace.payments.rules.cards import (
    PAGE,
    Agreement,
    CardUse,
    MandateKind,
    Owed,
    Rest,
    balance_words,
    keep_words,
)
from marketplace.payments.service import cards, plans
from marketplace.payments.states import PlanState

# In the morning at the site: a bank that asks something asks somebody who is awake.
MORNING = timedelta(hours=9)
UNDER_WAY = {BookingState.CONFIRMED, BookingState.IN_PROGRESS}


def use_of(
    session: Session, booking: Booking, wish: CardWish, less: Less, *, whole: bool, now: datetime
) -> CardUse:
    """Return how a card is to be used by a payment; nothing is asked where nothing is wished.

    `CardNotFound` for another's card, `NotOpenForThis` where a kept card can't pay, `WordsChanged`
    unless the trainee was shown the very words.
    """
    if wish.card_id is not None:
        if BookingState(booking.state) not in UNDER_WAY:
            raise NotOpenForThis("A kept card pays what is left of a confirmed booking.")
        return CardUse(kept.own(session, wish.card_id, booking.trainee_id).id)
    if wish.keep is None:
        return PAGE
    left = _left(session, booking, less, whole=whole, now=now)
    agreement = _agreement(
        MandateKind(wish.keep), [(booking, left)], _locale(session, booking.trainee_id)
    )
    _check_words(agreement, wish.words)
    return CardUse(agreement=agreement)


def use_of_several(
    session: Session,
    wish: CardWish,
    left: Mapping[Booking, Money],
    trainee_id: UUID,
) -> CardUse:
    """Do so for a payment of several bookings, of which `left` will be left to pay later."""
    if wish.keep is None:
        return PAGE
    locale = _locale(session, trainee_id)
    agreement = _agreement(MandateKind(wish.keep), list(left.items()), locale)
    _check_words(agreement, wish.words)
    return CardUse(agreement=agreement)


def words(
    session: Session, booking: Booking, less: Less, *, whole: bool, now: datetime
) -> dict[str, str | None]:
    """Return what a trainee would agree to, by `MandateKind`; None where nothing is left to pay."""
    left = _left(session, booking, less, whole=whole, now=now)
    return words_of_several(
        session, {booking: left} if left is not None else {}, booking.trainee_id
    )


def words_of_several(
    session: Session, left: Mapping[Booking, Money], trainee_id: UUID
) -> dict[str, str | None]:
    """Do so for several bookings, by what will be left to pay of each."""
    locale = _locale(session, trainee_id)
    found = {
        kind.value: _agreement(kind, list(left.items()), locale).words
        for kind in MandateKind
        if kind is MandateKind.KEEP or left
    }
    return {kind.value: found.get(kind.value) for kind in MandateKind}


def payable_of(booking: Booking) -> Payable:
    return Payable(payment.KIND, booking.id)


def agree(
    session: Session, booking: Booking, card_id: UUID, agreed: str | None, now: datetime
) -> None:
    """Have the balance of a confirmed booking charged to a kept card on its day; or to another one.

    The caller holds the booking's money.
    """
    if BookingState(booking.state) not in UNDER_WAY:
        raise NotOpenForThis("Only what is left of a confirmed booking is charged to a card.")
    card = kept.own(session, card_id, booking.trainee_id, lock=True)
    left = _left(session, booking, easing.NOTHING, whole=False, now=now)
    locale = _locale(session, booking.trainee_id)
    agreement = _agreement(MandateKind.BALANCE, [(booking, left)], locale)
    _check_words(agreement, agreed)
    cards.agree_on_card(session, card, payable_of(booking), agreement, now)


def take_back(session: Session, booking: Booking, now: datetime) -> None:
    """End the plan of a booking whose money the caller holds; `CardInUse` while it is charged."""
    plan = kept.live_plan(session, payable_of(booking))
    if plan is None:
        raise PlanNotFound
    if plans.under_way(plan):
        raise CardInUse
    plans.stop(session, plan, "taken back by the trainee", now)


def charge(session: Session, plan_id: UUID, *, terms: Terms, now: datetime) -> None:
    """Ask for the balance by card if it is due and owed; else say in the plan why not."""
    payable = kept.plan(session, plan_id).payable
    payments.lock_payable(session, payable)
    plan = kept.plan(session, plan_id)
    if PlanState(plan.state) is not PlanState.READY or not _has_come(plan.next_try_at, now):
        return
    booking = queries.lock(session, payable.id)
    owed = booking.total - booking.paid
    if BookingState(booking.state) not in UNDER_WAY:
        plans.stop(session, plan, f"the booking is {booking.state}", now)
    elif owed.minor <= 0:
        plans.paid(session, payable, now)
    elif (later := _charge_at(booking)) is not None and later > now:
        plans.postpone(session, plan, later, "it is due later now", now)
    elif owed > plan.most:
        plans.stop(session, plan, f"{owed} is owed, and {plan.most} was agreed to", now)
        _ask_to_finish(session, booking, plan.id, terms, now)
    else:
        _charge(session, booking, plan_id, terms, now)


def failed(session: Session, event: PaymentFailed | PaymentExpired) -> None:
    """Tell the trainee why the card was not charged, and when it is tried again or by what page."""
    if event.payable.kind != payment.KIND or event.charge is None:
        return
    booking = queries.lock(session, event.payable.id)
    if BookingState(booking.state) not in UNDER_WAY or booking.paid >= booking.total:
        return
    if event.charge.try_again_at is None:
        _ask_to_finish(session, booking, event.charge.plan_id, Terms(), event.at)
        return
    notices.tell_trainee(
        session,
        booking,
        "balance_declined",
        now=event.at,
        amount=notices.money_json(event.amount),
        try_again_at=event.charge.try_again_at.isoformat(),
        **_reasons(event.charge.code),
    )


def opened(session: Session, event: PaymentOpened) -> None:
    """Mail the address of the page by which the trainee finishes what a card could not pay."""
    if event.payable.kind != payment.KIND or event.purpose != "balance":
        return
    plan = kept.plan_to_finish(session, event.payment_id)
    if plan is None:
        return
    notices.tell_trainee(
        session,
        queries.find(session, event.payable.id),
        "balance_to_finish",
        now=event.at,
        amount=notices.money_json(event.amount),
        page_url=event.url,
        until=event.until.isoformat(),
        **_reasons(plan.last_code),
    )


def _charge(session: Session, booking: Booking, plan_id: UUID, terms: Terms, now: datetime) -> None:
    plan = kept.plan(session, plan_id)
    open_one = payments.live_payment(session, plan.payable, "balance")
    if open_one is not None and open_one.expires_at > now:
        plans.postpone(session, plan, open_one.expires_at, "the trainee is paying", now)
        return
    use = CardUse(plan.card_id, off_session=True)
    payment_id = payment.pay(session, booking, terms=terms, now=now, locked=True, card=use)
    plans.asked(session, plan, payments.payment(session, payment_id), now)


def _ask_to_finish(
    session: Session, booking: Booking, plan_id: UUID, terms: Terms, now: datetime
) -> None:
    payment_id = payment.pay(session, booking, terms=terms, now=now, locked=True)
    plans.finish_by(session, plan_id, payment_id)


def _left(
    session: Session, booking: Booking, less: Less, *, whole: bool, now: datetime
) -> Money | None:
    """What will be left to pay, and is not due yet, once what is due now is paid."""
    due_on = booking.balance_due_on
    if due_on is None or day_begins(due_on, booking.time_zone) <= now:
        return None
    if BookingState(booking.state) in UNDER_WAY:
        owed = booking.total - booking.paid
        return owed if owed.minor > 0 else None
    purpose = payment.purpose_of(booking, now, whole=whole)
    if purpose == "whole":
        return None
    found = easing.lowered(session, [booking], less, purpose, now)
    line = found.lines.get(booking.id) if found else None
    lines = easing.lines_due(booking, "balance", line)
    return total(lines) if lines else None


def _locale(session: Session, trainee_id: UUID) -> str:
    contact = identity.contact(session, trainee_id)
    return contact.locale if contact else "en"


def _agreement(
    kind: MandateKind, left: Sequence[tuple[Booking, Money | None]], locale: str
) -> Agreement:
    if kind is MandateKind.KEEP:
        return Agreement(kind, keep_words(locale), locale)
    owed, rests = [], []
    for booking, most in left:
        at, due_on = _charge_at(booking), booking.balance_due_on
        if most is not None and at is not None and due_on is not None:
            owed.append(Owed(booking.listing_title, most, due_on))
            rests.append(Rest(payable_of(booking), most, at))
    if not rests:
        raise NotOpenForThis("Nothing is left to be charged on a later day.")
    return Agreement(kind, balance_words(locale, owed), locale, tuple(rests))


def _check_words(agreement: Agreement, agreed: str | None) -> None:
    if agreed != agreement.words:
        raise WordsChanged(
            fields={"agreed_words": ["Show the words, and send them as they are."]},
            extra={"words": agreement.words},
        )


def _charge_at(booking: Booking) -> datetime | None:
    if booking.balance_due_on is None:
        return None
    return day_begins(booking.balance_due_on, booking.time_zone) + MORNING


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _reasons(code: str | None) -> Mapping[str, Any]:
    """The reason in the languages that notices are written in."""
    return {"reasons": {locale: declines.words(code, locale) for locale in declines.WORDS}}
