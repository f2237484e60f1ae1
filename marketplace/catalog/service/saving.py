"""Saving a search under a name: validated like a search, and knowing what fits already."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, update

from marketplace.catalog.errors import TooManySaved
from marketplace.catalog.models import SavedSearch, SavedSearchHit
from marketplace.catalog.models.saved import MOST_SAVED
from marketplace.catalog.queries import saved as queries
from marketplace.catalog.queries.saved import EVERYTHING
from marketplace.catalog.queries.search import Filters
from marketplace.catalog.service import knowing
from marketplace.catalog.service.searching import filters_by, filters_of
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity
from marketplace.identity.queries import TraineeFacts

# Beyond so many a search does not know each that fits: it is told of newly published ones only.
MOST_KNOWN = 500
DAYS = ("start_from", "start_to")
# What each belongs to: alone they restrict nothing, and have a default of their own.
ACCESSORIES = {"currency": "price_max", "unit": "near"}


def save(
    session: Session, account_id: uuid.UUID, name: str, asked: Mapping[str, Any], now: datetime
) -> SavedSearch:
    """Save `asked`, values as `schemas.search` loads them, for an account.

    `TooManySaved`; `SavedNameTaken` by the constraint; `Invalid` and `BadFilter` name the filter.
    """
    wanted = _wanted(asked)
    filters = filters_of(session, asked, today=now.date(), account_id=account_id)
    values = {
        "id": new_id(),
        "account_id": account_id,
        "name": name,
        "filters": wanted,
        "anchors": _anchors(filters),
    }
    while True:
        found = knowing.made(session, values, filters, now, MOST_KNOWN)
        if found is not None:
            return found
        slot = session.execute(queries.free_slot(account_id, MOST_SAVED)).scalar_one()
        if slot is None:
            raise TooManySaved(extra={"limit": MOST_SAVED})


def edit(
    session: Session, found: SavedSearch, name: str, asked: Mapping[str, Any], now: datetime
) -> SavedSearch:
    """Give it another name and other filters: what fits these now is no news."""
    if as_json(asked) != found.filters:
        facts = identity.trainee_facts(session, found.account_id)
        changes = {"name": name, "version": found.version + 1}
        _begin_anew(session, found, facts, asked, changes, now)
    else:
        found.name = name
        found.version += 1
        session.flush()
    return found


def pause(session: Session, found: SavedSearch) -> SavedSearch:
    """Be told of nothing until it is resumed; what was not told yet is dropped. Twice is once."""
    if not found.paused:
        found.paused = True
        found.version += 1
        _drop_news(session, found)
        session.flush()
    return found


def resume(
    session: Session, account_id: uuid.UUID, saved_id: uuid.UUID, now: datetime
) -> SavedSearch:
    """Be told again, of what comes from now on. Twice is once; `NotFound`."""
    found, facts = queries.one_with_facts(session, account_id, saved_id)
    if found.paused:
        changes = {"paused": False, "version": found.version + 1}
        _begin_anew(session, found, facts, read_back(found.filters), changes, now)
    return found


def remove(session: Session, found: SavedSearch) -> None:
    """Delete it, and all that it knows."""
    session.execute(delete(SavedSearch).where(SavedSearch.id == found.id))


def pause_all(session: Session, account_id: uuid.UUID) -> int:
    """Pause every saved search of an account; return how many were not. Three statements at most."""
    found = [row for row in queries.of_account(session, account_id, lock=True) if not row.paused]
    if found:
        for row in found:
            row.paused = True
            row.version += 1
        rows.flush(session)
        _drop_news(session, *found)
    return len(found)


def as_json(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that are set, as JSON values."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asked.items()
        if value is not None and value not in ("", []) and asked.get(ACCESSORIES.get(name, name))
    }


def read_back(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored filters as the schema loads them."""
    return {
        name: date.fromisoformat(value) if name in DAYS else value for name, value in stored.items()
    }


def _wanted(asked: Mapping[str, Any]) -> dict[str, Any]:
    wanted = as_json(asked)
    if not wanted:
        message = "Name at least one, or every new listing would be mailed."
        raise Invalid(fields={"filters": [message]})
    return wanted


def _begin_anew(
    session: Session,
    found: SavedSearch,
    facts: TraineeFacts | None,
    asked: Mapping[str, Any],
    changes: Mapping[str, Any],
    now: datetime,
) -> None:
    """Other filters, or the same again, with other changes: what fits them now is no news."""
    wanted = _wanted(asked)
    filters = filters_by(session, asked, facts, now.date())
    begun = {**changes, "filters": wanted, "anchors": _anchors(filters), "since": now}
    knowing.change(session, found, begun, filters, now, MOST_KNOWN)


def _anchors(filters: Filters) -> list[str]:
    if filters.specialties:
        return [f"specialty:{code}" for code in filters.specialties]
    if filters.us_states:
        return [f"state:{code}" for code in filters.us_states]
    return [EVERYTHING]


def _drop_news(session: Session, *found: SavedSearch) -> None:
    session.execute(
        update(SavedSearchHit)
        .where(
            SavedSearchHit.saved_search_id.in_([row.id for row in found]),
            ~SavedSearchHit.known,
            SavedSearchHit.digest_id.is_(None),
        )
        .values(known=True)
    )
