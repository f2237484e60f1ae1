"""What a client that watches listings has been told of their seats, and what is new to it."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import sessionmaker

from marketplace.catalog.service import availability
from marketplace.catalog.service.waking import subject_of
from marketplace.core import freshness
from marketplace.core.db import Session
from marketplace.core.ports import Cache

# Stands for a listing that is not on show any more; as long as a tag, and never one.
GONE = "." * availability.TAG_LENGTH
UNKNOWN = "~" * availability.TAG_LENGTH


@dataclass(frozen=True, slots=True)
class Told:
    """A listing's weeks as they are now, or None: it is not on show any more."""

    listing_id: uuid.UUID
    answer: availability.Answer | None


class Watch:
    """The listings that one client watches, over the same weeks. Not for two threads."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        cache: Cache,
        listing_ids: Sequence[uuid.UUID],
        weeks: tuple[date, date],
        known: str,
    ) -> None:
        """`weeks`: first and last Monday. `known`: the `mark` that the client last saw, or ""."""
        self._sessions = sessions
        self._cache = cache
        self._weeks = weeks
        self._ids = {subject_of(listing_id): listing_id for listing_id in listing_ids}
        size = availability.TAG_LENGTH
        fits = len(known) == size * len(self._ids)
        self._tags = {
            listing_id: known[place * size : (place + 1) * size] if fits else ""
            for place, listing_id in enumerate(self._ids.values())
        }

    @property
    def names(self) -> Collection[str]:
        """What to listen to."""
        return self._ids

    @property
    def mark(self) -> str:
        """What the client knows now, of all its listings in their order."""
        return "".join(tag or UNKNOWN for tag in self._tags.values())

    def missing(self) -> list[uuid.UUID]:
        """Listings that the public may not see, asked for before anything is told."""
        shown = self._read(list(self._ids.values()))
        return [listing_id for listing_id in self._ids.values() if listing_id not in shown]

    def news(self, names: Collection[str] | None) -> Iterator[Told]:
        """What the client does not know yet of these listings (None: of all)."""
        asked = [self._ids[name] for name in self._ids if names is None or name in names]
        found = self._read(asked)
        for listing_id in asked:
            answer = found.get(listing_id)
            tag = GONE if answer is None else answer.tag
            if tag != self._tags[listing_id]:
                self._tags[listing_id] = tag
                yield Told(listing_id, answer)

    def _read(self, listing_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, availability.Answer]:
        """The public answers, as they are kept or in one query."""
        first, last = self._weeks
        found: dict[uuid.UUID, availability.Answer] = {}
        tickets: dict[uuid.UUID, freshness.Ticket] = {}
        for listing_id in listing_ids:
            kept = availability.kept(self._cache, listing_id, f"{first}:{last}")
            if isinstance(kept, availability.Answer):
                found[listing_id] = kept
            else:
                tickets[listing_id] = kept
        if tickets:
            with self._sessions() as session:
                read = availability.read(session, self._cache, tickets, first, last)
            found |= {name: weeks.answer for name, weeks in read.items() if weeks.public}
        return found
