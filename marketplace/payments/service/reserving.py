"""What may go back of a payment is claimed before it goes: the database decides who was first."""

from uuid import UUID

from sqlalchemy import update

from marketplace.core.db import Session, affected
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.errors import AmountRefused, PartNeeded, RefundExceedsPayment
from marketplace.payments.models import Payment, PaymentPart
from marketplace.payments.states import PaymentState


def take(session: Session, payment: Payment, amount: Money) -> None:
    """Claim the amount by a conditional update: the row count decides, not an earlier read."""
    if amount.currency != payment.currency:
        raise AmountRefused(f"This payment is in {payment.currency}.")
    claimed = affected(
        session,
        update(Payment)
        .where(
            Payment.id == payment.id,
            Payment.state == PaymentState.SETTLED,
            Payment.refunded_minor + Payment.lost_minor + amount.minor <= Payment.captured_minor,
        )
        .values(refunded_minor=Payment.refunded_minor + amount.minor)
        .execution_options(synchronize_session=False),
    )
    session.refresh(payment)
    if not claimed:
        raise RefundExceedsPayment(
            f"At most {payment.refundable} can be refunded.",
            extra={"refundable": payment.refundable.minor, "currency": payment.currency},
        )


def part_of(session: Session, payment: Payment, part_id: UUID | None) -> PaymentPart | None:
    """The part that is to give back; `PartNeeded` where there are parts and this names none."""
    if (payment.site_id is None) != (part_id is not None):
        raise PartNeeded
    if part_id is None:
        return None
    part = queries.part(session, payment.id, part_id)
    if part is None:
        raise PartNeeded
    return part


def take_of_part(session: Session, part: PaymentPart, amount: Money) -> None:
    """Claim the amount of one of several things that were paid at once."""
    if amount > part.refundable:
        raise RefundExceedsPayment(
            f"At most {part.refundable} can be refunded of this part.",
            extra={"refundable": part.refundable.minor, "currency": amount.currency},
        )
    # Its payment's row is ours: nobody else counts here meanwhile.
    part.refunded_minor += amount.minor
    session.flush()
