"""Cached answers that are never older than the last change, or than a bound that is known.

Each subject (a listing's seats, the catalogue) has a generation: a random token in the cache. An
answer is kept together with the generation that its reader found *before* reading the database,
and counts only while that generation stands. Whoever changes the subject puts another token in its
place after the commit. So a slow reader that keeps an old answer after a change keeps it in vain,
and a flushed or restarted cache, which knows no generation, knows no answer either.

What can be lost is the change of generation itself: the cache was down or hung, or the process was
killed between the commit and the news of it. Then, and only then, an old answer counts until its
end, which is fixed when the reader begins: `ttl` after the read, by the clock of the machine that
read. See `docs/operators/caching.md`.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from marketplace.core.db import Session, after_commit
from marketplace.core.parts import parts_of
from marketplace.core.ports import Cache

# Random, so that no generation ever comes back, whatever the cache forgets.
TOKEN_BYTES = 12
# Longer than any answer counts; a generation that is forgotten costs one miss.
GENERATION_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a reader holds while it reads: keep the answer with it, or let it go."""

    key: str
    generation: bytes
    began: float


def look(cache: Cache, subject: str, key: str) -> bytes | Ticket:
    """Return the answer kept under `key` if it still counts, else a ticket to keep one.

    Ask before the database is read: what is read afterwards is at least as new as the ticket.
    """
    generation, kept = cache.get_many(_generation(subject), key)
    if generation is not None and kept is not None and kept.startswith(generation):
        return kept[len(generation) :]
    began = time.time()
    if generation is None:
        generation = secrets.token_bytes(TOKEN_BYTES)
        cache.set(_generation(subject), generation, GENERATION_LIFE)
    return Ticket(key, generation, began)


def keep(cache: Cache, ticket: Ticket, answer: bytes, ttl: timedelta) -> None:
    """Keep an answer that was read after the ticket was given, until `ttl` after that."""
    cache.set(ticket.key, ticket.generation + answer, ttl, since=ticket.began)


def changed(session: Session, *subjects: str) -> None:
    """Let no older answer about `subjects` count, and tell who listens, once this has committed."""
    if subjects:
        after_commit(session, _Renewal(parts_of(session).get(Cache)), *subjects)


@dataclass(frozen=True)
class _Renewal:
    """Gives subjects new generations; equal for one cache, so that a transaction has one."""

    cache: Cache

    def __call__(self, *subjects: str) -> None:
        entries = {_generation(subject): secrets.token_bytes(TOKEN_BYTES) for subject in subjects}
        self.cache.set_many(entries, GENERATION_LIFE, tell=subjects)


def _generation(subject: str) -> str:
    return f"generation:{subject}"
