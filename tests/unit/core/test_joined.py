"""Several files read as one are what one file with all of it would be."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.joined import joined

PARTS = st.lists(st.binary(max_size=20_000), max_size=5)


@given(PARTS, st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 30_000)), max_size=6))
def test_read_anywhere_it_is_what_one_file_would_be(parts, looks):
    whole = io.BytesIO(b"".join(parts))
    read = joined([io.BytesIO(part) for part in parts])
    assert read.seek(0, os.SEEK_END) == whole.seek(0, os.SEEK_END)
    for at, size in looks:
        assert read.seek(at) == whole.seek(at)
        assert (read.read(size), read.tell()) == (whole.read(size), whole.tell())
        assert read.readline() == whole.readline()
    read.seek(0)
    assert read.read() == whole.getvalue()


def test_lines_go_on_from_one_part_to_the_next():
    read = joined([io.BytesIO(b"a,b\n1,"), io.BytesIO(b""), io.BytesIO(b"2\n3,4\n")])
    assert list(read) == [b"a,b\n", b"1,2\n", b"3,4\n"]


def test_no_place_is_before_its_beginning():
    with pytest.raises(ValueError, match="beginning"):
        joined([io.BytesIO(b"abc")]).seek(-4, os.SEEK_END)


def test_closing_it_closes_its_parts():
    parts = [io.BytesIO(b"a"), io.BytesIO(b"b")]
    with joined(parts) as read:
        assert read.read() == b"ab"
    assert [part.closed for part in parts] == [True, True]
