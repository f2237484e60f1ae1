"""The demo: accounts of every kind, the host's spreadsheet, benchmarks, a panel of past trainees.

Loading it again changes nothing, so that every start of the demo may simply load it.
"""

from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.adapters import migrate
from marketplace.catalog.queries import sites
from marketplace.catalog.service import importing, publishing, verifying
from marketplace.cli.edge import now, parts, readable, transaction
from marketplace.compliance.queries import agreements, documents
from marketplace.core.db import Session
from marketplace.core.loading import named
from marketplace.core.settings import Settings
from marketplace.embedded import alumni, people
from marketplace.identity import queries
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships, profiles
from marketplace.identity.service.accounts import create_account
from marketplace.identity.service.profiles import ProfileData
from marketplace.reporting.service import benchmarks, panel_import

MATCH_YEAR = 2024


@click.group()
def demo() -> None:
    """The demo's data; never in production."""


@demo.command("load")
@click.option("--upgrade", is_flag=True, help="Run the migrations first.")
@with_appcontext
@readable
def load(upgrade: bool) -> None:  # noqa: FBT001 - click calls by keyword
    """Load what is not there yet: people and places, then what waits at the desk."""
    settings = parts().get(Settings)
    if settings.production:
        raise click.ClickException("the demo is not for production: its passwords are published")
    if upgrade:
        _upgrade(settings.database_url)
    at = now()
    told = [*_people_and_places(at)]
    if not _desk_is_set():
        # Much is imported for it, which a later start has no use for.
        told += named("marketplace.cli.demo_host:Week")(parts(), transaction, at).load()
    click.echo("\n".join(told) or "the demo is loaded already")


def _people_and_places(at: datetime) -> Iterator[str]:
    with transaction() as session:
        new = [who for who in people.PEOPLE if queries.account_by_email(session, who.email) is None]
        ids = {who.email: _person(session, who, at) for who in people.PEOPLE}
        if new:
            yield f"{len(new)} accounts"
        if sites.of_owner(session, ids["owner@demo.test"]):
            return
        yield _listings(session, ids["owner@demo.test"], ids["operator@demo.test"], at)
        benchmarks.load_shipped(session, at)
        yield "the published benchmarks"
        panel = _data("marketplace.reporting", "sample_panel.csv").decode()
        result = panel_import.import_panel(session, panel, MATCH_YEAR, at)
        yield f"a panel of {result.rows} past trainees for the {MATCH_YEAR} Match"


def _desk_is_set() -> bool:
    """Whether the first, the newest and the last of what the desks have to do is there already."""
    with transaction() as session:
        owner, last = (
            queries.account_by_email(session, one) for one in ("owner@demo.test", alumni.LAST)
        )
        if owner is None or last is None:
            return False
        named_so = sites.names(session, sites.of_owner(session, owner.id)).values()
        begun = alumni.NEW.name in named_so and agreements.templates(session)
        return bool(begun) and documents.count_of(session, last.id) > 0


@demo.command("accounts")
def show_accounts() -> None:
    """Print whom one can sign in as."""
    people.main()


def _upgrade(url: str) -> None:
    pending = migrate.pending(url)
    if pending:
        migrate.upgrade(url)
        click.echo(f"{len(pending)} migrations")


def _person(session: Session, who: people.Person, at: datetime) -> UUID:
    known = queries.account_by_email(session, who.email)
    if known is not None:
        return known.id
    account = create_account(
        session,
        who.email,
        people.PASSWORD,
        who.name,
        time_zone=who.time_zone,
        confirmed=True,
        now=at,
    )
    # Ownership of sites comes with importing them, a school's coordinator with the school.
    if who.role not in (Role.SITE_OWNER, Role.SCHOOL_COORDINATOR):
        memberships.grant_role(session, account.id, who.role, now=at)
    if who.profile is not None:
        data = ProfileData(**who.profile)  # type: ignore[arg-type] # plain data of ours
        profiles.save(session, account.id, data, recorded_by=account.id, now=at)
    return account.id


def _listings(session: Session, owner: UUID, operator: UUID, at: datetime) -> str:
    sheet = _data("marketplace.catalog", "host_listings.csv")
    plan = importing.import_listings(session, sheet, owner, commit=True, now=at)
    _verify_sites(session, owner, operator, at)
    answers = publishing.request_all(session, owner, owner, at)
    states = [answer.state for answer in answers]
    return (
        f"the host's spreadsheet: {len(plan.of('created'))} listings,"
        f" {states.count('published')} published, {states.count('in_review')} wait for review,"
        f" {len(plan.of('refused'))} rows refused"
    )


def _verify_sites(session: Session, owner: UUID, operator: UUID, at: datetime) -> None:
    evidence = verifying.Evidence("other", "The demo's own site.")
    for site_id in sites.of_owner(session, owner):
        verifying.verify(session, site_id, evidence, note="", account_id=operator, now=at)


def _data(package: str, name: str) -> bytes:
    return (files(package) / "data" / name).read_bytes()
