"""What an entry of the audit trail says besides who did what: codes, days and ids as people read."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.catalog.queries import listings, sites
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.pages import words
from marketplace.pages.view import Reader

# Under which names a fact's codes are known; its own, where it is not here.
KINDS = {
    "profile": "profile",
    "formats": "format",
    "account": "suspense",
    "event": "desk",
    "proofs": "proof",
    "step": "erased",
    "as": "role",
}
# Where an id leads to, whose page has a name of its own.
LINKS = {
    "account_id": "/desk/accounts",
    "site_id": "/desk/sites",
    "school_id": "/desk/schools",
    "listing_id": "/listings",
    "grant": "/desk/credit",
    "contract": "/desk/contracts",
    "replaces": "/desk/contracts",
}
# Whose codes are names of their own.
SPOKEN = frozenset({"requirements"})
A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?")
Fact = tuple[str, str, str | None]


class Facts:
    """Tells the details of entries, with the names of the accounts and places that they are about."""

    def __init__(self, session: Session, who: Reader, details: Iterable[Mapping[str, Any]]) -> None:
        self.who = who
        found = list(details)
        people = identity.contacts(session, _ids(found, "account_id"))
        self.names = {str(one): person.name for one, person in people.items()}
        named = sites.names(session, set(_ids(found, "site_id")))
        named |= schools.names(session, set(_ids(found, "school_id")))
        named |= listings.titles(session, _ids(found, "listing_id"))
        self.names |= {str(one): name for one, name in named.items()}

    def of(self, detail: Mapping[str, Any]) -> list[Fact]:
        """What each fact is called, what it says, and where that leads to."""
        return [
            (self.who.coded("fact", name), self._said(name, value), self._link(name, value))
            for name, value in detail.items()
            if value is not None
        ]

    def _said(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return self.who.say("Yes") if value else self.who.say("No")
        if isinstance(value, Mapping):
            return ", ".join(f"{key}: {self._said(key, one)}" for key, one in value.items())
        if isinstance(value, list):
            return ", ".join(self._said(name, one) for one in value)
        return self._text(name, value) if isinstance(value, str) else str(value)

    def _text(self, name: str, text: str) -> str:
        if text in self.names:
            return self.names[text]
        if name in LINKS and _is_id(text):
            return self.who.say("Open it")
        if name in SPOKEN:
            return self.who.label(text)
        known = f"{KINDS.get(name, name)}_{text}"
        if known in words.LABELS:
            return self.who.label(known)
        return self._day(self.who.written(text) if name == "amount" else text)

    def _day(self, text: str) -> str:
        if not A_TIME.fullmatch(text):
            return text
        try:
            if len(text) == len("2027-01-04"):
                return self.who.day(date.fromisoformat(text))
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return self.who.moment(moment) if moment.tzinfo else text

    def _link(self, name: str, value: Any) -> str | None:
        return f"{LINKS[name]}/{value}" if name in LINKS and _is_id(value) else None


def _ids(details: Iterable[Mapping[str, Any]], name: str) -> list[UUID]:
    return sorted({UUID(one[name]) for one in details if _is_id(one.get(name))})


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
