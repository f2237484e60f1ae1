"""What is loaded when: little at the start, an area's routes with its first request, all of them once."""

import json
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from marketplace.app import AREAS, WITH_SUBSCRIBERS, WITH_TASKS, create_app, tasks_of
from marketplace.core.loading import named
from marketplace.web.areas import head
from tests import settings as test_settings

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


@pytest.fixture
def app():
    return create_app(test_settings.make())


def in_a_new_process(code: str):
    """What the last line of the output of `code` says, as JSON."""
    began = (
        "import json, sys\n"
        "from tests import settings\n"
        "from marketplace.app import create_app\n"
        "def own(): return sorted(name for name in sys.modules if name.startswith('marketplace.'))\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", began + code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout.splitlines()[-1])


def test_the_table_of_areas_is_what_the_packages_answer():
    """A missing entry would be a 404 until something else loaded the package."""
    answered = defaultdict(set)
    for package in (*DOMAIN, "pages"):
        for rule in rules_of(package):
            assert not head(rule).rpartition("/")[2].startswith("<"), (
                f"{rule} begins with a variable"
            )
            answered[head(rule)].add(package)
    assert {path: set(packages) for path, packages in AREAS.items()} == answered


def rules_of(package: str) -> set[str]:
    made = create_app(test_settings.make())
    before = {rule.rule for rule in made.url_map.iter_rules()}
    for blueprint in named(f"marketplace.{package}.routes:BLUEPRINTS"):
        made.register_area(blueprint)
    return {rule.rule for rule in made.url_map.iter_rules()} - before


def test_every_package_with_jobs_or_subscribers_is_asked_for_them():
    packages = (ROOT / "marketplace").iterdir()
    with_jobs = {path.name for path in packages if list(path.glob("tasks*"))}
    assert with_jobs == set(WITH_TASKS)
    packages = (ROOT / "marketplace").iterdir()
    assert {path.name for path in packages if list(path.glob("subscribers*"))} == set(
        WITH_SUBSCRIBERS
    )


def test_a_job_is_named_after_its_package():
    """The queue finds a task by the first part of its name."""
    for package in WITH_TASKS:
        for task in tasks_of(package):
            assert task.name.partition(".")[0] == package


def test_a_start_imports_no_routes_services_or_jobs():
    loaded = in_a_new_process("create_app(settings.make()); print(json.dumps(own()))")
    kinds = {tuple(name.split(".")[1:3]) for name in loaded}
    too_early = {
        kind for kind in kinds if kind[0] in DOMAIN and kind[-1] in {"routes", "schemas", "tasks"}
    }
    assert too_early == set()
    assert not [name for name in loaded if name.startswith("marketplace.booking.service")]


def test_a_request_loads_its_area_alone():
    seen = in_a_new_process(
        "app = create_app(settings.make())\n"
        "status = app.test_client().get('/api/v1/tiers/nothing').status_code\n"
        "print(json.dumps({'status': status, 'loaded': own()}))"
    )
    assert seen["status"] == 404
    assert "marketplace.catalog.routes" in seen["loaded"]
    assert "marketplace.booking.routes" not in seen["loaded"]
    assert "marketplace.outcomes.routes" not in seen["loaded"]


def test_every_table_that_a_key_names_is_known_before_the_first_query():
    """Written rows are put in order by their keys: a table that nobody imported would be an error.

    Each package is the first one in a process of its own, a copy of one that has just started.
    """
    found = in_a_new_process(
        "import os\n"
        "from importlib import import_module\n"
        "from sqlalchemy.orm import configure_mappers\n"
        "from marketplace.core.db import Base\n"
        "create_app(settings.make())\n"
        f"packages, told = {DOMAIN!r}, {{}}\n"
        "for package in packages:\n"
        "    reading, writing = os.pipe()\n"
        "    if os.fork() == 0:\n"
        "        os.close(reading)\n"
        "        import_module(f'marketplace.{package}.routes')\n"
        "        configure_mappers()\n"
        "        names = [table.name for table in Base.metadata.sorted_tables]\n"
        "        with os.fdopen(writing, 'w') as out:\n"
        "            json.dump(names, out)\n"
        "        os._exit(0)\n"
        "    os.close(writing)\n"
        "    with os.fdopen(reading) as answer:\n"
        "        told[package] = json.loads(answer.read() or '[]')\n"
        "    os.wait()\n"
        "print(json.dumps(told))"
    )
    assert set(found) == set(DOMAIN)
    wanted = {"account", "site", "booking", "letter"}
    assert {package: wanted - set(known) for package, known in found.items()} == {
        package: set() for package in DOMAIN
    }


def test_the_first_requests_of_many_threads_are_all_answered(app):
    """Nobody sees a map that is being written, and no blueprint is registered twice."""
    paths = [f"{path}/no-such-thing" for path in AREAS if path.startswith("/api/v1/")]
    begin = threading.Barrier(2 * len(paths) + 1)
    answers, errors = [], []

    def ask(path):
        client = app.test_client()
        begin.wait()
        try:
            answers.append((path, client.open(path, method="TRACE").status_code))
            answers.append(("/healthz", client.get("/healthz").status_code))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(path,)) for path in paths * 2]
    for thread in threads:
        thread.start()
    begin.wait()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {status for path, status in answers if path == "/healthz"} == {200}
    assert {status for path, status in answers if path != "/healthz"} <= {404, 405}
    app.load()
    assert app.areas.waiting() == frozenset()


def test_a_path_of_no_area_loads_nothing(app):
    client = app.test_client()
    before = app.areas.waiting()
    nowhere = client.get("/api/v1/nowhere")
    assert (nowhere.status_code, "/api/v1/docs" in nowhere.json["detail"]) == (404, True)
    assert client.get("/nowhere/at/all").status_code == 404
    assert app.areas.waiting() == before


def test_what_is_loaded_later_answers_as_what_was_loaded_at_once(app):
    """OPTIONS names the methods, and the document has every route, whatever was asked before."""
    client = app.test_client()
    late = client.options("/api/v1/listings").headers["Allow"]
    early = create_app(test_settings.make())
    early.load()
    assert late == early.test_client().options("/api/v1/listings").headers["Allow"]
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    assert paths == early.test_client().get("/api/v1/openapi.json").get_json()["paths"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/assets/site.css", "/assets"),
        ("/api/v1/listings", "/api/v1/listings"),
        ("/api/v1/listings/7/availability", "/api/v1/listings"),
        ("/api/v1", "/api"),
        ("/api/v1/", "/api/v1/"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_the_first_part_of_a_path(path, expected):
    assert head(path) == expected
