"""Every command is found by name, says what it is for, and needs no other's code."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from marketplace import cli
from marketplace.core.loading import named

ROOT = Path(__file__).parents[2]
ALL = [found for found in vars(cli).values() if isinstance(found, cli.Later)]


def test_flask_finds_every_command():
    offered = {
        point.name: point.value
        for point in entry_points(group="flask.commands")
        if point.value.startswith("marketplace.")
    }
    assert offered == {one.name: f"marketplace.cli:{one.name}" for one in ALL}


@pytest.mark.parametrize("command", ALL, ids=lambda one: one.name)
def test_what_stands_for_a_command_says_what_the_command_says(command):
    itself = named(command.where)
    assert itself.name == command.name
    assert itself.get_short_help_str(200) == command.short_help


def test_a_command_that_needs_no_domain_imports_none():
    code = (
        "import sys; from marketplace.cli import schema;"
        "print([m for m in sys.modules if m.startswith('marketplace.') and '.service' in m])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "marketplace.booking" not in out.stdout
    assert "marketplace.catalog" not in out.stdout
