"""Taking an import back: the drafts that it made and that nobody has touched since go away.

Histories stay, so a listing is retired, never deleted. Its own id is free for another sheet, as the
sheet that was meant has the same ones; its line of the calendar, which nobody has used, is gone.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from marketplace.catalog.errors import ImportNotFound, ImportNotTakenBack
from marketplace.catalog.models import ImportRun
from marketplace.catalog.queries import imports, made
from marketplace.catalog.service.import_runs import ENDED
from marketplace.catalog.service.import_writing import BY_HAND
from marketplace.catalog.service.importing import wait_for_others
from marketplace.catalog.states import SheetKind
from marketplace.core.db import Session
from marketplace.core.ids import new_id

# Among the counts of the import.
TAKEN_BACK = "taken_back"
WHY = "Its import was taken back."
# Of those that stay so many are named.
MOST_NAMED = 100
# The id that is given up has a part of the listing's own behind it, which no other has.
_RETIRE = text(
    """
    WITH going AS (
        SELECT l.id, l.version, l.external_id, given.step,
               left(l.external_id, 54) || ' ~' || right(l.id::text, 8) AS freed
          FROM unnest(CAST(:listings AS uuid[]), CAST(:steps AS uuid[])) AS given(id, step)
          JOIN listing l ON l.id = given.id
    ), retired AS (
        UPDATE listing l
           SET state = 'retired', version = l.version + 1, external_id = going.freed
          FROM going
         WHERE l.id = going.id
        RETURNING l.id
    ), noted AS (
        INSERT INTO listing_version
               (listing_id, version, account_id, recorded_at, source, difference, terms)
        SELECT g.id, g.version + 1, :account_id, :now, :source,
               jsonb_build_object('external_id', jsonb_build_array(g.external_id, g.freed)),
               v.terms || jsonb_build_object('external_id', g.freed)
          FROM going g
          JOIN listing_version v ON v.listing_id = g.id AND v.version = g.version
    ), stepped AS (
        INSERT INTO listing_transition
               (id, listing_id, from_state, to_state, account_id, recorded_at, why)
        SELECT step, id, 'draft', 'retired', :account_id, :now, :why FROM going
    ), unlinked AS (
        DELETE FROM listing_pool lp USING going WHERE lp.listing_id = going.id RETURNING lp.pool_id
    ), emptied AS (
        DELETE FROM seat_week w USING unlinked WHERE w.pool_id = unlinked.pool_id
    ), dissolved AS (
        DELETE FROM seat_pool p USING unlinked WHERE p.id = unlinked.pool_id
    )
    SELECT count(*) FROM retired
    """
)


@dataclass(frozen=True)
class TakenBack:
    """What goes, or has gone where `committed`, and what stays, with what was done with it."""

    listings: int
    kept: Sequence[made.Made]
    kept_in_all: int
    committed: bool


def take_back(
    session: Session,
    import_id: uuid.UUID,
    account_id: uuid.UUID,
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
    commit: bool,
) -> TakenBack:
    """Take away what the import made and nobody has touched; a look only without `commit`.

    Asked twice is asked once. `ImportNotFound`, also where it is not of the site that is named;
    `ImportNotTakenBack` for one that is under way, or of calendars; `ImportUnderWay` for another.
    """
    run = imports.run(session, import_id)
    if run is None or site_id not in (None, run.site_id):
        raise ImportNotFound
    if not can_be(run):
        raise ImportNotTakenBack(extra={"state": run.state})
    if commit:
        wait_for_others(session, run.owner_account_id)
    found = made.by_import(session, import_id, hold=commit)
    going = [one.listing_id for one in found if one.why is None]
    kept = [one for one in found if one.why is not None]
    if commit and going:
        _retire(session, going, account_id, now)
        run.counts = {**run.counts, TAKEN_BACK: run.counts.get(TAKEN_BACK, 0) + len(going)}
        session.flush()
    return TakenBack(len(going), kept[:MOST_NAMED], len(kept), commit)


def can_be(run: ImportRun) -> bool:
    """Whether there may be something of it to be taken back."""
    return run.state in ENDED and run.sheet == SheetKind.LISTINGS


def _retire(
    session: Session, listing_ids: Sequence[uuid.UUID], account_id: uuid.UUID, now: datetime
) -> None:
    gone = session.execute(
        _RETIRE,
        {
            "listings": list(listing_ids),
            "steps": [new_id() for _ in listing_ids],
            "account_id": account_id,
            "now": now,
            "source": BY_HAND,
            "why": WHY,
        },
    ).scalar_one()
    if gone != len(listing_ids):
        raise RuntimeError(f"{len(listing_ids)} listings were held, {gone} were retired")
    session.expire_all()
