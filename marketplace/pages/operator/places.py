"""Sites, schools and people as an operator types them: by name or address."""

from collections.abc import Mapping
from uuid import UUID

from marketplace.catalog.queries import sites
from marketplace.identity import queries as identity
from marketplace.identity.queries import school_checks
from marketplace.pages.view import reader
from marketplace.web import context

MOST_OF_A_NAME = 5


def site(name: str) -> UUID | str:
    """The one site that is called so, or has this in its name; else what is wrong with it."""
    return _meant(name, _sites(name))


def place_or_id(text: str) -> UUID | str:
    """The site that an id or a name means; else what is wrong with it."""
    try:
        return UUID(text)
    except ValueError:
        return site(text)


def school(name: str) -> UUID | str:
    """The one school that is called so, or has this in its name; else what is wrong with it."""
    return _meant(name, _schools(name))


def sites_named(text: str, most: int) -> tuple[list[str], list[str]]:
    """The ids of the sites that are named, one a line, and what is wrong with the lines."""
    names = [one.strip() for one in text.splitlines() if one.strip()]
    if len(names) > most:
        return [], [f"At most {most} sites by name at once."]
    meant = [(name, site(name)) for name in names]
    return (
        [str(one) for _, one in meant if not isinstance(one, str)],
        [f"{name}: {one}" for name, one in meant if isinstance(one, str)],
    )


def account(email: str) -> UUID | str:
    """Whose address it is; else what is wrong with it."""
    person = identity.account_by_email(context.session(), email.strip().lower())
    return "Nobody has this address here." if person is None else person.id


def anything(text: str) -> UUID | str:
    """What is meant by an id, an e-mail address, or the name of a site or school."""
    try:
        return UUID(text)
    except ValueError:
        pass
    if "@" in text:
        return account(text)
    return _meant(text, {**_sites(text), **_schools(text)})


def _sites(name: str) -> Mapping[UUID, str]:
    return sites.called(context.session(), name, most=MOST_OF_A_NAME)


def _schools(name: str) -> Mapping[UUID, str]:
    rows = school_checks.any_called(context.session(), name, most=MOST_OF_A_NAME)
    return {row.id: row.name for row in rows}


def _meant(name: str, found: Mapping[UUID, str]) -> UUID | str:
    # A whole name is that one, though others have it in theirs.
    whole = [key for key, one in found.items() if one.casefold() == name.casefold()]
    meant = whole if len(whole) == 1 else list(found)
    if name and len(meant) == 1:
        return meant[0]
    if not name or not meant:
        return reader().say("Expected the name of a site or school that is here.")
    return reader().say("Several are called so: %(names)s.", names="; ".join(found.values()))
