"""What must hold after the storm, asked of the database, the command line and the sandbox."""

from collections.abc import Mapping
from typing import Any

from tests.e2e.site import Site
from tests.smoke.clients import StoryBroken, until

# Each must find nothing; the words say what it would be.
NEVER: Mapping[str, str] = {
    "a week with more seats taken than there are": """
        SELECT count(*) FROM seat_week WHERE taken > capacity OR taken < 0""",
    "a trainee with two seats in one week": """
        SELECT count(*) FROM (SELECT 1 FROM booking_week WHERE released_at IS NULL
                               GROUP BY trainee_id, week HAVING count(*) > 1) AS twice""",
    "a seat kept by a booking that is over": """
        SELECT count(*) FROM booking_week w JOIN booking b ON b.id = w.booking_id
         WHERE w.released_at IS NULL AND b.state IN ('expired', 'withdrawn', 'declined',
               'cancelled_by_trainee', 'cancelled_by_host', 'cancelled_by_operator')""",
    "a booking without a week that it needs": """
        SELECT count(*) FROM booking b
         WHERE b.state IN ('held', 'submitted', 'awaiting_payment', 'confirmed')
           AND b.weeks <> (SELECT count(*) FROM booking_week w
                            WHERE w.booking_id = b.id AND w.released_at IS NULL)""",
    "a confirmed booking that nobody paid": """
        SELECT count(*) FROM booking WHERE state = 'confirmed' AND paid_minor < deposit_minor""",
    "money for a seat that is not theirs, and no refund": """
        SELECT count(*) FROM payment p JOIN booking b ON b.id = p.payable_id
         WHERE p.state = 'settled' AND b.state IN ('expired', 'withdrawn', 'declined')
           AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.payment_id = p.id
                            AND r.state <> 'failed')""",
    "two payments kept for one booking's deposit": """
        SELECT count(*) FROM (
            SELECT 1 FROM payment p
             WHERE p.state = 'settled'
               AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.payment_id = p.id)
             GROUP BY p.payable_id, p.purpose HAVING count(*) > 1) AS twice""",
    "a refund beyond what was paid": """
        SELECT count(*) FROM payment p
         WHERE p.amount_minor < (SELECT coalesce(sum(r.amount_minor), 0) FROM refund r
                                  WHERE r.payment_id = p.id AND r.state = 'settled')""",
    "a ledger transaction that does not sum to zero": """
        SELECT count(*) FROM (SELECT 1 FROM ledger_entry
                               GROUP BY transaction_id, currency
                              HAVING sum(amount_minor) <> 0) AS wrong""",
    "an application or a rotation without its school's word": """
        SELECT count(*) FROM booking b
         WHERE b.school_id IS NOT NULL AND b.price ->> 'replaces' IS NULL
           AND b.state IN ('submitted', 'more_asked', 'confirmed', 'in_progress', 'completed')
           AND NOT EXISTS (SELECT 1 FROM school_request r
                            WHERE r.booking_id = b.id AND r.state = 'approved')""",
    "a seat that is kept though its school has declined": """
        SELECT count(*) FROM booking b JOIN school_request r ON r.booking_id = b.id
         WHERE r.state = 'declined' AND b.state <> 'declined'""",
    "a school's word on a booking of no student of its": """
        SELECT count(*) FROM booking b JOIN school_request r ON r.booking_id = b.id
         WHERE b.school_id IS DISTINCT FROM r.school_id
            OR NOT EXISTS (SELECT 1 FROM school_student s
                            WHERE s.school_id = r.school_id AND s.account_id = b.trainee_id)""",
    "a state that the history does not end in": """
        SELECT count(*) FROM booking b
         WHERE b.state <> (SELECT t.to_state FROM booking_transition t
                            WHERE t.booking_id = b.id ORDER BY t.number DESC LIMIT 1)""",
}
GIVEN_UP = """
    SELECT string_agg(DISTINCT task_name || ' ' || args::text, ', ')
      FROM procrastinate_jobs WHERE status = 'failed'
"""
WAITING = """
    SELECT count(*) FROM procrastinate_jobs
     WHERE status IN ('todo', 'doing') AND coalesce(scheduled_at, now()) <= now()
"""
LEFT = """
    SELECT string_agg(DISTINCT task_name || ' ' || status, ', ') FROM procrastinate_jobs
     WHERE status IN ('todo', 'doing') AND coalesce(scheduled_at, now()) <= now()
"""
# A killed worker's jobs are given back at the next full minute, and may then have to wait for
# others that were tried in vain before.
SETTLED_WITHIN = 150.0
FACTS: Mapping[str, str] = {
    "bookings": "SELECT count(*) FROM booking",
    "transitions": "SELECT count(*) FROM booking_transition",
    "payments_settled": "SELECT count(*) FROM payment WHERE state = 'settled'",
    "refunds": "SELECT count(*) FROM refund",
    "asked_of_schools": "SELECT count(*) FROM school_request",
    "approved_by_schools": "SELECT count(*) FROM school_request WHERE state = 'approved'",
    "declined_by_schools": "SELECT count(*) FROM school_request WHERE state = 'declined'",
    "ledger_entries": "SELECT count(*) FROM ledger_entry",
    "webhook_events": "SELECT count(*) FROM webhook_event",
}


def settle(site: Site) -> None:
    """Let everything that was asked for be done: jobs of the dead given back, events sent again."""
    site.forget_silent_workers()
    site.terminal("jobs", "run", "payments.poll")
    try:
        until("the queue to be empty", lambda: site.sql(WAITING) == 0, SETTLED_WITHIN)
    except StoryBroken as broken:
        raise StoryBroken(f"{broken}: {site.sql(LEFT)}") from broken


def findings(site: Site, acknowledged: Mapping[str, str]) -> list[str]:
    """Return what should never be and is; nothing is the promise kept."""
    found = [f"{count}: {what}" for what, query in NEVER.items() if (count := site.sql(query)) != 0]
    if given_up := site.sql(GIVEN_UP):
        found.append(f"jobs that were given up: {given_up}; see the worker's log")
        log = (site.stack.home / "logs" / "worker.log").read_text().splitlines()
        found += [line[:2000] for line in log if "job_given_up" in line][:3]
    known = site.sql("SELECT count(*) FROM booking WHERE id::text = ANY(:ids)", ids=[*acknowledged])
    if known != len(acknowledged):
        found.append(f"{len(acknowledged) - known}: a booking that was acknowledged and is gone")
    for command in (("check",), ("payments", "reconcile")):
        try:
            site.terminal(*command)
        except StoryBroken as broken:
            found.append(f"flask {' '.join(command)}: {broken}")
    return found


def facts(site: Site) -> dict[str, Any]:
    """Return how much of everything there is."""
    return {name: site.sql(query) for name, query in FACTS.items()}
