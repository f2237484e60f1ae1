"""The inbox: an event is verified, stored once, answered, and handled by a job.

An event is a hint where to look, never the truth: the job asks the processor how the object stands
and takes that in. What the event itself claims about amount, currency, mode and account must still
fit, else it is set aside.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.payments import queries
from marketplace.payments.gateway import CheckoutSession, ProcessorEvent, ProcessorRefund
from marketplace.payments.models import HostAccount, Payment, WebhookEvent
from marketplace.payments.queries import hosts, writing
from marketplace.payments.service import arrivals, refunds, steps
from marketplace.payments.service.checkout import PAGES_LIVE_FOR
from marketplace.payments.service.hosts import accounts
from marketplace.payments.service.quarantine import put_aside
from marketplace.payments.states import Arrival, EventState

CHECKOUT = "checkout.session."
TRANSFER = "transfer."
PAYOUT = "payout."
INTENT = "payment_intent."
CARD = "payment_method."
CHARGE = (
    "charge.succeeded",
    "charge.updated",
    "charge.failed",
    "charge.pending",
    "charge.captured",
)
REFUND = ("refund.", "charge.refund.")
# How long an event may wait that is about an account, or a payment, that we don't know while one
# is being made.
BEING_MADE = timedelta(minutes=10)
EVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something else to ask about: its kind, and what names it there."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Look:
    """What to ask the processor about: a payment's page (`session_id` if known), a refund, …

    `since`: from when on to look for a page whose id is not known.
    """

    payment_id: UUID | None = None
    session_id: str | None = None
    since: datetime = EVER
    refund_id: UUID | None = None
    processor_refund: str | None = None
    subject: Subject | None = None


_LookOf = Callable[[Session, WebhookEvent, Mapping[str, Any], datetime], Look | None]


def receive(session: Session, event: ProcessorEvent, *, now: datetime) -> bool:
    """Store the event and ask for its job, in one statement; False, and nothing done, if it is here."""
    row = {
        "id": new_id(),
        "processor_event": event.id,
        "kind": event.kind,
        "live": event.live,
        "account": event.account,
        "api_version": event.api_version,
        "happened_at": event.at,
        "received_at": now,
        "payload": json.dumps(dict(event.payload)),
        "state": EventState.RECEIVED.value,
    }
    return writing.received(session, row, steps.PROCESS_EVENT)


def begin(session: Session, event_id: UUID, *, live: bool, now: datetime) -> Look | None:
    """Return where to look for this event; None if it is handled, which it may be from here on."""
    row = _lock(session, event_id)
    if row.state != EventState.RECEIVED:
        return None
    row.attempts += 1
    session.flush()
    host = hosts.host_account_by_processor(session, row.account) if row.account else None
    foreign = row.account is not None and host is None
    if foreign and now - row.received_at < BEING_MADE and hosts.account_being_made(session):
        # Told of an account before whoever makes it has written down its name: looked at again.
        return None
    if row.live != live or foreign:
        _quarantine(session, row, "account" if row.live == live else "mode", {}, now)
        return None
    data = row.payload["data"]["object"]
    if host is not None:
        return _host_of(session, row, data, host, now)
    for kinds, look_of in LOOKS:
        if row.kind.startswith(kinds):
            return look_of(session, row, data, now)
    _finish(session, row, EventState.IGNORED, "not of a kind that changes anything", now)
    return None


def finish_payment(
    session: Session,
    event_id: UUID,
    payment_id: UUID,
    seen: CheckoutSession | None,
    *,
    live: bool,
    now: datetime,
) -> Arrival:
    """Take in what was seen, and mark the event handled, in one transaction."""
    row = _lock(session, event_id)
    if row.state != EventState.RECEIVED:
        return Arrival.DUPLICATE
    if seen is None:
        details = {"payment": str(payment_id)}
        _quarantine(session, row, "unknown_at_processor", details, now, payment_id=payment_id)
        return Arrival.INVALID
    outcome = arrivals.arrive(
        session, payment_id, seen, live=live, now=now, told_by=row.kind, event_id=row.id
    )
    _finish(session, row, _state_after(outcome), outcome.value, now)
    return outcome


def finish_refund(
    session: Session,
    event_id: UUID,
    refund_id: UUID,
    seen: ProcessorRefund | None,
    *,
    now: datetime,
) -> Arrival:
    """Do the same for a refund."""
    row = _lock(session, event_id)
    if row.state != EventState.RECEIVED:
        return Arrival.DUPLICATE
    if seen is None:
        _quarantine(session, row, "unknown_at_processor", {"refund": str(refund_id)}, now)
        return Arrival.INVALID
    outcome = refunds.take_refund(session, refund_id, seen, now=now, event_id=row.id)
    _finish(session, row, _state_after(outcome), outcome.value, now)
    return outcome


def finish_subject(session: Session, event_id: UUID, outcome: str, *, now: datetime) -> None:
    """Mark an event handled whose subject was looked at; looking twice is harmless."""
    row = _lock(session, event_id)
    if row.state == EventState.RECEIVED:
        _finish(session, row, EventState.PROCESSED, outcome, now)


def _host_of(
    session: Session, row: WebhookEvent, data: Mapping[str, Any], host: HostAccount, now: datetime
) -> Look | None:
    """What happens in a host's own account: only how it stands, and its payouts, are ours."""
    if row.kind == "account.updated":
        return Look(subject=Subject("account", str(host.site_id)))
    if row.kind.startswith(PAYOUT):
        outcome = accounts.note_payout(session, host, row.kind, data, row.happened_at)
        _finish(session, row, EventState.PROCESSED, outcome, now)
        return None
    _finish(session, row, EventState.IGNORED, "about a host's own account", now)
    return None


def _dispute_of(
    session: Session, row: WebhookEvent, data: Mapping[str, Any], now: datetime
) -> Look | None:
    intent = data.get("payment_intent")
    paid = (
        queries.payment_by_processor(session, intent_id=intent) if isinstance(intent, str) else None
    )
    if paid is None and now - row.received_at < BEING_MADE and queries.intent_to_come(session):
        # Told of a dispute before the payment that it is about: looked at again once it is known.
        return None
    if paid is None:
        _finish(session, row, EventState.IGNORED, "of no payment of ours", now)
        return None
    return Look(subject=Subject("dispute", _text(data.get("id"))))


def _card_of(
    _session: Session, _row: WebhookEvent, data: Mapping[str, Any], _now: datetime
) -> Look | None:
    return Look(subject=Subject("card", _text(data.get("id"))))


def _transfer_of(
    session: Session, row: WebhookEvent, data: Mapping[str, Any], now: datetime
) -> Look | None:
    named = _uuid(_metadata(data, "transfer_id"))
    if named is None or not hosts.transfer_exists(session, named):
        # Made by hand at the processor: the books don't know why, so a person has to say.
        details = {"amount": str(data.get("amount")), "to": str(data.get("destination"))}
        _quarantine(session, row, "transfer_not_ours", details, now)
        return None
    return Look(subject=Subject("transfer", str(named)))


def _payment_of(
    session: Session, row: WebhookEvent, data: Mapping[str, Any], now: datetime
) -> Look | None:
    named = _uuid(data.get("client_reference_id")) or _uuid(_metadata(data, "payment_id"))
    found = _find_payment(session, row.kind, data, named)
    if found is None:
        if named is not None:
            _quarantine(session, row, "payment_unknown", {"payment": str(named)}, now)
        else:
            _finish(session, row, EventState.IGNORED, "about no payment of ours", now)
        return None
    fault = _claim_misfit(row.kind, data, found)
    if fault is not None:
        name, claimed = fault
        details = {"expected": str(found.amount), "claimed": claimed}
        _quarantine(session, row, name, details, now, payment_id=found.id)
        return None
    own_page = data.get("id") if row.kind.startswith(CHECKOUT) else None
    if found.card_id is not None:
        # A charge of a kept card has no page: its intent is what it is known by.
        own_page = data.get("id") if row.kind.startswith(INTENT) else data.get("payment_intent")
    return Look(
        payment_id=found.id,
        session_id=own_page or found.processor_session,
        since=found.created_at - PAGES_LIVE_FOR,
    )


def _find_payment(
    session: Session, kind: str, data: Mapping[str, Any], named: UUID | None
) -> Payment | None:
    if named is not None:
        return session.get(Payment, named)
    if kind.startswith(CHECKOUT):
        return queries.payment_by_processor(session, session_id=_text(data.get("id")))
    intent = data.get("id") if kind.startswith(INTENT) else data.get("payment_intent")
    if not isinstance(intent, str):
        return None
    return queries.payment_by_processor(session, intent_id=intent)


def _refund_of(
    session: Session, row: WebhookEvent, data: Mapping[str, Any], now: datetime
) -> Look | None:
    processor_refund = _text(data.get("id"))
    named = _uuid(_metadata(data, "refund_id"))
    known = queries.refund_by_processor(session, processor_refund)
    refund_id = known.id if known is not None else named
    if refund_id is not None and known is None and not queries.refund_exists(session, refund_id):
        refund_id = None
    if refund_id is not None:
        return Look(refund_id=refund_id, processor_refund=processor_refund)
    intent = data.get("payment_intent")
    paid = (
        queries.payment_by_processor(session, intent_id=intent) if isinstance(intent, str) else None
    )
    if paid is None and named is None:
        _finish(session, row, EventState.IGNORED, "about no refund of ours", now)
    else:
        # Made by hand at the processor: the books don't know why, so a person has to say.
        details = {"amount": str(data.get("amount")), "currency": str(data.get("currency"))}
        payment_id = paid.id if paid is not None else None
        _quarantine(session, row, "refund_not_ours", details, now, payment_id=payment_id)
    return None


def _claim_misfit(kind: str, data: Mapping[str, Any], payment: Payment) -> tuple[str, str] | None:
    """Compare what the event claims with what we asked for; None if it fits."""
    amount = data.get("amount_total") if kind.startswith(CHECKOUT) else data.get("amount")
    currency = data.get("currency")
    if not isinstance(currency, str) or currency.upper() != payment.currency:
        return "currency", str(currency)
    if amount != payment.amount.minor:
        return "amount", str(amount)
    return None


def _lock(session: Session, event_id: UUID) -> WebhookEvent:
    row = session.get(WebhookEvent, event_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def _finish(
    session: Session, row: WebhookEvent, state: EventState, outcome: str, now: datetime
) -> None:
    row.state, row.outcome, row.handled_at = state, outcome, now
    session.flush()


def _quarantine(
    session: Session,
    row: WebhookEvent,
    reason: str,
    details: Mapping[str, str],
    now: datetime,
    payment_id: UUID | None = None,
) -> None:
    data = row.payload["data"]["object"]
    put_aside(
        session,
        processor_object=_text(data.get("id")) or row.processor_event,
        reason=reason,
        details={"event": row.processor_event, "kind": row.kind, **details},
        now=now,
        payment_id=payment_id,
        event_id=row.id,
    )
    _finish(session, row, EventState.QUARANTINED, reason, now)


def _state_after(outcome: Arrival) -> EventState:
    return EventState.QUARANTINED if outcome is Arrival.INVALID else EventState.PROCESSED


def _metadata(data: Mapping[str, Any], name: str) -> Any:
    metadata = data.get("metadata")
    return metadata.get(name) if isinstance(metadata, Mapping) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


# Where to look for an event, by how its kind begins.
LOOKS: Sequence[tuple[str | tuple[str, ...], _LookOf]] = (
    (arrivals.DISPUTE, _dispute_of),
    (TRANSFER, _transfer_of),
    (CARD, _card_of),
    (REFUND, _refund_of),
    ((CHECKOUT, INTENT, *CHARGE), _payment_of),
)
