"""The layout holds: file vocabulary, size of files, docstrings, imports at the top, light start."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAIN = (
    "identity",
    "catalog",
    "compliance",
    "payments",
    "booking",
    "outcomes",
    "reporting",
    "webhooks",
)
VOCABULARY = {
    "__init__", "routes", "tasks", "schemas", "subscribers", "service", "gateway", "queries",
    "models", "rules", "states", "events", "errors", "access", "data", "templates",
}  # fmt: skip
LONGEST_FILE = 400
# Loaded where they are used, so that the web process never pays for them.
HEAVY = {
    "scipy", "numpy", "polars", "altair", "pyreadstat", "typst", "pandas", "vl_convert",
    "python_calamine", "xlsxwriter", "holidays", "icalendar", "matching", "qrcode",
}  # fmt: skip


def sources(*folders: str):
    for folder in folders:
        yield from (
            path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts
        )


@pytest.mark.parametrize("package", DOMAIN)
def test_a_package_uses_the_closed_set_of_file_names(package):
    names = {
        path.stem
        for path in (ROOT / "marketplace" / package).iterdir()
        if path.name != "__pycache__"
    }
    assert names - VOCABULARY == set()


@pytest.mark.parametrize("package", DOMAIN)
def test_a_package_says_what_it_owns_promises_and_refuses(package):
    tree = ast.parse((ROOT / "marketplace" / package / "__init__.py").read_text())
    text = (ast.get_docstring(tree) or "").lower()
    assert "owns" in text
    assert "promises" in text
    assert "refuses" in text
    assert len(tree.body) == 1, "a package's __init__ is its docstring"


def test_files_stay_short():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("marketplace", "config", "tests", "benchmarks", "migrations")
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("marketplace", "config", "migrations")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_imports_stand_at_the_top_but_for_the_heavy_ones():
    inside = []
    for path in sources("marketplace", "config"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    names = (
                        [alias.name for alias in inner.names]
                        if isinstance(inner, ast.Import)
                        else [inner.module or ""]
                        if isinstance(inner, ast.ImportFrom)
                        else []
                    )
                    inside += [
                        f"{path.relative_to(ROOT)}:{inner.lineno} {name}"
                        for name in names
                        if name.split(".")[0] not in HEAVY
                    ]
    assert sorted(set(inside)) == []


def test_the_web_process_starts_without_the_heavy_libraries():
    code = (
        "import sys, json, time; began = time.process_time();"
        "from tests import settings; from marketplace.app import create_app;"
        "app = create_app(settings.make()); client = app.test_client();"
        "status = client.get('/healthz').status_code;"
        "print(json.dumps({'status': status, 'loaded': sorted({m.split('.')[0] for m in sys.modules})}))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = json.loads(out.stdout.splitlines()[-1])
    assert seen["status"] == 200
    assert set(seen["loaded"]) & HEAVY == set()


def test_migrations_never_import_the_models():
    for path in sources("migrations"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                name = getattr(node, "module", None) or node.names[0].name
                assert not name.startswith("marketplace"), path.name
