"""Delivery status notifications: read as servers write them, and rubbish as none."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.identity.service import bounces
from tests.unit.identity.notifications import SAMPLES, nested, notification

NOTICE = UUID("01a202ed-1df6-7648-a8e8-000000000001")
OURS = f"<{NOTICE}@rotations.example>"


@pytest.mark.parametrize(
    ("name", "status", "answer", "for_good"),
    [
        (
            "postfix",
            "5.1.1",
            "5.1.1 550 5.1.1 <trainee@example.org>: Recipient address rejected: User unknown",
            True,
        ),
        ("exim", "4.2.2", "4.2.2 452 4.2.2 Over quota", False),
        ("global", "5.1.10", "5.1.10 556 5.1.10 Domain does not accept mail", True),
    ],
)
def test_a_failure_names_the_message_and_says_why(name, status, answer, for_good):
    found = bounces.read(notification(name, OURS))
    assert found == bounces.Notification(NOTICE, bounces.Failure(status, answer))
    assert found.failure.for_good is for_good


def test_what_is_late_has_not_failed():
    assert bounces.read(notification("delayed", OURS)) == bounces.Notification(NOTICE, None)


@pytest.mark.parametrize("name", ["vacation", "opened"])
def test_other_answers_by_machines_are_no_notifications(name):
    assert bounces.read(notification(name, OURS)) is None


@pytest.mark.parametrize("other", ["<CAB=xyz@mail.example>", "", "<01a202ed@x>"])
def test_a_message_of_others_is_not_ours(other):
    assert bounces.read(notification("postfix", other)).notice_id is None


def test_line_ends_of_files_are_read_too():
    content = notification("postfix", OURS).replace(b"\r\n", b"\n")
    assert bounces.read(content).notice_id == NOTICE


@given(st.binary(max_size=200), st.sampled_from(sorted(SAMPLES)), st.integers(0, 2000))
def test_no_bytes_are_an_error(piece, name, place):
    whole = notification(name, OURS)
    bounces.read(whole[:place] + piece + whole[place:])
    bounces.read(piece)
    bounces.read(whole[:place])


def test_parts_within_parts_without_end_are_no_notification():
    assert bounces.read(nested(3000)) is None
