"""The servers of a test run are shared by its processes and end with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.embedded_stack.outside import PROJECT, eventually

TESTS = """
import psycopg, pytest
from tests.servers import shared_folder, start_test_servers

@pytest.mark.parametrize("number", range(4))
def test_part(number, tmp_path_factory, worker_id):
    servers = start_test_servers(shared_folder(tmp_path_factory.getbasetemp()))
    with servers.once("template") as first:
        if first:
            servers.postgres.create_database("template")
    name = f"copy{number}"
    servers.postgres.create_database(name, "template")
    with psycopg.connect(servers.postgres.conninfo(name)):
        pass
    with open("note", "a") as note:
        print(worker_id, servers.redis_url, servers.postgres.uri, file=note)
"""


def test_parallel_processes_share_one_stack(tmp_path: Path):
    (tmp_path / "test_parts.py").write_text(TESTS)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider", "-W", "error"],
        cwd=tmp_path,
        env={**_without_xdist(), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    notes = [line.split() for line in (tmp_path / "note").read_text().splitlines()]
    assert len(notes) == 4
    assert len({uri for *_, uri in notes}) == 1
    databases = {(worker, redis.rpartition("/")[2]) for worker, redis, _ in notes}
    assert databases <= {("gw0", "0"), ("gw1", "1")}
    password = notes[0][2].split(":")[2].split("@")[0]
    assert password not in json.dumps(ended.stdout)
    port = notes[0][2].rpartition(":")[2].partition("/")[0]
    assert eventually(lambda: f"-p{port}" not in _command_lines())


def _without_xdist() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "XDIST" not in name}


def _command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text())
        except OSError:
            continue
    return "\n".join(found)
