"""The worker's reconciliation of a long list of the processor's, with mismatches put in by hand."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from benchmarks import books, processor
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import Stage

LONGEST_SECONDS = 300
LARGEST_MIB = 300
MIB = 1 << 20
HOSTS = 1000
# One fee in so many is not posted yet, and so many payments nobody knows.
UNPOSTED = 1000
UNKNOWN = 5

# Their events came, and were handled.
_EVENTS: LiteralString = """
INSERT INTO webhook_event (id, processor_event, kind, live, happened_at, received_at, payload,
    state, handled_at)
SELECT uuidv7(), 'evt_' || lpad(n::text, 20, '0'), 'charge.succeeded', false,
       now() - interval '1 day', now() - interval '1 day', '{}', 'processed', now()
  FROM generate_series(0, %s - 1) AS n
"""
_RUN = """
SELECT events, missed_events, balance_transactions, posted, jsonb_array_length(mismatches),
       (SELECT count(*) FROM jsonb_array_elements(mismatches) AS one
         WHERE one->>'kind' = 'unexplained')
  FROM reconciliation
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Compare all of it from the beginning in one run of the job, in a process of its own."""
    count = stage.sizes.reconciled
    with stage.database("reconciliation") as conninfo, processor.listening(count) as address:
        stage.say(f"{count} payments")
        books.open_accounts(conninfo, HOSTS)
        books.post_paid(conninfo, count, HOSTS, UNPOSTED, UNKNOWN)
        with psycopg.connect(conninfo) as connection:
            connection.execute(_EVENTS, [count])
        stage.say("reconciling")
        plan = {"task": "payments.reconcile", "arguments": {"since": "2020-01-01"}}
        environment = {**stage.environment(conninfo), "STRIPE_API_BASE": address}
        job = run_python("benchmarks.job_child", plan, stage.folder, environment)
        found = _found(conninfo, count)
    yield Figure(
        "reconciliation.seconds",
        job["seconds"],
        "seconds",
        target=Target("value", "below", LONGEST_SECONDS),
        detail={**found, "cpu_seconds": job["cpu_seconds"]},
    )
    yield Figure(
        "reconciliation.peak_memory",
        job["peak"] / MIB,
        "MiB",
        "the process before it reconciles",
        job["before"] / MIB,
        Target("value", "below", LARGEST_MIB),
        {"balance_transactions": count},
    )


def _found(conninfo: str, count: int) -> dict[str, Any]:
    """What the run says of itself: each mismatch that was put in is found, and no other."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(_RUN).fetchone()
    # Numbers from 0: among those that are known, each thousandth lacks its fee. What nobody knows
    # is told one by one, and once as the sum in suspense.
    fees = len(range(UNPOSTED, count, UNPOSTED))
    wanted = (count, 0, count, fees + UNKNOWN, UNKNOWN + 1, UNKNOWN)
    if row != wanted:
        raise RuntimeError(f"the run found {row}, not {wanted}")
    names = ("events", "missed_events", "balance_transactions", "posted", "mismatches")
    return dict(zip(names, wanted, strict=False))
