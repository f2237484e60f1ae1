"""What a world has of money that a person looks at: events, suspense, a comparison, bank refunds."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.service import cancellations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.gateway import ProcessorEvent
from marketplace.payments.models import AccountKind
from marketplace.payments.service import inbox, ledger, reconcile
from marketplace.payments.service.ledger import Leg
from marketplace.payments.service.quarantine import put_aside
from marketplace.reporting.service import export_rights

HOUR, SEASON = timedelta(hours=1), timedelta(days=90)
MOVED = Money(7_700, "USD")


def add(world: Any) -> None:
    """Let it happen in this world, before its jobs are run."""
    _unexplained(world)
    _rights(world)
    # Of a payment that nobody has heard of: the job sets it aside.
    told(world, "evt_2", "pi_2", metadata={"payment_id": str(new_id())})


def told(world: Any, name: str, about: str, **more: Any) -> None:
    """An event that has come an hour ago; it waits until the jobs are run."""
    payload = {"data": {"object": {"id": about, **more}}}
    came = world.stage.now - HOUR
    event = ProcessorEvent(name, "charge.succeeded", came, False, None, None, {}, payload)
    with world.stage.transaction() as session:
        inbox.receive(session, event, now=came)


def _unexplained(world: Any) -> None:
    """Money that moved without anything of ours, found by the last comparison."""
    now = world.stage.now
    with world.stage.transaction() as session:
        legs = [Leg(AccountKind.PROCESSOR_CLEARING, MOVED), Leg(AccountKind.SUSPENSE, -MOVED)]
        ledger.post(session, source="txn_9", reason="unexplained", legs=legs, at=now - HOUR)
        put_aside(
            session, processor_object="txn_9", reason="unexplained", now=now,
            details={"kind": "charge", "amount": str(MOVED), "source": "ch_9"},
        )  # fmt: skip
        put_aside(
            session, processor_object="pi_1", reason="amount_differs", details={"paid": "1"},
            now=now,
        )  # fmt: skip
        found = reconcile.Findings(now - 24 * HOUR, now - HOUR, 41, 1, 38, 2)
        found.note("unexplained", "txn_9", f"charge of {MOVED} for ch_9")
        reconcile.close_run(session, found, now=now - HOUR)


def _rights(world: Any) -> None:
    """The right to exports with names: in force, and taken back."""
    now, by = world.stage.now, world.operator.id
    with world.stage.transaction() as session:
        for reason, ends in (("The survey's control sample.", False), ("A trial of it.", True)):
            right = export_rights.give(
                session, account_id=world.analyst.id, reason=reason, expires_at=now + SEASON,
                granted_by=by, now=now,
            )  # fmt: skip
            if ends:
                export_rights.revoke(session, right.id, by=by, now=now)


def goes_back(world: Any, booking_id: UUID) -> None:
    """A place that was paid by bank transfer is cancelled: an operator sends the money back."""
    now = world.stage.now
    with world.stage.transaction() as session:
        booking = queries.find(session, booking_id)
        mark = cancellations.quote(session, booking, Wish(), now).mark
        cancellations.cancel(
            session, booking, Wish(), mark=mark, to=BookingState.CANCELLED_BY_TRAINEE,
            actor_id=booking.trainee_id, reason="Ill.", now=now,
        )  # fmt: skip
