"""Which tags of a template begin a form that is sent by POST."""

import pytest

from marketplace.pages.once import FORM


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
