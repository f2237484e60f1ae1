"""Cursors survive the round trip and refuse what is not theirs; messages flatten to paths."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.web.pagination import BadCursor, decode, encode
from marketplace.web.problems import flatten

scalars = st.one_of(
    st.integers(),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    st.dates(),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
    st.none(),
)


@given(st.lists(scalars, max_size=4))
def test_a_cursor_gives_back_the_key_it_was_made_from(values):
    assert decode(encode(values), len(values)) == values


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text):
    try:
        assert len(decode(text, 2)) == 2
    except BadCursor as refused:
        assert refused.status == 422


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(BadCursor):
        decode(encode([date(2026, 1, 1)]), 2)
    with pytest.raises(BadCursor):
        decode(encode(["a\x00b"]), 1)


def test_dates_times_and_ids_keep_their_types():
    key = [date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC), UUID(int=7), "x", 3]
    assert [type(value) for value in decode(encode(key), 5)] == [date, datetime, UUID, str, int]


def test_messages_flatten_to_paths():
    messages = {"json": {"lines": {0: {"amount": ["Missing."]}}, "name": ["Too long."]}}
    assert flatten(messages) == {"lines.0.amount": ["Missing."], "name": ["Too long."]}


def test_a_message_on_the_whole_names_the_body():
    assert flatten({"json": {"_schema": ["Invalid input type."]}}) == {
        "body": ["Invalid input type."]
    }
