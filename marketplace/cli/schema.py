"""Commands about the schema and the routes, which need none of the domain's code."""

import sys
from typing import Any

import click
from flask.cli import routes_command, with_appcontext

from marketplace.adapters import migrate
from marketplace.core.settings import Settings
from marketplace.web import context
from marketplace.web.context import parts


@click.group()
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@click.argument("revision", default="head")
@with_appcontext
def upgrade(revision: str) -> None:
    """Run the migrations up to REVISION (default: all)."""
    url = parts().get(Settings).database_url
    for name in migrate.pending(url):
        click.echo(f"migration {name}", err=True)
    migrate.upgrade(url, revision)


@db.command("pending")
@with_appcontext
def pending() -> None:
    """List the migrations that the database still lacks; exit status 1 if there are any."""
    missing = migrate.pending(parts().get(Settings).database_url)
    for name in missing:
        click.echo(name)
    sys.exit(1 if missing else 0)


@click.command("routes", params=list(routes_command.params))
@with_appcontext
def routes(**options: Any) -> None:
    """List every route with its endpoint and methods."""
    context.load_routes()
    click.get_current_context().invoke(routes_command, **options)
