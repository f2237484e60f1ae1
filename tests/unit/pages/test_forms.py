"""What people type into forms and addresses: numbers that are none, ways on that lead elsewhere."""

import pytest

from marketplace.pages import forms
from marketplace.pages.view import safe_path


@pytest.mark.parametrize(
    "typed", ["", " ", "x", "-1", "1.5", "²", "٣", "1_0", "9" * 10, "9" * 5000]
)
def test_what_is_no_number_is_left_to_the_schema(typed):
    assert forms.number(typed) is None
    assert forms.whole_number(typed) == typed


def test_a_number_is_read():
    assert [forms.whole_number(text) for text in (" 7 ", "012", "9" * 9)] == [7, 12, 10**9 - 1]
    assert forms.number(None) is None


@pytest.mark.parametrize(
    "text",
    ["", None, "x", "//e.example", "/\\e.example", "https://e.example", "/\t/e.example",
     "/\n/e.example", "/\x0b/e.example", "\x00", "/\x7f"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(text):
    """Browsers leave tabs and line breaks out of an address: `/<tab>/e.example` is `//e.example`."""
    assert safe_path(text) == "/"


def test_a_path_of_ours_is_gone_on_to():
    assert safe_path(" /listings?q=a b&é=1#x ") == "/listings?q=a b&é=1#x"
