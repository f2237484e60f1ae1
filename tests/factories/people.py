"""Accounts for tests, signed in, as a request would find them.

`people` is a fixture (see below); in a module's conftest:

    from tests.factories.people import people  # noqa: F401 - a fixture
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from marketplace.core.clock import Clock
from marketplace.core.db import edge
from marketplace.identity import queries
from marketplace.identity.service import accounts, memberships, profiles
from marketplace.web import context

PASSWORD = "a password for tests"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """An account, and the header by which its requests are signed in."""

    id: UUID
    email: str
    name: str
    token: str
    password: str = PASSWORD

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class People:
    """Makes accounts in an application's database and commits them."""

    def __init__(self, app: Flask) -> None:
        self._app: Flask | None = app

    def make(
        self,
        *roles: str,
        email: str | None = None,
        name: str = "Asha Rao",
        confirmed: bool = True,
        site_id: UUID | None = None,
        **account: Any,
    ) -> Person:
        """Return a person with `roles`, those of a host at `site_id`."""
        address = email or f"person-{next(_numbers)}@example.org"
        with self._edge() as (session, now):
            made = accounts.create_account(
                session, address, PASSWORD, name, confirmed=confirmed, now=now, **account
            )
            for role in roles:
                at = site_id if role in {"site_owner", "coordinator", "preceptor"} else None
                memberships.grant_role(session, made.id, role, site_id=at, now=now)
            return Person(made.id, made.email, made.name, made.get_auth_token())

    def trainee(self, **changes: Any) -> Person:
        """Return a trainee with a filled-in profile: a graduate from India who needs a visa."""
        facts = {
            "school_country": "IN",
            "citizenship": "other",
            "needs_visa": True,
            "graduation_date": date(2025, 3, 31),
            "step1_result": "passed",
            "step2_ck_score": 245,
        }
        about_account = {
            key: changes.pop(key) for key in ("email", "name", "time_zone") if key in changes
        }
        person = self.make("trainee", **about_account)
        with self._edge() as (session, now):
            content = profiles.ProfileData(**{**facts, **changes})
            profiles.save(session, person.id, content, recorded_by=person.id, now=now)
        return person

    def grant(self, person: Person, role: str, *, site_id: UUID | None = None) -> None:
        with self._edge() as (session, now):
            memberships.grant_role(session, person.id, role, site_id=site_id, now=now)

    def roles_of(self, person: Person) -> set[str]:
        with self._edge() as (session, _):
            return {row.role for row in queries.live_memberships(session, person.id)}

    def close(self) -> None:
        """Refuse to make anything more: the test's database is gone."""
        self._app = None

    def _edge(self) -> "_Edge":
        if self._app is None:
            raise RuntimeError("the test that these people belong to is over")
        return _Edge(self._app)


class _Edge:
    """An application context whose session commits at its end."""

    def __init__(self, app: Flask) -> None:
        self._context = app.app_context()

    def __enter__(self) -> Any:
        self._context.push()
        session = context.session()
        self._edge = edge(session)
        return self._edge.__enter__(), context.parts().get(Clock).now()

    def __exit__(self, *error: object) -> None:
        try:
            self._edge.__exit__(*error)
        finally:
            self._context.pop()


@pytest.fixture
def people(app: Flask) -> Iterator[People]:
    made = People(app)
    yield made
    made.close()
