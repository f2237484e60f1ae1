"""Books by the million, generated inside PostgreSQL: accounts, balanced transactions, running totals.

Triggers are off while loading: transactions balance by construction, and the running totals are added
up afterwards, spread over as many rows as the trigger would spread them.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString

import psycopg

from benchmarks import ids

ACCOUNT, TRANSACTION, ENTRY, FEE, FEE_ENTRY = range(40, 45)
CLEARING, REVENUE, FEES, FIRST_HOST = range(4)
# One settled payment: what came, what the host gets, what we keep.
PAID, HOST, KEPT, FEE_KEPT = 38_080, 34_000, 4_080, 1_142
PARTS = 16
LOADERS = 2

_ACCOUNTS: LiteralString = """
INSERT INTO ledger_account (id, kind, owner_id, currency)
SELECT bench_id(%(account)s, n),
       CASE n WHEN 0 THEN 'processor_clearing' WHEN 1 THEN 'platform_revenue'
              WHEN 2 THEN 'processor_fees' ELSE 'deferred_host_share' END,
       CASE WHEN n >= 3 THEN bench_id(%(site)s, n - 3) END, 'USD'
  FROM generate_series(0, %(hosts)s + 2) AS n
"""
_SETTLED: LiteralString = """
INSERT INTO ledger_transaction (id, source, reason, occurred_at)
SELECT bench_id(%(transaction)s, n), 'ch_' || lpad(n::text, 20, '0'), 'payment_settled',
       now() - interval '1 day' FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
# A payment and its fee in four entries: what is left to us, the fee, the host's part and ours.
_ENTRIES: LiteralString = """
INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)
SELECT bench_id(%(entry)s, n * 4 + leg), bench_id(%(transaction)s, n),
       CASE leg WHEN 0 THEN bench_id(%(account)s, 0) WHEN 1 THEN bench_id(%(account)s, 1)
                WHEN 2 THEN bench_id(%(account)s, 2)
                ELSE bench_id(%(account)s, 3 + n %% %(hosts)s) END,
       (ARRAY[36938, -4080, 1142, -34000])[1 + leg], 'USD'
  FROM generate_series(%(first)s::bigint, %(last)s) AS n, generate_series(0, 3) AS leg
"""
# The same in two transactions, as the product posts what the processor tells by and by; the fee of
# each thousandth is not posted yet, and some payments nobody knows.
_POSTED: LiteralString = """
INSERT INTO ledger_transaction (id, source, reason, occurred_at)
SELECT bench_id(%(fee)s, n), 'txn_' || lpad(n::text, 20, '0'), 'processor_fee',
       now() - interval '1 day'
  FROM generate_series(%(first)s::bigint, %(last)s) AS n WHERE n %% %(unposted)s <> 0
"""
_POSTED_ENTRIES: LiteralString = """
INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)
SELECT bench_id(%(entry)s, n * 4 + leg), bench_id(%(transaction)s, n),
       CASE leg WHEN 0 THEN bench_id(%(account)s, 0) WHEN 1 THEN bench_id(%(account)s, 1)
                ELSE bench_id(%(account)s, 3 + n %% %(hosts)s) END,
       (ARRAY[38080, -4080, -34000])[1 + leg], 'USD'
  FROM generate_series(%(first)s::bigint, %(last)s) AS n, generate_series(0, 2) AS leg
UNION ALL
SELECT bench_id(%(fee_entry)s, n * 2 + leg), bench_id(%(fee)s, n),
       bench_id(%(account)s, leg * 2), (ARRAY[-1142, 1142])[1 + leg], 'USD'
  FROM generate_series(%(first)s::bigint, %(last)s) AS n, generate_series(0, 1) AS leg
 WHERE n %% %(unposted)s <> 0
"""
_TOTALS: LiteralString = """
INSERT INTO ledger_balance (account_id, part, debit_minor, credit_minor, entries)
SELECT account_id, get_byte(uuid_send(transaction_id), 15) %% %(parts)s AS part,
       sum(greatest(amount_minor, 0)), sum(greatest(-amount_minor, 0)), count(*)
  FROM ledger_entry GROUP BY account_id, part
"""
# Nobody restarts the server, and what is measured reads the totals: these need no log.
_UNLOGGED: tuple[LiteralString, ...] = (
    "ALTER TABLE ledger_entry SET UNLOGGED",
    "ALTER TABLE ledger_transaction SET UNLOGGED",
)
# Nothing that is measured over so many entries reads them by an index.
_INDEXES = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
  FROM pg_constraint
 WHERE conrelid IN ('ledger_transaction'::regclass, 'ledger_entry'::regclass)
   AND contype IN ('p', 'u')
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
 WHERE indrelid IN ('ledger_transaction'::regclass, 'ledger_entry'::regclass)
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_ADDED_UP = """
SELECT a.kind, a.owner_id, a.currency, sum(greatest(e.amount_minor, 0)),
       sum(greatest(-e.amount_minor, 0)), count(*)
  FROM ledger_entry AS e JOIN ledger_account AS a ON a.id = e.account_id
 GROUP BY a.id ORDER BY a.currency, a.kind, a.owner_id
"""


def open_accounts(conninfo: str, hosts: int) -> None:
    """Make the platform's accounts, and one for each of so many hosts."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(ids.FUNCTION)
    _load(conninfo, (_ACCOUNTS,), {"hosts": hosts})


def forget(conninfo: str) -> None:
    """Take every posting back; the accounts stay."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("TRUNCATE ledger_balance, ledger_entry, ledger_transaction")
        connection.execute("VACUUM ANALYZE ledger_account")


def fill(conninfo: str, entries: int, hosts: int) -> None:
    """Post payments until there are so many entries, four each, without an index or a log of them."""
    with psycopg.connect(conninfo) as connection:
        for (statement,) in connection.execute(_INDEXES).fetchall():
            connection.execute(statement)
        for statement in _UNLOGGED:
            connection.execute(statement)
    share = entries // 4 // LOADERS
    with ThreadPoolExecutor(LOADERS) as pool:
        each = [
            {"hosts": hosts, "first": n * share, "last": (n + 1) * share - 1}
            for n in range(LOADERS)
        ]
        list(pool.map(lambda part: _load(conninfo, (_SETTLED, _ENTRIES), part), each))
    _load(conninfo, (_TOTALS,), {"parts": PARTS})
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE ledger_balance, ledger_account")


def post_paid(conninfo: str, payments: int, hosts: int, unposted: int, unknown: int) -> None:
    """Post so many payments with their fees, but for one fee in `unposted`.

    The first `unknown` payments are not posted at all.
    """
    values = {"hosts": hosts, "unposted": unposted}
    middle = (unknown + payments) // 2
    with ThreadPoolExecutor(LOADERS) as pool:
        each = [{**values, "first": unknown, "last": middle - 1}]
        each += [{**values, "first": middle, "last": payments - 1}]
        statements = (_SETTLED, _POSTED, _POSTED_ENTRIES)
        list(pool.map(lambda part: _load(conninfo, statements, part), each))
    _load(conninfo, (_TOTALS,), {"parts": PARTS})
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def added_up(conninfo: str) -> list[tuple[Any, ...]]:
    """The trial balance by adding up every entry."""
    with psycopg.connect(conninfo) as connection:
        return connection.execute(_ADDED_UP).fetchall()


def _load(conninfo: str, statements: tuple[LiteralString, ...], values: dict[str, Any]) -> None:
    kinds = {
        "account": ACCOUNT,
        "transaction": TRANSACTION,
        "entry": ENTRY,
        "fee": FEE,
        "fee_entry": FEE_ENTRY,
        "site": ids.SITE,
    }
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        cursor = psycopg.ClientCursor(connection)
        for statement in statements:
            cursor.execute(statement, {**kinds, **values})
