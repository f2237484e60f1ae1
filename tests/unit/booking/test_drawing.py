"""The drawing in the documentation is the table that the code obeys."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketplace.booking.rules import drawing
from marketplace.booking.states import GIVES_UP_SEATS, STEPS, TABLE, TIMED, BookingState
from marketplace.cli.histories import states

DOCS = Path(__file__).parents[3] / "docs"
AGAIN = "draw it again: flask --app wsgi check states docs --write"


@pytest.fixture(scope="module")
def picture():
    return ET.fromstring(drawing.svg())  # noqa: S314 - our own words


def found(picture, kind, css):
    return [
        node
        for node in picture.iter(f"{{http://www.w3.org/2000/svg}}{kind}")
        if node.get("class") == css
    ]


def test_the_committed_drawing_is_that_of_the_code():
    assert (DOCS / "booking-states.svg").read_text() == drawing.svg(), AGAIN
    assert (DOCS / "booking-states.md").read_text() == drawing.page("booking-states.svg"), AGAIN


def test_every_state_and_step_is_drawn(picture):
    texts = [node.text for node in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert all(texts.count(state.value) == 1 for state in BookingState)
    tracks = [node for node in found(picture, "path", "line") if node.get("marker-end")]
    dots, rings = found(picture, "circle", "dot"), found(picture, "circle", "ring")
    assert len(tracks) + len(dots) + len(rings) == sum(map(len, STEPS.values()))


def test_it_needs_nothing_from_another_host(picture):
    text = drawing.svg().replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert "href" not in text
    assert "<script" not in text


def test_the_table_is_whole():
    assert set(STEPS) == set(BookingState)
    assert all(TABLE[before] == set(steps) for before, steps in STEPS.items())
    assert set(drawing.WORDS) == set(BookingState)


def test_a_state_keeps_a_seat_for_a_time_or_gives_it_up_but_not_both():
    assert not TIMED & GIVES_UP_SEATS
    for state in TIMED:
        assert BookingState.EXPIRED in STEPS[state], "a kept seat has an end"


def test_the_command_compares_and_draws(tmp_path):
    run = CliRunner().invoke
    assert run(states, [str(DOCS)]).exit_code == 0
    missing = run(states, [str(tmp_path)])
    assert missing.exit_code == 1
    assert missing.output.count("draw it anew") == 2
    assert run(states, [str(tmp_path), "--write"]).exit_code == 0
    assert run(states, [str(tmp_path)]).exit_code == 0
