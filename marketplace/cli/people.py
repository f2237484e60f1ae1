"""Accounts and memberships, for the first operator of a new installation and for demos."""

from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.cli.edge import now, readable, table, transaction
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries
from marketplace.identity.service import memberships
from marketplace.identity.service.accounts import create_account, normalize_address


@click.group()
def accounts() -> None:
    """Accounts and what they may do."""


@accounts.command("create")
@click.argument("email")
@click.option("--name", required=True, help="How the person is addressed.")
@click.option("--role", help="A role to grant at once, such as operator or analyst.")
@click.password_option(help="Asked for if it is not given.")
@with_appcontext
@readable
def create(email: str, name: str, role: str | None, password: str) -> None:
    """Make an account with a confirmed address; nothing is mailed."""
    with transaction() as session:
        account = create_account(session, email, password, name, confirmed=True, now=now())
        if role is not None:
            memberships.grant_role(session, account.id, role, now=now())
        click.echo(str(account.id))


@accounts.command("grant")
@click.argument("email")
@click.argument("role")
@click.option("--site", type=click.UUID, help="The site, for a role at one.")
@with_appcontext
@readable
def grant(email: str, role: str, site: UUID | None) -> None:
    """Give an account a role; twice is once."""
    with transaction() as session:
        account_id = find(session, email)
        memberships.grant_role(session, account_id, role, site_id=site, now=now())


@accounts.command("list")
@click.option("--text", help="Part of the name or address.")
@with_appcontext
def list_accounts(text: str | None) -> None:
    """List accounts by address, 100 at most."""
    with transaction() as session:
        page = queries.accounts(session, text=text, limit=100, cursor=None)
        rows = [
            [row.email, row.name, "yes" if row.confirmed_at else "no", row.id] for row in page.items
        ]
    table(["address", "name", "confirmed", "id"], rows)


def find(session: Session, email: str) -> UUID:
    """Return the id of the account with this address."""
    account = queries.account_by_email(session, normalize_address(email))
    if account is None:
        raise NotFound(f"There is no account with the address {email}.")
    return account.id
