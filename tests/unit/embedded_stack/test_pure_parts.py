"""What of the stack needs no process: orders, summaries, secrets, refusals, addresses."""

import base64
import json
import signal
import stat
from pathlib import Path

import pytest

from marketplace.embedded import guard, run
from marketplace.embedded.guard import Orders
from marketplace.embedded.privileges import Unprivileged, can_reach, reachable_copy
from marketplace.embedded.processes import (
    DirectoryInUseError,
    DirectoryLock,
    StackError,
    log_tail,
    write_private,
)
from marketplace.embedded.secrets_file import Secrets
from marketplace.embedded.stack import Stack
from marketplace.embedded.supervisor import delay_after, open_log, summary

STRANGER = Unprivileged("stranger", 54321, 54321)


def test_orders_survive_the_command_line():
    orders = Orders(
        parent=17,
        command=["server", "--parent", "5", "-x"],
        stop_signal=signal.SIGINT,
        grace=2.5,
        user=1,
        group=2,
        directory="/somewhere",
        remove="/else where",
        keep_fd=7,
    )
    arguments = orders.argv()
    assert guard.parse(arguments[arguments.index("--parent") :]) == orders


def test_a_guard_without_a_command_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        guard.parse(["--parent", "1", "--"])
    assert "command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"level": "info", "event": "request"}', None),
        ('{"level": "warning", "event": "slow"}', "warning: slow"),
        (
            '{"level": "ERROR", "event": "failed", "exception": "a\\nKeyError: 1"}',
            "ERROR: failed KeyError: 1",
        ),
        ("{not json", "{not json"),
        ("127.0.0.1 GET /", None),
        ("[ERROR] no such table", "[ERROR] no such table"),
        ("ValueError: no", "ValueError: no"),
    ],
)
def test_the_terminal_shows_what_a_person_should_see(line: str, shown: str | None):
    assert summary(line) == shown


def test_the_delay_doubles_up_to_a_limit():
    assert [delay_after(n) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]
    assert delay_after(10_000) == 30.0


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("marketplace.embedded.supervisor.LARGEST_LOG_BYTES", 10)
    path = tmp_path / "web.log"
    path.write_text("x" * 11)
    with open_log(path) as log:
        log.write(b"new")
    assert path.read_text() == "new"
    assert (tmp_path / "web.log.1").read_text() == "x" * 11


def test_the_tail_of_a_log(tmp_path: Path):
    log = tmp_path / "server.log"
    assert "no log" in log_tail(log)
    log.write_text("")
    assert "nothing was written" in log_tail(log)
    log.write_text("".join(f"line {n}\n" for n in range(50_000)))
    assert log_tail(log).split() == [
        word for n in range(49_985, 50_000) for word in ("line", str(n))
    ]


def test_secrets_are_made_once_and_private(tmp_path: Path):
    path = tmp_path / "secrets.json"
    made = Secrets.of(path)
    assert Secrets.of(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(made.letter_key)) == 32
    assert made.stripe_webhook_secret.startswith("whsec_")
    assert made.secret_key not in repr(made)
    assert Secrets.new() != made


def test_a_secrets_file_of_an_earlier_version_gets_the_key_that_it_lacks(tmp_path: Path):
    path = tmp_path / "secrets.json"
    made = Secrets.of(path)
    kept = json.loads(path.read_text())
    del kept["badge_key"]
    path.write_text(json.dumps(kept))
    again = Secrets.of(path)
    assert again.letter_key == made.letter_key
    assert again.badge_key != made.badge_key
    assert Secrets.of(path) == again


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"secret_key": "x"}), "[1]"])
def test_a_damaged_secrets_file_is_told(tmp_path: Path, content: str):
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(StackError, match=r"secrets\.json"):
        Secrets.of(path)


def test_a_private_file_replaces_a_leftover(tmp_path: Path):
    (tmp_path / "x.partial").write_text("half")
    write_private(tmp_path / "x", "whole")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "whole")]


def test_a_locked_directory_says_who_holds_it(tmp_path: Path):
    first, second = DirectoryLock(tmp_path / "lock"), DirectoryLock(tmp_path / "lock")
    first.acquire(patience=0, busy="busy")
    with pytest.raises(DirectoryInUseError, match=r"busy \(process \d+\)"):
        second.acquire(patience=0, busy="busy")
    first.release()
    second.acquire(patience=0, busy="busy")
    second.release()
    with pytest.raises(StackError):
        _ = second.descriptor


def test_a_closed_folder_on_the_way_is_noticed(tmp_path: Path):
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not can_reach(open_folder, STRANGER)
    assert can_reach(open_folder, None)
    owner = Unprivileged("owner", tmp_path.stat().st_uid, tmp_path.stat().st_gid)
    assert can_reach(tmp_path, owner) == all(can_reach(p, owner) for p in tmp_path.parents)


def test_programs_out_of_reach_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tree, cache = tmp_path / "closed" / "program", tmp_path / "cache"
    tree.mkdir(parents=True)
    cache.mkdir()
    (tree / "run").write_text("v1")
    monkeypatch.setattr("marketplace.embedded.privileges.shared_place", lambda *_: cache)
    tree.parent.chmod(0o700)
    copy = reachable_copy([tree], "1.0", STRANGER)
    assert (copy / "program" / "run").read_text() == "v1"
    assert reachable_copy([tree], "1.0", STRANGER) == copy
    assert reachable_copy([tree], "1.0", None) == tree.parent
    (tree / "run").write_text("version 2")
    assert reachable_copy([tree], "1.0", STRANGER) != copy


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"MARKETPLACE_ENV": "production"}, "production"),
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, "live key"),
        ({"STRIPE_SECRET_KEY": "rk_live_1"}, "live key"),
    ],
)
def test_the_stack_refuses_production(tmp_path: Path, given: dict[str, str], reason: str):
    with pytest.raises(StackError, match=reason):
        Stack(tmp_path / "home", given=given).start()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://u:secret@h:1/d", "postgresql+psycopg://u:***@h:1/d"),
        ("redis://:secret@127.0.0.1:5/0", "redis://:***@127.0.0.1:5/0"),
        ("smtp://127.0.0.1:25", "smtp://127.0.0.1:25"),
    ],
)
def test_no_password_is_shown(url: str, shown: str):
    assert run.without_password(url) == shown


def test_the_usual_plan():
    plan = run.usual_plan(8123, web_workers=3, demo=True)
    assert [child.name for child in plan.children] == ["web", "worker"]
    assert {"--port", "8123", "--workers", "3"} <= set(plan.children[0].command)
    assert [step.title for step in plan.steps] == ["migrating and loading the demo"]
    bare = run.usual_plan(8123, web_workers=1, demo=False)
    assert [step.title for step in bare.steps] == ["migrating"]
    assert not bare.epilogue


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--workers", "0"]])
def test_a_wrong_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        run.parser().parse_args(arguments)
    assert arguments[0] in capsys.readouterr().err
