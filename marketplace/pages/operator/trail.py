"""What entries of the audit trail say besides who did what: codes, days and ids as people read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from marketplace.core.db import Session
from marketplace.pages import words
from marketplace.pages.operator.subjects import Subjects
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
# What a fact's id is of.
NAMES = {
    "account_id": "account",
    "site_id": "site",
    "school_id": "school",
    "listing_id": "listing",
    "booking_id": "booking",
    "document_id": "document",
    "invoice_id": "invoice",
    "letter_id": "letter",
    "document_ids": "document",
    "invitation_id": "invitation",
    "reference": "booking",
    "grant": "grant",
    "contract": "contract",
    "replaces": "contract",
}
# Whose codes are names of their own.
SPOKEN = frozenset({"requirements"})
A_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T.+)?")
# What stands for an id in the pattern of an address.
AN_ID = re.compile(r"<uuid:\w+>")
# What is said, and where that leads to.
Said = tuple[str, str | None]


class Entry(Protocol):
    """Who did what to what, and what else there is to say of it."""

    @property
    def actor_id(self) -> UUID | None: ...

    @property
    def subject_kind(self) -> str: ...

    @property
    def subject_id(self) -> UUID: ...

    @property
    def detail(self) -> Mapping[str, Any]: ...


class Trail:
    """Tells what entries are about, and their details, with the names of all that they name."""

    def __init__(self, session: Session, who: Reader, entries: Iterable[Entry]) -> None:
        self.who = who
        self.names = Subjects(session, who, {one for entry in entries for one in _named(entry)})

    def actor(self, entry: Entry) -> tuple[str | None, str | None]:
        """Who did it, with the page of the account; nobody, where nobody was signed in."""
        return self.names.of("account", entry.actor_id) if entry.actor_id else (None, None)

    def about(self, entry: Entry) -> tuple[str | None, str | None]:
        """What an entry is about: its name, if it has one, and the address of its page."""
        return self.names.of(entry.subject_kind, entry.subject_id)

    def of(self, detail: Mapping[str, Any]) -> list[tuple[str, list[Said]]]:
        """What each fact is called, and what it says, one thing after the other."""
        return [
            (self.who.coded("fact", name), self._each(name, value))
            for name, value in detail.items()
            # An id of what has no name tells nobody anything.
            if value is not None and (name in NAMES or not _is_id(value))
        ]

    def _each(self, name: str, value: Any) -> list[Said]:
        values = value if isinstance(value, list) else [value]
        return [self._named(name, one) or (self._said(name, one), None) for one in values]

    def _named(self, name: str, value: Any) -> Said | None:
        """What an id names; None for all else."""
        if name not in NAMES or not _is_id(value):
            return None
        said, link = self.names.of(NAMES[name], UUID(value))
        return said or self.who.say("no longer there"), link

    def _said(self, name: str, value: Any) -> str:
        if isinstance(value, bool):
            return self.who.say("Yes") if value else self.who.say("No")
        if isinstance(value, Mapping):
            return ", ".join(f"{key}: {self._said(key, one)}" for key, one in value.items())
        if isinstance(value, list):
            return ", ".join(self._said(name, one) for one in value)
        return self._text(name, value) if isinstance(value, str) else str(value)

    def _text(self, name: str, text: str) -> str:
        if name == "page":
            return AN_ID.sub("…", text)
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


def _named(entry: Entry) -> Iterator[tuple[str, UUID]]:
    """Each thing that an entry names, by its kind and id."""
    yield entry.subject_kind, entry.subject_id
    if entry.actor_id is not None:
        yield "account", entry.actor_id
    for name, value in entry.detail.items():
        for one in value if isinstance(value, list) else [value]:
            if name in NAMES and _is_id(one):
                yield NAMES[name], UUID(one)


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
