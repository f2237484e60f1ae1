"""Statements that write several rows at once: what asks for a payment, and what posts to the books.

A payment with its lines and the first row of its log; a transaction of the ledger with its entries.
"""

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
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind, LedgerTransaction, Payment, PaymentTransition
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


def posted(
    session: Session,
    transaction: LedgerTransaction,
    legs: Sequence[tuple[AccountKind, UUID | None, Money]],
) -> bool | None:
    """Insert a transaction with an entry for each leg: its account's kind and owner, its amount.

    False where (source, reason) is posted already. None, and nothing done, where one of the accounts
    is not there yet: the caller makes it and asks again.
    """
    given = [
        {
            "id": str(new_id()),
            "kind": kind.value,
            "owner_id": None if owner_id is None else str(owner_id),
            "minor": amount.minor,
            "currency": amount.currency,
        }
        for kind, owner_id, amount in legs
    ]
    values = {**rows.values_of(transaction), "legs": given}
    found = run(session, _posted(), values).one()
    return found.made if found.whole else None


@cache
def _posted() -> TextClause:
    # An account by its owner or without one: each is a look into the unique index, so that neither
    # many sites nor many legs make the planner read all accounts.
    return rows.statement(
        f"""
        WITH leg AS MATERIALIZED (
            SELECT given.*, CASE WHEN given.owner_id IS NULL THEN (
                       SELECT a.id FROM ledger_account AS a
                        WHERE a.kind = given.kind AND a.owner_id IS NULL
                          AND a.currency = given.currency)
                   ELSE (
                       SELECT a.id FROM ledger_account AS a
                        WHERE a.kind = given.kind AND a.owner_id = given.owner_id
                          AND a.currency = given.currency)
                   END AS account_id
              FROM jsonb_to_recordset(:legs) AS given(id uuid, kind text, owner_id uuid,
                       minor bigint, currency char(3))
        ), known AS (
            SELECT bool_and(account_id IS NOT NULL) AS whole FROM leg
        ), posted AS (
            INSERT INTO {rows.inserted(LedgerTransaction)}
            SELECT {rows.places(LedgerTransaction)} FROM known WHERE whole
                ON CONFLICT ON CONSTRAINT uq_ledger_transaction_source_reason DO NOTHING
            RETURNING id
        ), entered AS (
            INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)
            SELECT leg.id, posted.id, leg.account_id, leg.minor, leg.currency FROM posted, leg
        )
        SELECT whole, EXISTS (SELECT FROM posted) AS made FROM known
        """,  # noqa: S608 - names of our own tables and columns
        LedgerTransaction,
        legs=JSONB,
    )
