"""The books: posting to one busy account against pgbench, and a trial balance over all entries."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks import bare, books, data, ids, shared
from benchmarks.figures import Figure, Target, latencies
from benchmarks.processes import run_forked
from benchmarks.stage import CLIENTS, Stage

# Of pgbench's rate.
LEAST_RATIO = 0.5
LONGEST_SECONDS = 1
HOSTS = 100
MANY_HOSTS = 4000
ROUNDS = 2
TRIALS = 9
PROCESSES = 2

_CHECKED = """
SELECT (SELECT count(*) FROM ledger_transaction), (SELECT count(*) FROM ledger_entry),
       (SELECT count(*) FROM (
            SELECT account_id, sum(amount_minor) AS minor, count(*) AS entries
              FROM ledger_entry GROUP BY account_id) AS e
          FULL JOIN (
            SELECT account_id, sum(debit_minor - credit_minor) AS minor, sum(entries) AS entries
              FROM ledger_balance GROUP BY account_id) AS b USING (account_id)
         WHERE (e.minor, e.entries) IS DISTINCT FROM (b.minor, b.entries))
"""
_OPERATOR = """
INSERT INTO membership (id, account_id, role, granted_at)
VALUES (uuidv7(), bench_id(%(trainee)s, 0), 'operator', now())
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Post by pgbench and by the product in turns; then fill the books and balance them."""
    with stage.database("ledger") as conninfo:
        data.add_trainees(conninfo, 1)
        books.open_accounts(conninfo, MANY_HOSTS)
        yield _hot(stage, conninfo)
        books.forget(conninfo)
        yield _trial(stage, conninfo)


def script() -> str:
    """The pgbench script of one posting: the same inserts into the same tables."""
    own = ":client_id * 1000000 + :turn"
    made = f"bench_id({books.TRANSACTION}, {own})"
    host = f"bench_id({books.ACCOUNT}, {books.FIRST_HOST} + :site)"
    entries = (
        (f"bench_id({books.ACCOUNT}, {books.CLEARING})", books.PAID),
        (host, -books.HOST),
        (f"bench_id({books.ACCOUNT}, {books.REVENUE})", -books.KEPT),
    )
    rows = ", ".join(f"(uuidv7(), {made}, {account}, {n}, 'USD')" for account, n in entries)
    transaction = (
        "INSERT INTO ledger_transaction (id, source, reason, occurred_at) VALUES"
        f" ({made}, 'ch_' || :client_id || '_' || :turn, 'payment_settled', now());"
    )
    both = (
        "INSERT INTO ledger_entry (id, transaction_id, account_id, amount_minor, currency)"
        f" VALUES {rows};"
    )
    turn = ("\\set turn :turn + 1", f"\\set site (:client_id + {CLIENTS} * :turn) % {HOSTS}")
    lines = (*turn, "BEGIN;", transaction, both, "COMMIT;")
    return "\n".join(lines) + "\n"


def _hot(stage: Stage, conninfo: str) -> Figure:
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in range(min(ROUNDS, stage.sizes.rounds)):
        stage.say("posting by pgbench")
        books.forget(conninfo)
        theirs.append(bare.pgbench(stage, conninfo, script(), seconds=stage.sizes.seconds))
        _check(conninfo)
        stage.say("posting by the product")
        books.forget(conninfo)
        ours.append(_posted(stage, conninfo))
        _check(conninfo)
    seconds = sum(one["seconds"] for one in ours)
    units = sum(one["units"] for one in ours)
    return Figure(
        "ledger.hot",
        units / seconds,
        "postings/s",
        "pgbench",
        sum(one["rate"] for one in theirs) / len(theirs),
        Target("ratio", "at least", LEAST_RATIO),
        {
            "clients": CLIENTS,
            "latency_ms": latencies([each for one in ours for each in one["times"]]),
            "cpu_ms_per_posting": round(
                sum(one["cpu_seconds"] for one in ours) / max(units, 1) * 1000, 3
            ),
            "pgbench_latency_ms": theirs[-1]["latency_ms"],
        },
    )


def _posted(stage: Stage, conninfo: str) -> dict[str, Any]:
    plan = {
        "processes": PROCESSES,
        "threads": CLIENTS // PROCESSES,
        "clients": CLIENTS,
        "hosts": HOSTS,
        "warmup": stage.sizes.warmup,
        "seconds": stage.sizes.seconds,
    }
    return run_forked("benchmarks.post_child", plan, stage.environment(conninfo))


def _check(conninfo: str) -> None:
    """Every posting has its three entries, and the running totals are those of the entries."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(_CHECKED).fetchone()
    if row is None or row[0] * 3 != row[1] or row[2]:
        raise RuntimeError(f"transactions, entries, accounts whose totals are wrong: {row}")


def _trial(stage: Stage, conninfo: str) -> Figure:
    """What an operator is answered, JSON and all, and whether it is what the entries say."""
    entries = stage.sizes.entries
    stage.say(f"{entries} entries")
    began = time.monotonic()
    books.fill(conninfo, entries, MANY_HOSTS)
    filled = time.monotonic() - began
    with psycopg.connect(conninfo) as connection:
        connection.execute(_OPERATOR, {"trainee": ids.TRAINEE})
    token = shared.probe(stage, conninfo, tokens=1)["tokens"][0]
    request = {
        "path": "/api/v1/operator/ledger/trial-balance",
        "headers": {"Authorization": f"Bearer {token}"},
    }
    stage.say("trial balance")
    found = shared.probe(
        stage,
        conninfo,
        measure=[{"trial": [request] * TRIALS}, {"trial": [request] * 3}],
        log=str(stage.postgres.log),
    )
    spent, told = (one["trial"] for one in found["measure"])
    began = time.monotonic()
    summed = books.added_up(conninfo)
    scan = time.monotonic() - began
    _agree(stage, conninfo, summed, entries)
    return Figure(
        "ledger.trial_balance",
        spent["wall_ms"] / 1000,
        "seconds",
        "adding up every entry",
        scan,
        Target("value", "below", LONGEST_SECONDS),
        {
            "entries": entries,
            "accounts": len(summed),
            "statements": told["statements"],
            "cpu_ms": spent["cpu_ms"],
            "database_wait_ms": spent["database_ms"],
            "filled_in_seconds": round(filled, 1),
        },
    )


def _agree(stage: Stage, conninfo: str, summed: list[tuple[Any, ...]], entries: int) -> None:
    """Compare the product's own answer with the sums of the entries."""
    kept = run_forked("benchmarks.trial_child", {}, stage.environment(conninfo))
    own = [
        [kind, None if owner is None else str(owner), currency, int(debit), int(credit), count]
        for kind, owner, currency, debit, credit, count in summed
    ]
    if kept["accounts"] != own or sum(one[5] for one in own) != entries:
        raise RuntimeError("the trial balance is not what the entries add up to")
