"""The processes that post: the application, as web processes and workers have it, in threads.

A plan asks for `processes` of `threads` each; all post payments of many hosts for `seconds` at
once. The answer says how many, in how long, and the seconds of each.
"""

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import books, ids
from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.core.jobs import JobContext
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind
from marketplace.payments.service.ledger import PAYMENT_SETTLED, Leg, post

READY_SECONDS = 120


def main(plan: dict[str, Any]) -> dict[str, Any]:
    """Start the processes, and gather what they tell."""
    # Nothing is open yet, and no thread runs, that a fork could share.
    fork = multiprocessing.get_context("fork")
    ready, told = fork.Barrier(plan["processes"]), fork.Queue()
    started = [
        fork.Process(target=work, args=(plan, number, ready, told))
        for number in range(plan["processes"])
    ]
    for process in started:
        process.start()
    found = [told.get(timeout=READY_SECONDS + plan["seconds"]) for _ in started]
    for process in started:
        process.join()
    seconds = max(one["end"] for one in found) - min(one["begin"] for one in found)
    times = [each for one in found for each in one["times"]]
    return {
        "units": len(times),
        "seconds": seconds,
        "cpu_seconds": sum(one["cpu_seconds"] for one in found),
        "times": times,
    }


def work(plan: dict[str, Any], number: int, ready: Any, told: Any) -> None:
    """One process: warm up, wait for the others, post until the time is over."""
    job = job_context(create_app(load()))
    threads: int = plan["threads"]
    clients = [number * threads + thread for thread in range(threads)]
    with ThreadPoolExecutor(threads) as pool:

        def turn(name: str, seconds: float) -> list[float]:
            until = time.monotonic() + seconds
            each = pool.map(
                lambda client: _post(job, f"{name}_{client}", client, plan, until), clients
            )
            return [took for some in each for took in some]

        turn("warm", plan["warmup"])
        ready.wait(READY_SECONDS)
        begin, cpu = time.monotonic(), time.process_time()
        times = turn("ch", plan["seconds"])
        told.put(
            {
                "begin": begin,
                "end": time.monotonic(),
                "cpu_seconds": time.process_time() - cpu,
                "times": times,
            }
        )


def _post(
    job: JobContext, prefix: str, client: int, plan: dict[str, Any], until: float
) -> list[float]:
    """Settle payments one after the other, of one host after the other; the seconds of each."""
    times: list[float] = []
    clearing, revenue = AccountKind.PROCESSOR_CLEARING, AccountKind.PLATFORM_REVENUE
    paid, host, kept = (Money(n, "USD") for n in (books.PAID, -books.HOST, -books.KEPT))
    while (began := time.monotonic()) < until:
        turn = len(times)
        site = ids.of(ids.SITE, (client + plan["clients"] * turn) % plan["hosts"])
        with job.transaction() as session:
            legs = [
                Leg(clearing, paid),
                Leg(AccountKind.DEFERRED_HOST_SHARE, host, site),
                Leg(revenue, kept),
            ]
            at = job.clock.now()
            post(session, source=f"{prefix}_{turn}", reason=PAYMENT_SETTLED, legs=legs, at=at)
        times.append(time.monotonic() - began)
    return times
