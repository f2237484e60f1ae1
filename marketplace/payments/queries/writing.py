"""The statement that asks for a payment: the payment, its lines and the first row of its log."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.core import rows
from marketplace.core.db import Session, run
from marketplace.core.ids import new_id
from marketplace.core.jobs import deferred_for
from marketplace.payments.models import Payment, PaymentTransition
from marketplace.payments.rules import PriceLine

_JOB = "SELECT jsonb_build_object('payment_id', asked.id) FROM asked"


def asked(
    session: Session,
    payment: Payment,
    lines: Sequence[PriceLine],
    part_ids: Sequence[UUID | None],
    step: PaymentTransition,
    job: str | None = None,
) -> bool:
    """Insert all three; False, and nothing done, where a payment for the same is open or kept.

    `job` is the task that goes on with the payment, deferred by the same statement. The caller holds the payable's lock, taken by a statement before this one, which therefore sees
    what became of every other payment for the same.
    """
    given = [
        _line(place, line, part_id)
        for place, (line, part_id) in enumerate(zip(lines, part_ids, strict=True))
    ]
    values = {**rows.values_of(payment), **rows.values_of(step), "lines": given}
    queued = deferred_for(session, job, _JOB) if job else rows.Part("")
    if run(session, _asked(queued.sql), {**values, **queued.values}).one_or_none() is None:
        return False
    rows.adopt(session, payment)
    return True


def _line(place: int, line: PriceLine, part_id: UUID | None) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "place": place,
        "kind": line.kind,
        "description": line.description,
        "quantity": line.quantity,
        "minor": line.amount.minor,
        "currency": line.amount.currency,
        "earner": line.earner.value,
        "part_id": None if part_id is None else str(part_id),
    }


@cache
def _asked(job: str) -> TextClause:
    step = PaymentTransition
    queued = f", queued AS ({job})" if job else ""
    return rows.statement(
        f"""
        WITH asked AS (
            INSERT INTO {rows.inserted(Payment)}
            SELECT {rows.places(Payment)}
             WHERE NOT EXISTS (
                   SELECT FROM payment AS kept
                    WHERE kept.payable_kind = :payment_payable_kind
                      AND kept.payable_id = :payment_payable_id
                      AND kept.purpose = :payment_purpose
                      AND kept.state = 'settled'
                      AND kept.refunded_minor < kept.captured_minor)
                ON CONFLICT DO NOTHING
            RETURNING id
        ), lined AS (
            INSERT INTO payment_line (id, payment_id, place, kind, description, quantity,
                                      amount_minor, amount_currency, earner, part_id)
            SELECT l.id, asked.id, l.place, l.kind, l.description, l.quantity, l.minor, l.currency,
                   l.earner, l.part_id
              FROM asked,
                   jsonb_to_recordset(:lines) AS l(id uuid, place smallint, kind text,
                       description text, quantity int, minor bigint, currency text, earner text,
                       part_id uuid)
        ){queued}
        INSERT INTO {rows.inserted(step)} SELECT {rows.places(step)} FROM asked RETURNING id
        """,  # noqa: S608 - names of our own tables and columns
        Payment,
        step,
        lines=JSONB,
    )
