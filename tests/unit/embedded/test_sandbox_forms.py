"""Form decoding and declared parameters of the sandbox."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.embedded.stripe_sandbox import forms
from marketplace.embedded.stripe_sandbox.errors import ApiError

FORM = forms.Form(
    {
        "amount": forms.Int(required=True, low=1, high=100),
        "currency": forms.Currency(),
        "lines": forms.ListOf(of=forms.Group(of={"name": forms.Text(required=True)}), most=2),
        "metadata": forms.Metadata(),
        "url": forms.Url(),
        "on": forms.Bool(),
        "mode": forms.Choice(of=("a", "b")),
        "created": forms.TimeRange(),
    }
)


def parse(*pairs):
    return FORM.parse(forms.unflatten(pairs))


def test_nested_names_become_nested_values():
    parsed = parse(
        ("amount", "7"),
        ("lines[1][name]", "second"),
        ("lines[0][name]", "first"),
        ("metadata[0]", "zero"),
        ("expand[]", "x"),
        ("expand[]", "y"),
        ("currency", "USD"),
        ("on", "true"),
    )
    assert parsed == {
        "amount": 7,
        "lines": [{"name": "first"}, {"name": "second"}],
        "metadata": {"0": "zero"},
        "expand": ["x", "y"],
        "currency": "usd",
        "on": True,
    }


@pytest.mark.parametrize(
    ("pairs", "param", "code"),
    [
        ([], "amount", "parameter_missing"),
        ([("amount", "")], "amount", "parameter_invalid_empty"),
        ([("amount", "0")], "amount", "parameter_invalid_integer"),
        ([("amount", "1_0")], "amount", "parameter_invalid_integer"),
        ([("amount", "1"), ("what", "2")], "what", "parameter_unknown"),
        ([("amount", "1"), ("lines[0][what]", "2")], "lines[0][what]", "parameter_unknown"),
        ([("amount", "1"), ("lines[0][name]", "")], "lines[0][name]", "parameter_invalid_empty"),
        ([("amount", "1"), ("lines[3]", "2")], "lines[3]", None),
        ([("amount", "1"), *((f"lines[{n}][name]", "x") for n in range(3))], "lines", None),
        ([("amount", "1"), ("url", "ftp://x")], "url", "url_invalid"),
        ([("amount", "1"), ("on", "yes")], "on", None),
        ([("amount", "1"), ("mode", "c")], "mode", None),
        ([("amount", "1"), ("currency", "us")], "currency", None),
        ([("amount", "1"), ("metadata[a]", "x" * 501)], "metadata", None),
        ([("amount", "1"), ("created[near]", "1")], "created", "parameter_unknown"),
    ],
)
def test_what_does_not_fit_is_named(pairs, param, code):
    with pytest.raises(ApiError) as refused:
        parse(*pairs)
    assert refused.value.fields.get("param") == param
    assert refused.value.fields.get("code") == code
    assert not refused.value.stored


def test_an_empty_string_unsets():
    assert parse(("amount", "1"), ("url", ""), ("metadata", ""), ("lines", "")) == {
        "amount": 1,
        "url": None,
        "metadata": None,
        "lines": [],
    }


def test_metadata_merges_by_stripes_rule():
    assert forms.merge_metadata({"a": "1", "b": "2"}, {"a": "", "c": "3"}) == {"b": "2", "c": "3"}
    assert forms.merge_metadata({"a": "1"}, None) == {}


names = st.text(st.sampled_from("ab[]01="), max_size=12)


@given(st.lists(st.tuples(names, st.text(max_size=5)), max_size=6))
def test_any_form_is_parsed_or_refused(pairs):
    try:
        FORM.parse(forms.unflatten(pairs))
    except ApiError as error:
        assert error.status == 400
