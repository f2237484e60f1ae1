"""`flask db` and `flask routes`: what an operator runs at a release."""

import pytest

from marketplace.adapters import migrate
from marketplace.cli.schema import db, routes


@pytest.fixture
def run(live):
    return lambda command, *given: live.app.test_cli_runner().invoke(command, given)


def test_what_a_database_lacks_is_listed_and_run(live, run):
    assert (run(db, "pending").exit_code, run(db, "pending").output) == (0, "")
    migrate.downgrade(live.url, "-2")
    missing = run(db, "pending")
    assert missing.exit_code == 1
    names = missing.output.split()
    assert len(names) == 2
    upgraded = run(db, "upgrade")
    assert upgraded.exit_code == 0, upgraded.output
    assert [line.removeprefix("migration ") for line in upgraded.stderr.splitlines()] == names
    assert run(db, "pending").exit_code == 0
    assert run(db, "upgrade").output == ""


def test_routes_are_listed_with_those_of_areas_that_nobody_asked_for_yet(run):
    listed = run(routes)
    assert listed.exit_code == 0, listed.output
    assert all(path in listed.output for path in ("/healthz", "/api/v1/listings", "/desk/books"))
