"""Statements that write several rows at once: what asks for a payment, and what posts to the books.

A payment with its lines and the first row of its log; a transaction of the ledger with its entries;
an event of the processor with the job that handles it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.core import rows
from marketplace.core.db import Session, fetch
from marketplace.core.ids import new_id
from marketplace.core.jobs import deferred_for
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind, Payment, PaymentTransition
from marketplace.payments.rules import PriceLine

_JOB = "SELECT jsonb_build_object('payment_id', asked.id) FROM asked"
_EVENT_JOB = "SELECT jsonb_build_object('event_id', kept.id) FROM kept"


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
    if not fetch(session, _asked(queued.sql), {**values, **queued.values}):
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


def received(session: Session, event: Mapping[str, Any], job: str) -> bool:
    """Insert an event, by its columns, and its job `job`; False, and nothing done, if it is here."""
    queued = deferred_for(session, job, _EVENT_JOB)
    return bool(fetch(session, _received(queued.sql), {**event, **queued.values}))


@cache
def _received(job: str) -> str:
    return f"""
        WITH kept AS (
            INSERT INTO webhook_event (id, processor_event, kind, live, account, api_version,
                                       happened_at, received_at, payload, state)
            VALUES (:id, :processor_event, :kind, :live, :account, :api_version,
                    CAST(:happened_at AS timestamptz), CAST(:received_at AS timestamptz),
                    CAST(:payload AS jsonb), :state)
                ON CONFLICT ON CONSTRAINT uq_webhook_event_processor_event DO NOTHING
            RETURNING id
        ), queued AS ({job})
        SELECT id FROM kept
        """  # noqa: S608 - a statement of our own


class Posting(NamedTuple):
    """A transaction of the ledger as its statement takes it; the database makes its id."""

    source: str
    reason: str
    occurred_at: datetime
    payment_id: UUID | None


def posted(
    session: Session, posting: Posting, legs: Sequence[tuple[AccountKind, UUID | None, Money]]
) -> bool | None:
    """Insert a transaction with an entry for each leg: its account's kind and owner, its amount.

    False where (source, reason) is posted already. None, and nothing done, where one of the accounts
    is not there yet: the caller makes it and asks again.
    """
    values: dict[str, Any] = posting._asdict()
    shape = []
    for (minor, owner), (kind, owner_id, amount) in zip(_places(len(legs)), legs, strict=True):
        values[minor] = amount.minor
        if owner_id is not None:
            values[owner] = owner_id
        shape.append((kind.value, amount.currency, owner_id is not None))
    whole, made = fetch(session, _posted(tuple(shape)), values)[0]
    return made if whole else None


@cache
def _places(legs: int) -> list[tuple[str, str]]:
    """What the values of each leg are called: its amount, its owner."""
    return [(f"minor_{n}", f"owner_{n}") for n in range(legs)]


_Shape = tuple[tuple[str, str, bool], ...]


@cache
def _posted(shape: _Shape) -> str:
    """The statement for such legs: each the kind of its account, its currency, whether it has an owner.

    There are as many texts as ways to post, each prepared once a connection. An account is looked up
    in the unique index, by its owner or without one, so that neither many sites nor many legs make
    the planner read all accounts.
    """
    found = ", ".join(f"{_account(n, *leg)} AS account_{n}" for n, leg in enumerate(shape))
    whole = " AND ".join(f"account_{n} IS NOT NULL" for n in range(len(shape)))
    entries = ", ".join(
        f"(account_{n}, CAST(:minor_{n} AS bigint), '{currency}')"
        for n, (_, currency, _) in enumerate(shape)
    )
    return f"""
        WITH known AS MATERIALIZED (SELECT {found}),
        posted AS (
            INSERT INTO ledger_transaction (id, source, reason, occurred_at, payment_id)
            SELECT uuidv7(), CAST(:source AS text), CAST(:reason AS text),
                   CAST(:occurred_at AS timestamptz), CAST(:payment_id AS uuid)
              FROM known WHERE {whole}
                ON CONFLICT ON CONSTRAINT uq_ledger_transaction_source_reason DO NOTHING
            RETURNING id
        ), entered AS (
            INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)
            SELECT uuidv7(), posted.id, leg.account_id, leg.minor, leg.currency
              FROM posted, known,
                   LATERAL (VALUES {entries}) AS leg(account_id, minor, currency)
        )
        SELECT {whole}, EXISTS (SELECT FROM posted) FROM known
        """  # noqa: S608 - places of values, kinds of ours, currencies that Money knows


def _account(n: int, kind: str, currency: str, has_owner: bool) -> str:  # noqa: FBT001 - of a shape
    owner = f"= CAST(:owner_{n} AS uuid)" if has_owner else "IS NULL"
    return f"""(
            SELECT id FROM ledger_account
             WHERE kind = '{kind}' AND owner_id {owner} AND currency = '{currency}')"""  # noqa: S608 - the same
