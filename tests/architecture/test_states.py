"""A booking's state changes in one module, in one statement or two, and nowhere else."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "marketplace"
# Where a booking's row and its history are written.
WRITERS = {"booking/queries/writing.py", "booking/service/transition.py"}
COLUMNS = {"state", "version", "hold_expires_at"}
SQL = re.compile(r"(UPDATE|INSERT INTO|DELETE FROM)\s+booking(_transition)?\b", re.IGNORECASE)


def offences(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0] if node.args else None
            table = first.id if isinstance(first, ast.Name) else ""
            if name in {"update", "insert", "delete"} and table in {"Booking", "BookingTransition"}:
                found.append(f"{node.lineno}: {name}({table})")
            if name == "BookingTransition":
                found.append(f"{node.lineno}: a row of history")
        elif isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                f"{node.lineno}: booking.{target.attr} = …"
                for target in targets
                if isinstance(target, ast.Attribute)
                and isinstance(target.value, ast.Name)
                and target.value.id == "booking"
                and target.attr in COLUMNS
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [f"{node.lineno}: {match[0]}" for match in SQL.finditer(node.value)]
    return found


def test_nothing_goes_round_the_transition():
    wrong = {
        name: lines
        for path in ROOT.rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in WRITERS and (lines := offences(path))
    }
    assert wrong == {}


def test_the_search_for_ways_round_finds_them(tmp_path):
    source = tmp_path / "round.py"
    source.write_text(
        "session.execute(update(Booking).values(state='confirmed'))\n"
        "booking.state = 'confirmed'\n"
        "session.add(BookingTransition(number=2))\n"
        "text('UPDATE booking SET state = 1')\n"
    )
    assert len(offences(source)) == 4


def test_only_the_transition_writes_rows_of_bookings():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "writing"
        and node.attr in {"held", "moved"}
        and "booking" in path.parts
    }
    assert users == {"booking/service/transition.py"}
