"""The `flask` commands: what operators, analysts and hosts run at a terminal.

Each command is an edge of its own: one transaction, committed at its end. Commands that need no
database (`stats`, `report`) run without any settings. Results go to standard output, progress and
errors to standard error; the exit status is 0 only if all of it was done.
"""

from marketplace.cli.accounts import accounts
from marketplace.cli.analysis import report, stats
from marketplace.cli.catalog import listings
from marketplace.cli.demo import demo
from marketplace.cli.money import payments
from marketplace.cli.outcomes import outcomes
from marketplace.cli.system import check, clock, db, jobs, routes, worker
from marketplace.cli.tiers import tiers

__all__ = [
    "accounts",
    "check",
    "clock",
    "db",
    "demo",
    "jobs",
    "listings",
    "outcomes",
    "payments",
    "report",
    "routes",
    "stats",
    "tiers",
    "worker",
]
