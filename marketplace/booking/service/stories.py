"""Everything that happened to a booking, in the order of its happening, and whether it adds up.

For operators: the steps, the seats, the money with its postings, what was said, and which documents
were handed over (not what is in them).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import Booking, BookingCancellation, BookingChange
from marketplace.booking.queries import applying, clearing, replaying
from marketplace.booking.service.notices import money_json
from marketplace.booking.service.replaying import Verdict, verdicts
from marketplace.compliance.queries.handed_over import releases_for
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.payments import queries as payments


@dataclass(frozen=True)
class Happened:
    """One thing that happened; `detail` are JSON values that depend on its kind."""

    at: datetime
    kind: str
    text: str
    actor_id: UUID | None = None
    actor_name: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    booking: Booking
    events: Sequence[Happened]
    verdict: Verdict


def story(session: Session, booking_id: UUID) -> Story:
    """Return the whole story; `NotFound` if there is no such booking. A constant number of queries."""
    booking = queries.find(session, booking_id)
    paid = payments.money_of(session, queries.PAYABLE, [booking_id])[booking_id]
    events = [
        *_steps(session, booking_id),
        *_seats(session, booking_id),
        *_money(session, paid),
        *_said(session, booking_id),
        *_documents(session, booking_id),
        *_agreed(queries.cancellation(session, booking_id)),
        *_changed(session, booking_id),
    ]
    actors = sorted({one.actor_id for one in events if one.actor_id}, key=str)
    people = identity.contacts(session, actors)
    named = [_named(one, people) for one in sorted(events, key=lambda one: one.at)]
    return Story(booking, named, verdicts(session, [booking])[0])


def _named(one: Happened, people: Mapping[UUID, identity.Contact]) -> Happened:
    if one.actor_id is None:
        return one
    name = people[one.actor_id].name
    return Happened(one.at, one.kind, one.text, one.actor_id, name, one.detail)


def _steps(session: Session, booking_id: UUID) -> Iterator[Happened]:
    for row in queries.history(session, booking_id):
        detail = {
            "number": row.number,
            "from": row.from_state,
            "to": row.to_state,
            "code": row.code,
            "kept_until": row.kept_until.isoformat() if row.kept_until else None,
        }
        yield Happened(row.at, "step", row.reason, row.actor_id, detail=detail)


def _seats(session: Session, booking_id: UUID) -> Iterator[Happened]:
    for row in replaying.weeks(session, [booking_id])[booking_id]:
        week = {"week": row.week.isoformat()}
        yield Happened(row.taken_at, "seat_taken", f"Week of {row.week}.", detail=week)
        if row.released_at is not None:
            yield Happened(row.released_at, "seat_given_up", f"Week of {row.week}.", detail=week)


def _money(session: Session, paid: Sequence[payments.PaidFor]) -> Iterator[Happened]:
    for payment in paid:
        about = {
            "payment_id": str(payment.id),
            "purpose": payment.purpose,
            "amount": money_json(payment.amount),
        }
        words = f"{payment.purpose}: {payment.amount}"
        asked, settled = payment.requested_at, payment.settled_at
        yield Happened(asked, "payment_asked", words, payment.payer_id, detail=about)
        if settled is not None:
            yield Happened(settled, "payment_settled", words, detail=about)
        for refund in payment.refunds:
            yield from _refund(payment, refund)
    captured = [payment.id for payment in paid if payment.captured]
    if captured:
        yield from _postings(session, captured)


def _refund(payment: payments.PaidFor, refund: payments.PaidBack) -> Iterator[Happened]:
    about = {
        "refund_id": str(refund.id),
        "payment_id": str(payment.id),
        "amount": money_json(refund.amount),
        "state": refund.state,
    }
    who = refund.requested_by
    yield Happened(refund.requested_at, "refund_asked", refund.reason, who, detail=about)
    if refund.settled_at is not None:
        yield Happened(refund.settled_at, "refund_settled", refund.reason, detail=about)


def _postings(session: Session, captured: Sequence[UUID]) -> Iterator[Happened]:
    for posting in payments.postings(session, *captured):
        about = {
            "transaction_id": str(posting.transaction_id),
            "source": posting.source,
            "account": posting.account,
            "owner_id": str(posting.owner_id) if posting.owner_id else None,
            "amount": money_json(posting.amount),
        }
        yield Happened(posting.occurred_at, "posting", posting.reason, detail=about)


def _said(session: Session, booking_id: UUID) -> Iterator[Happened]:
    for entry in applying.entries(session, booking_id):
        detail = {"number": entry.number, "answers": entry.answers}
        yield Happened(entry.at, f"said_{entry.kind}", entry.body, entry.actor_id, detail=detail)


def _documents(session: Session, booking_id: UUID) -> Iterator[Happened]:
    for release in releases_for(session, booking_id):
        about = {"document_id": str(release.document_id), "kind": release.kind}
        words = f"Handed over: {release.kind}."
        yield Happened(release.released_at, "document_released", words, detail=about)
        if release.revoked_at is not None:
            yield Happened(release.revoked_at, "document_taken_back", release.kind, detail=about)
    for waiver in clearing.waivers(session, [booking_id]).get(booking_id, ()):
        about = {"requirement": waiver.requirement}
        yield Happened(
            waiver.waived_at, "requirement_waived", waiver.reason, waiver.waived_by, detail=about
        )


def _agreed(row: BookingCancellation | None) -> Iterator[Happened]:
    if row is not None:
        detail = {
            "event": row.event,
            "policy": row.policy_key,
            "lines": row.lines,
            "paid": money_json(row.paid),
            "kept": money_json(row.kept),
            "refund": money_json(row.refund),
        }
        yield Happened(row.at, "cancellation_agreed", row.option, row.actor_id, detail=detail)


def _changed(session: Session, booking_id: UUID) -> Iterator[Happened]:
    """That it took over from another booking, and that another took over from it."""
    for row in queries.changes_of(session, booking_id):
        took_over = row.booking_id == booking_id
        other = row.replaced_id if took_over else row.booking_id
        kind = "took_over" if took_over else "taken_over"
        yield Happened(row.at, kind, row.kind, row.actor_id, detail=_change(row, other))


def _change(row: BookingChange, other: UUID) -> dict[str, Any]:
    return {
        "change": row.kind,
        "other_booking_id": str(other),
        "lines": row.lines,
        "carried": money_json(row.carried),
        "refund": money_json(row.refund),
        "refunds": row.refunds,
        "quote": row.quote,
    }
