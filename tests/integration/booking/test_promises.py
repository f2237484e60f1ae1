"""Promises 1 to 4 under arbitrary sequences of what people, money and the clock can do.

A Hypothesis state machine drives the real services on a real database, commits after each step,
and looks for a broken promise after each. A refusal is a fine answer; a broken promise is not. Its
rules are the files of `promises`.
"""

import importlib
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import INVARIANT_MARKER, RULE_MARKER, run_state_machine_as_test

FOLDER = Path(__file__).parent / "promises"
PACKAGE = "tests.integration.booking.promises"
FEWEST_RULES, FEWEST_INVARIANTS = 50, 9


def machine():
    """One machine of the rules of every file in the folder."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "machine")
    parts = [importlib.import_module(f"{PACKAGE}.{name}").Rules for name in names]
    return type("Bookings", tuple(parts), {})


def test_every_file_of_rules_takes_part():
    members = [vars(part) for part in machine().__mro__ if part.__module__.startswith(PACKAGE)]
    marks = Counter(mark for found in members for value in found.values() for mark in dir(value))
    assert marks[RULE_MARKER] >= FEWEST_RULES
    assert marks[INVARIANT_MARKER] >= FEWEST_INVARIANTS


def test_the_promises_hold_whatever_happens(live_stage):
    """Faults 2, 5, 21, 22, 39 and 45 come up among the steps, in any order."""
    bookings = machine()
    bookings.stage = live_stage
    school = {"school_name": "Grant Medical College"}
    bookings.trainees = [live_stage.trainee(**school) for _ in range(3)]
    bookings.places = [
        live_stage.place(seats_per_week=1),
        live_stage.place(seats_per_week=2, cancellation_policy="deposit_forfeit"),
        live_stage.place(seats_per_week=1, approval="request"),
    ]
    run_state_machine_as_test(
        bookings,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
