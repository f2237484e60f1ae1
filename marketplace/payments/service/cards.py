"""Cards that are kept: agreed to, come with a payment, removed, replaced, changed at the bank.

What is kept is a name at the processor and what is printed on the card; the number never comes
here. A card is kept only where its holder has agreed to words that are kept too.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.payments import queries
from marketplace.payments.errors import CardInUse
from marketplace.payments.events import Payable
from marketplace.payments.gateway import KeptCard
from marketplace.payments.models import CardMandate, Payment, SavedCard
from marketplace.payments.queries import cards as found
from marketplace.payments.rules.cards import Agreement, MandateKind
from marketplace.payments.service import plans, steps

REMOVED = "removed by its holder"
REPLACED = "the same card was kept again"
DETACHED = "the processor keeps it no longer"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The call by which the processor forgets a card."""

    method: str


def agree_on_page(session: Session, payment: Payment, agreement: Agreement, now: datetime) -> None:
    """Write down what the payer agreed to before the page of a new payment opens."""
    mandate = _mandate(payment.payer_id, payment.payable, agreement, now)
    mandate.payment_id = payment.id
    session.add(mandate)
    session.flush()
    for rest in agreement.rests:
        plans.begin(session, mandate, rest, None, now)


def agree_on_card(
    session: Session,
    card: SavedCard,
    payable: Payable,
    agreement: Agreement,
    now: datetime,
) -> None:
    """Write down that the rest of its price may be charged to a kept card; ends a plan before it.

    The caller holds the payable's lock and the card's row.
    """
    mandate = _mandate(card.account_id, payable, agreement, now)
    mandate.card_id = card.id
    session.add(mandate)
    session.flush()
    for rest in agreement.rests:
        plans.begin(session, mandate, rest, card.id, now)


def keep(session: Session, payment: Payment, seen: KeptCard | None, now: datetime) -> None:
    """Take in the card that a settled payment has left with the processor, if it was agreed to."""
    if seen is None:
        return
    mandate = found.mandate_of(session, payment.id)
    if mandate is None:
        return
    card = found.by_processor(session, seen.method)
    if card is None:
        card = _new(session, payment.payer_id, seen, now)
    if mandate.kind == MandateKind.BALANCE:
        plans.card_came(session, mandate, card.id, now)


def remove(session: Session, card_id: UUID, *, account_id: UUID, now: datetime) -> None:
    """Keep a card no longer: plans that charge it end, and a job has the processor forget it.

    `CardNotFound` unless it is the account's; `CardInUse` while it is being charged.
    """
    found.own(session, card_id, account_id)
    for plan in found.plans_on(session, card_id):
        queries.lock_payable(session, plan.payable)
    card = found.own(session, card_id, account_id, lock=True)
    charging = found.under_way(session, card_id)
    if charging is not None:
        raise CardInUse(extra={"payment_id": str(charging)})
    _let_go(session, card, REMOVED, now)


def changed(session: Session, method: str, seen: KeptCard | None, *, now: datetime) -> str:
    """Take in what the processor tells of a card: a new date, or that it is gone."""
    known = found.by_processor(session, method)
    if known is None or known.removed_at is not None:
        return "no card of ours"
    if seen is not None:
        known.brand, known.last4 = seen.brand, seen.last4
        known.exp_month, known.exp_year = seen.exp_month, seen.exp_year
        session.flush()
        return "as it stands"
    for plan in found.plans_on(session, known.id):
        queries.lock_payable(session, plan.payable)
    _let_go(session, known, DETACHED, now)
    return "gone"


def to_forget(session: Session, card_id: UUID) -> Forgetting | None:
    """Return the call that is to be made for a removed card."""
    card = found.card(session, card_id)
    return Forgetting(card.processor_method) if card.removed_at is not None else None


def _new(session: Session, account_id: UUID, seen: KeptCard, now: datetime) -> SavedCard:
    before = found.same_card(session, account_id, seen.fingerprint) if seen.fingerprint else ()
    card = SavedCard(
        id=new_id(),
        account_id=account_id,
        processor_customer=seen.customer,
        processor_method=seen.method,
        fingerprint=seen.fingerprint,
        brand=seen.brand,
        last4=seen.last4,
        exp_month=seen.exp_month,
        exp_year=seen.exp_year,
        kept_at=now,
    )
    session.add(card)
    session.flush()
    for old in before:
        # What is being charged to it now goes on; the rest is charged to the same card kept anew.
        if found.under_way(session, old.id) is None:
            plans.move_to(session, old.id, card.id, now)
            _let_go(session, old, REPLACED, now)
    return card


def _let_go(session: Session, card: SavedCard, why: str, now: datetime) -> None:
    card.removed_at, card.removed_why = now, why
    session.flush()
    for plan in found.plans_on(session, card.id):
        plans.stop(session, plan, f"the card was let go: {why}", now)
    defer(session, steps.FORGET_CARD, card_id=str(card.id))


def _mandate(
    account_id: UUID, payable: Payable, agreement: Agreement, now: datetime
) -> CardMandate:
    return CardMandate(
        id=new_id(),
        account_id=account_id,
        kind=agreement.kind,
        payable_kind=payable.kind,
        payable_id=payable.id,
        words=agreement.words,
        locale=agreement.locale,
        agreed_at=now,
    )
