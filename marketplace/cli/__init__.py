"""The `flask` commands: what operators, analysts and hosts run at a terminal.

Each command is an edge of its own: one transaction, committed at its end. Commands that need no
database (`stats`, `report`) run without any settings. Results go to standard output, progress and
errors to standard error; the exit status is 0 only if all of it was done.

Flask imports every command before it runs one; these bring their code when they are the one.
"""

from typing import Any

import click

from marketplace.core.loading import named


class Later(click.Command):
    """Stands for the command that `module:attribute` names until it is run."""

    def __init__(self, name: str, where: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.where = f"marketplace.cli.{where}"

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Return the context of the command itself, which is what runs then."""
        command: click.Command = named(self.where)
        return command.make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return ctx.command.invoke(ctx)


accounts = Later("accounts", "people:accounts", "Accounts and what they may do.")
check = Later(
    "check",
    "system:check",
    "Look for what must never be: seats, holds or balances that do not add up.",
)
clock = Later(
    "clock",
    "system:clock",
    "Domain time; it can be moved only where CLOCK_FILE is set, never in production.",
)
db = Later("db", "schema:db", "The database's schema.")
demo = Later("demo", "showing:demo", "The demo's data; never in production.")
jobs = Later("jobs", "system:jobs", "Background jobs.")
listings = Later("listings", "catalog:listings", "Listings of rotations.")
outcomes = Later("outcomes", "match:outcomes", "Match outcomes and their reports.")
payments = Later("payments", "money:payments", "Payments and the ledger.")
report = Later(
    "report",
    "analysis:report",
    "Report the Match outcomes of PANEL, a CSV with one row a trainee.",
)
routes = Later("routes", "schema:routes", "List every route with its endpoint and methods.")
stats = Later(
    "stats",
    "analysis:stats",
    "Answer statistical cases: JSON on standard input, JSON on standard output.",
)
tiers = Later("tiers", "reclassifying:tiers", "Tiers of clinical experience.")
worker = Later(
    "worker",
    "system:worker",
    "Run background jobs until told to stop; what runs then is finished first.",
)
