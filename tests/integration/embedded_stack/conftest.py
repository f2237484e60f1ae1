"""Folders that another user may be given: pytest's own are closed to others."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary folder that everybody can pass through."""
    made = Path(tempfile.mkdtemp(prefix="stack-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
