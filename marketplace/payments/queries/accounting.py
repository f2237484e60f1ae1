"""The books of a month as CSV, made by PostgreSQL itself: each file is one statement, one snapshot.

A month is by UTC. Amounts are in major units, with the decimals of their currency. What is posted
late, with a time in a month that is over, changes that month's files: `posted_at` tells.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from marketplace.core.db import Session
from marketplace.core.money import EXPONENTS

_ENTRIES: LiteralString = """
WITH exponent(currency, digits) AS (VALUES {exponents})
SELECT to_char(t.occurred_at AT TIME ZONE 'UTC', {instant}) AS occurred_at,
       to_char(t.created_at AT TIME ZONE 'UTC', {instant}) AS posted_at,
       t.id AS transaction_id, e.id AS entry_id, t.reason, t.source, a.kind AS account, a.owner_id,
       CASE WHEN e.amount_minor > 0
            THEN round(e.amount_minor / 10::numeric ^ x.digits, x.digits) END AS debit,
       CASE WHEN e.amount_minor < 0
            THEN round(-e.amount_minor / 10::numeric ^ x.digits, x.digits) END AS credit,
       e.currency, t.payment_id
  FROM ledger_transaction AS t
  JOIN ledger_entry AS e ON e.transaction_id = t.id
  JOIN ledger_account AS a ON a.id = e.account_id
  JOIN exponent AS x ON x.currency = e.currency
 WHERE t.occurred_at >= {since} AND t.occurred_at < {until}
 ORDER BY t.occurred_at, t.id, e.id
"""
# From the running totals back: only what was posted since the month began is added up.
_BALANCES: LiteralString = """
WITH exponent(currency, digits) AS (VALUES {exponents}),
since AS (
    SELECT e.account_id,
           sum(greatest(e.amount_minor, 0)) FILTER (WHERE t.occurred_at < {until}) AS debit,
           sum(greatest(-e.amount_minor, 0)) FILTER (WHERE t.occurred_at < {until}) AS credit,
           sum(e.amount_minor) FILTER (WHERE t.occurred_at >= {until}) AS after
      FROM ledger_transaction AS t JOIN ledger_entry AS e ON e.transaction_id = t.id
     WHERE t.occurred_at >= {since}
     GROUP BY e.account_id
), closed AS (
    SELECT a.kind, a.owner_id, a.currency, coalesce(s.debit, 0) AS debit,
           coalesce(s.credit, 0) AS credit,
           sum(b.debit_minor - b.credit_minor) - coalesce(s.after, 0) AS closing
      FROM ledger_account AS a
      JOIN ledger_balance AS b ON b.account_id = a.id
      LEFT JOIN since AS s ON s.account_id = a.id
     GROUP BY a.id, s.debit, s.credit, s.after
)
SELECT c.kind AS account, c.owner_id,
       round((closing - debit + credit) / 10::numeric ^ x.digits, x.digits) AS opening,
       round(debit / 10::numeric ^ x.digits, x.digits) AS debits,
       round(credit / 10::numeric ^ x.digits, x.digits) AS credits,
       round(closing / 10::numeric ^ x.digits, x.digits) AS closing, c.currency
  FROM closed AS c JOIN exponent AS x ON x.currency = c.currency
 ORDER BY c.currency, c.kind, c.owner_id
"""


def entries(session: Session, since: date, until: date) -> Iterator[bytes]:
    """Yield each entry of the days from `since` to before `until`, in the order of its happening."""
    return _copied(session, _ENTRIES, since, until)


def balances(session: Session, since: date, until: date) -> Iterator[bytes]:
    """Yield each account's balance before, what moved, and its balance after those days."""
    return _copied(session, _BALANCES, since, until)


def _copied(session: Session, query: LiteralString, since: date, until: date) -> Iterator[bytes]:
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    digits = [
        sql.SQL("({}::char(3), {})").format(sql.Literal(name), sql.Literal(number))
        for name, number in sorted(EXPONENTS.items())
    ]
    given = {
        "since": sql.Literal(f"{since.isoformat()}T00:00:00Z"),
        "until": sql.Literal(f"{until.isoformat()}T00:00:00Z"),
        "instant": sql.Literal('YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        "exponents": sql.SQL(", ").join(digits),
    }
    filled = sql.SQL(query).format(**given)
    wanted = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(filled)
    with connection.cursor() as cursor, cursor.copy(wanted) as copy:
        for piece in copy:
            yield bytes(piece)
