"""Promises 1 to 4 under arbitrary sequences of what people, money and the clock can do.

A Hypothesis state machine drives the real services on a real database, commits after each step,
and looks for a broken promise after each. A refusal is a fine answer; a broken promise is not. Its
rules are the files of `promises`.
"""

import importlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import INVARIANT_MARKER, RULE_MARKER, run_state_machine_as_test

from tests.factories.schools import a_school, link

FOLDER = Path(__file__).parent / "promises"
PACKAGE = "tests.integration.booking.promises"
FEWEST_RULES, FEWEST_INVARIANTS = 50, 9
# Each theme has the files that its stories need: with every rule at once few would come to an end.
ALWAYS = ("holding", "paying", "invariants")
THEMES = {
    "days": ("applying", "rotating", "ending"),
    "changes": ("changing", "ending"),
    "itineraries": ("itineraries", "changing", "ending"),
    "lists and rounds": ("applying", "waiting", "allocating"),
    "everything": tuple(
        path.stem for path in sorted(FOLDER.glob("*.py")) if path.stem not in {"machine", *ALWAYS}
    ),
}
EXAMPLES = {"days": 6, "changes": 6, "itineraries": 6, "lists and rounds": 5, "everything": 4}
ROOMY = {"seats": (2, 3, 2), "booked": False}


def machine(theme):
    """One machine of the rules of a theme's files."""
    names = (*THEMES[theme], *ALWAYS)
    parts = [importlib.import_module(f"{PACKAGE}.{name}").Rules for name in names]
    return type("Bookings", tuple(parts), ROOMY if theme == "itineraries" else {})


def test_every_file_of_rules_takes_part():
    members = [
        vars(part) for part in machine("everything").__mro__ if part.__module__.startswith(PACKAGE)
    ]
    marks = Counter(mark for found in members for value in found.values() for mark in dir(value))
    assert marks[RULE_MARKER] >= FEWEST_RULES
    assert marks[INVARIANT_MARKER] >= FEWEST_INVARIANTS


@pytest.mark.parametrize("theme", THEMES)
def test_the_promises_hold_whatever_happens(live_stage, theme):
    """Faults 2, 5, 21, 22, 39 and 45 come up among the steps, in any order."""
    bookings = machine(theme)
    bookings.stage = live_stage
    bookings.trainees = [live_stage.trainee() for _ in range(3)]
    link(live_stage, a_school(live_stage), *bookings.trainees)
    bookings.places = [
        live_stage.place(seats_per_week=1),
        live_stage.place(seats_per_week=2, cancellation_policy="deposit_forfeit"),
        live_stage.place(seats_per_week=1, approval="request", price_per_week="700.00"),
    ]
    run_state_machine_as_test(
        bookings,
        settings=settings(
            max_examples=EXAMPLES[theme],
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
