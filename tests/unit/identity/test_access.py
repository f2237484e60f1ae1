"""Guards mark what they wear, whatever else is put around or below them."""

from typing import Any

import pytest
from flask.views import MethodView
from marshmallow import Schema

from marketplace.identity.access import in_person, public, require, signed_in, site_member
from marketplace.web.api import Blueprint
from marketplace.web.guards import MARK


def view(**_: Any) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("guard", "access"),
    [
        (public, "public"),
        (signed_in, "signed_in"),
        (in_person, "in_person"),
        (require("operator", "analyst"), "role:analyst,operator"),
        (site_member("site_owner", "coordinator"), "site:coordinator,site_owner"),
        (site_member(), "site:any"),
    ],
)
def test_each_guard_says_what_it_is(guard, access):
    guarded = guard(view)
    assert getattr(guarded, MARK) == access
    assert guarded.__name__ == "view"
    assert guarded.__doc__ == view.__doc__
    assert not hasattr(view, MARK)


def test_a_misspelt_role_is_found_when_the_view_is_defined():
    for guard in (require, site_member):
        with pytest.raises(ValueError, match="cordinator"):
            guard("cordinator")


@pytest.mark.parametrize("outside", [True, False])
def test_the_mark_and_the_document_survive_smorest_s_decorators(outside):
    blueprint = Blueprint("b", __name__, description="")

    class Answer(Schema):
        pass

    def decorate(function):
        guard, respond = require("operator"), blueprint.response(200, Answer)
        return guard(respond(function)) if outside else respond(guard(function))

    class Views(MethodView):
        @decorate
        def get(self):
            """Answer."""

    for decorated in (Views.get, decorate(view)):
        assert getattr(decorated, MARK) == "role:operator"
        assert decorated._apidoc["manual_doc"]["security"] == [{"bearer": []}]
        assert 200 in decorated._apidoc["response"]["responses"] or decorated._apidoc["response"]
