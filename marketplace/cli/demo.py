"""The demo: accounts of every kind, the host's spreadsheet, benchmarks, a panel of past trainees.

Loading it again changes nothing, so that every start of the demo may simply load it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from uuid import UUID

import click
from flask.cli import with_appcontext

from marketplace.catalog.service import importing, publishing
from marketplace.cli.edge import now, parts, readable, table, transaction
from marketplace.core.db import Session
from marketplace.core.settings import Settings
from marketplace.identity import queries
from marketplace.identity.rules import Citizenship, Role, Step1Result, VisaType
from marketplace.identity.service import memberships, profiles
from marketplace.identity.service.accounts import create_account
from marketplace.identity.service.profiles import ProfileData
from marketplace.reporting.service import benchmarks, panel_import

# Shown on the terminal and in the documentation; refused in production with the whole demo.
PASSWORD = "a rotation in Chicago"  # noqa: S105 - a published password, for the demo only
MATCH_YEAR = 2024


@dataclass(frozen=True)
class Person:
    """Someone to sign in as."""

    email: str
    name: str
    role: Role
    about: str
    profile: ProfileData | None = None


PEOPLE = (
    Person("owner@demo.test", "Morgan Reyes", Role.SITE_OWNER, "owns the sites of the spreadsheet"),
    Person("operator@demo.test", "Alex Kim", Role.OPERATOR, "reviews tiers, sees everything"),
    Person("analyst@demo.test", "Noor Haddad", Role.ANALYST, "makes reports and exports"),
    Person(
        "student@demo.test",
        "Ana Souza",
        Role.TRAINEE,
        "a student in Brazil, Step 1 passed",
        ProfileData(
            school_country="BR",
            school_name="Universidade de São Paulo",
            citizenship=Citizenship.OTHER.value,
            needs_visa=True,
            visa_type=VisaType.B1_B2.value,
            graduation_date=date(2028, 6, 30),
            step1_result=Step1Result.PASSED.value,
            step2_ck_score=248,
            target_specialty="internal_medicine",
        ),
    ),
    Person(
        "graduate@demo.test",
        "Samuel Okoro",
        Role.TRAINEE,
        "a graduate and United States citizen",
        ProfileData(
            school_country="DM",
            school_name="Ross University School of Medicine",
            citizenship=Citizenship.US_CITIZEN.value,
            needs_visa=False,
            graduation_date=date(2025, 5, 16),
            step1_result=Step1Result.PASSED.value,
            step2_ck_score=236,
            target_specialty="family_medicine",
        ),
    ),
)


@click.group()
def demo() -> None:
    """The demo's data; never in production."""


@demo.command("load")
@with_appcontext
@readable
def load() -> None:
    """Load what is not there yet."""
    if parts().get(Settings).production:
        raise click.ClickException("the demo is not for production: its passwords are published")
    at = now()
    with transaction() as session:
        known = all(queries.account_by_email(session, person.email) for person in PEOPLE)
    if known:
        click.echo("the demo is loaded already")
        return
    with transaction() as session:
        accounts = {person.email: _person(session, person, at) for person in PEOPLE}
        click.echo(f"{len(accounts)} accounts")
        _listings(session, accounts["owner@demo.test"], at)
        click.echo(f"{benchmarks.load_shipped(session, at)} published benchmarks")
        panel = _data("marketplace.reporting", "sample_panel.csv").decode()
        result = panel_import.import_panel(session, panel, MATCH_YEAR, at)
        click.echo(f"a panel of past trainees for the {MATCH_YEAR} Match: {result}")


@demo.command("accounts")
@with_appcontext
def show_accounts() -> None:
    """Print whom one can sign in as."""
    table(
        ["address", "password", "who"],
        [[person.email, PASSWORD, f"{person.name}, {person.about}"] for person in PEOPLE],
    )


def _person(session: Session, person: Person, at: datetime) -> UUID:
    known = queries.account_by_email(session, person.email)
    if known is not None:
        return known.id
    account = create_account(session, person.email, PASSWORD, person.name, confirmed=True, now=at)
    if person.role not in (Role.TRAINEE, Role.SITE_OWNER):
        memberships.grant_role(session, account.id, person.role, now=at)
    elif person.role is Role.TRAINEE:
        memberships.grant(session, account.id, person.role, granted_by=None, now=at)
    if person.profile is not None:
        profiles.save(session, account.id, person.profile, recorded_by=account.id, now=at)
    return account.id


def _listings(session: Session, owner: UUID, at: datetime) -> None:
    sheet = _data("marketplace.catalog", "host_listings.csv")
    plan = importing.import_listings(session, sheet, owner, commit=True, now=at)
    answers = publishing.request_all(session, owner, owner, at)
    states = [answer.state for answer in answers]
    click.echo(
        f"the host's spreadsheet: {len(plan.of('created'))} listings,"
        f" {states.count('published')} published, {states.count('in_review')} wait for review,"
        f" {len(plan.of('refused'))} rows refused"
    )


def _data(package: str, name: str) -> bytes:
    return (files(package) / "data" / name).read_bytes()
