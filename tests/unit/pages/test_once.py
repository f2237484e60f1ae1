"""Which tags of a template begin a form that is sent by POST."""

import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest

from marketplace.pages.once import FORM, MARK, once


@pytest.mark.parametrize(
    "tag",
    [
        '<form method="post" action="/x">',
        "<FORM action='/x' METHOD='POST'>",
        '<form class="inline"\n  method="post"\n  action="{{ base }}/x">',
    ],
)
def test_a_form_is_found_however_it_is_written(tag):
    assert FORM.fullmatch(tag)


def test_a_form_that_asks_is_left_alone():
    assert not FORM.search('<form method="get" action="/post"><form role="search">')


@pytest.mark.parametrize("mark", ["", "\x00", "a b", "é", "a" * 65])
def test_no_mark_but_one_of_ours_is_asked_for(mark):
    """It goes into the database as it is; one that no column holds must not get so far."""
    asked = Flask(__name__).test_request_context(method="POST", data={MARK: mark})
    with asked, pytest.raises(BadRequest):
        once(lambda: "never")()
