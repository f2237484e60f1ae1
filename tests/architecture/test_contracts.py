"""The import contracts catch what they are for: a planted violation of each is reported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# (file that is planted, what it imports, the contract that must report it)
VIOLATIONS = [
    ("catalog/service/planted.py", "import marketplace.booking.errors", "The packages, top to bottom"),
    ("core/planted.py", "import marketplace.web.etags", "The packages, top to bottom"),
    ("booking/rules/planted.py", "import marketplace.booking.service", "Inside a package, top to bottom"),
    ("booking/rules/planted.py", "import sqlalchemy", "Rules, states, events, money and clock know no framework"),
    ("payments/service/planted.py", "import flask", "Flask stays in routes, access, pages, web, cli and app"),
    ("payments/service/planted.py", "import stripe", "SDKs stay in adapters"),
    ("booking/service/planted.py", "import marketplace.catalog.models", "The models of catalog are its own"),
    ("core/planted.py", "import config.settings", "The product never imports its configuration"),
]  # fmt: skip


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    for name in ("marketplace", "config"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_keeps_its_contracts():
    result = contracts(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), VIOLATIONS)
def test_a_planted_violation_is_reported(copy, file, line, contract):
    planted = copy / "marketplace" / file
    planted.write_text(f'"""Planted."""\n\n{line}\n')
    result = contracts(copy)
    assert result.returncode == 1
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), result.stdout
