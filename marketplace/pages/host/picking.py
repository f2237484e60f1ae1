"""Listings to choose among, where a site has more than a form can hold: found by their words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request

from marketplace.catalog.queries import browsing
from marketplace.web import context

MOST = 100
LONGEST = 100


@dataclass(frozen=True)
class Choosable:
    """The listings that a form offers, by which words they were found, and whether there are more."""

    items: Sequence[Any]
    words: str
    cut: bool


def listings(site_id: UUID, *, state: str = "", also: Collection[str] = ()) -> Choosable:
    """The site's first listings that have the words of the address; of `also` all, by their ids."""
    session = context.session()
    words = request.values.get("words", "").strip()[:LONGEST]
    found = browsing.page_of_site(
        session, site_id, limit=MOST, cursor=None, state=state, words=words
    )
    there = {one.id for one in found.items}
    missing = [one for text in also if (one := _id(text)) and one not in there]
    more = browsing.some_of_site(session, site_id, missing) if missing else ()
    return Choosable([*more, *found.items], words, found.next_cursor is not None)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
