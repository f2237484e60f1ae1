"""Words as PostgreSQL searches for them: with synonyms, and near words for those nobody uses.

A word that no published listing has is searched for as it is and, besides, as the nearest word
that one has; the answer says so. Words are compared by stem, so an inflection is no error.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from rapidfuzz.distance import OSA
from sqlalchemy import text

from marketplace.catalog.rules.words import Unit
from marketplace.catalog.rules.words import read as read_units
from marketplace.core.db import Session, fetch

CANDIDATES = 30
# Letters that may be wrong, by the least length of a word.
ERRORS = ((8, 2), (4, 1))

_READ = text(
    """
    SELECT unit.at,
           (SELECT min(least.listings)
              FROM (SELECT sum(w.listings) AS listings
                      FROM search_word w
                     WHERE w.lexeme = ANY (tsvector_to_array(to_tsvector('english', unit.text)))
                     GROUP BY w.lexeme) AS least) AS listings,
           CAST(CASE unit.kind WHEN 'words' THEN plainto_tsquery('english', unit.text)
                               ELSE phraseto_tsquery('english', unit.text) END AS text) AS query,
           (SELECT CAST(jsonb_agg(jsonb_build_array(near.word, near.lexeme, near.listings)) AS text)
              FROM (SELECT w.word, w.lexeme, w.listings
                      FROM search_word w
                     WHERE unit.word IS NOT NULL
                       AND NOT EXISTS (
                           SELECT FROM search_word k
                            WHERE k.lexeme = ANY (ts_lexize('english_stem', unit.word)))
                       AND w.grams && word_grams(unit.word)
                       AND length(w.word) BETWEEN length(unit.word) - 2 AND length(unit.word) + 2
                     ORDER BY (SELECT count(*) FROM unnest(w.grams) AS g
                                WHERE g = ANY (word_grams(unit.word))) DESC, w.word
                     LIMIT :candidates) AS near) AS near,
           (SELECT CAST(reltuples AS bigint) FROM pg_class
             WHERE oid = CAST('listing_search' AS regclass)) AS published
      FROM jsonb_to_recordset(CAST(:units AS jsonb)) AS unit(at int, kind text, text text, word text)
    """
)


@dataclass(frozen=True)
class Meant:
    """`query` finds listings, `title` those with any of the words; both none without a word.

    They are the same text where there is but one thing to be found.

    `every` has the queries that all must be met, where `query` is no more than these together;
    `everywhere` says that most listings are expected to have the words.

    At most `listings` have the words, and `expected` as many if they were spread independently of
    each other; none if that is not known. `corrected` maps words that no listing has to the words
    that were added.
    """

    query: str | None = None
    title: str | None = None
    listings: int | None = None
    expected: int | None = None
    corrected: Mapping[str, str] = field(default_factory=dict)
    every: Sequence[str] = ()
    everywhere: bool = False


NOTHING = Meant()


def read(session: Session, typed: str) -> Meant:
    """What `typed` searches for, in one query. Words without meaning ("the") are left out."""
    groups = read_units(typed)
    units = [unit for group in groups for unit in group]
    asked = json.dumps(list(_asked(units)))
    rows = fetch(session, _READ, {"units": asked, "candidates": CANDIDATES})
    queries: list[list[str]] = [[] for _ in units]
    listings: list[int] = [0 for _ in units]
    corrected: dict[str, str] = {}
    published = max((row[-1] for row in rows), default=0)
    for at, found, query, candidates, _ in rows:
        if query and query not in queries[at]:
            queries[at].append(query)
            listings[at] += int(found or 0)
        near = _nearest(units[at], json.loads(candidates)) if candidates else None
        if near is not None:
            word, lexeme = near
            queries[at].append(_quoted(lexeme))
            corrected[units[at].text] = word
    return _put_together(groups, queries, listings, published, corrected)


def _asked(units: Sequence[Unit]) -> Iterator[dict[str, Any]]:
    for at, unit in enumerate(units):
        kind = "phrase" if unit.quoted else "words"
        yield {"at": at, "kind": kind, "text": unit.text, "word": unit.correctable}
        for other in unit.also:
            yield {"at": at, "kind": "words", "text": other, "word": None}


def _nearest(unit: Unit, candidates: Sequence[tuple[str, str, int]]) -> tuple[str, str] | None:
    """The candidate with the fewest letters wrong or swapped, the most common of several."""
    typed = unit.text.casefold()
    most = next(errors for length, errors in ERRORS if len(typed) >= length)
    ranked = sorted(
        (OSA.distance(typed, word, score_cutoff=most), -listings, word, lexeme)
        for word, lexeme, listings in candidates
    )
    if not ranked or ranked[0][0] > most:
        return None
    return ranked[0][2], ranked[0][3]


def _put_together(
    groups: Sequence[Sequence[Unit]],
    queries: Sequence[Sequence[str]],
    listings: Sequence[int],
    published: int,
    corrected: Mapping[str, str],
) -> Meant:
    wanted: list[str] = []
    every: Sequence[str] = ()
    any_of: list[str] = []
    most = 0
    expected = 0.0
    at = -1
    for group in groups:
        parts = []
        counts = []
        for unit in group:
            at += 1
            found = queries[at]
            if not found:
                continue
            if not unit.excluded:
                counts.append(listings[at])
            either = f"({' | '.join(f'({query})' for query in found)})"
            parts.append(f"!{either}" if unit.excluded else either)
            if not unit.excluded:
                any_of.append(either)
        if parts:
            wanted.append(f"({' & '.join(parts)})")
            every = parts
            most += min(counts, default=0)
            expected += _together(counts, published)
    if not wanted:
        return NOTHING
    query = " | ".join(wanted)
    alone = any_of and query == f"({any_of[0]})"
    return Meant(
        query,
        query if alone else " | ".join(any_of) or None,
        most or None,
        round(expected) if most and published > 0 else None,
        corrected,
        () if len(wanted) > 1 or "!" in query else every,
        published > 0 and expected >= published / 2 and "!" not in query,
    )


def _together(counts: Sequence[int], published: int) -> float:
    """How many of the published listings have several words, were these independent."""
    among = max(published, *counts, 1)
    return among * prod(count / among for count in counts) if counts else 0.0


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
