"""Sites and schools as an operator types them: by name."""

from collections.abc import Mapping
from uuid import UUID

from marketplace.catalog.queries import sites
from marketplace.identity.queries import school_checks
from marketplace.pages.view import reader
from marketplace.web import context

MOST_OF_A_NAME = 5


def site(name: str) -> UUID | str:
    """The one site that is called so, or has this in its name; else what is wrong with it."""
    return _meant(name, sites.called(context.session(), name, most=MOST_OF_A_NAME))


def school(name: str) -> UUID | str:
    """The one school that is called so, or has this in its name; else what is wrong with it."""
    rows = school_checks.any_called(context.session(), name, most=MOST_OF_A_NAME)
    return _meant(name, {row.id: row.name for row in rows})


def _meant(name: str, found: Mapping[UUID, str]) -> UUID | str:
    # A whole name is that one, though others have it in theirs.
    whole = [key for key, one in found.items() if one.casefold() == name.casefold()]
    meant = whole if len(whole) == 1 else list(found)
    if name and len(meant) == 1:
        return meant[0]
    if not name or not meant:
        return reader().say("Expected the name of a site or school that is here.")
    return reader().say("Several are called so: %(names)s.", names="; ".join(found.values()))
