"""A classifier over the whole catalogue: what it would change, and the change itself.

Works through the listings by id, a batch a transaction, and records how far it has come in that
same transaction: whoever dies in between is followed by one who goes on there. Tiers that are
frozen on bookings live with the bookings, and are out of its reach.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text, update
from sqlalchemy.exc import OperationalError

from marketplace.catalog.errors import OnlyDryRun
from marketplace.catalog.models import Listing, ListingVersion, TierChange, TierRun
from marketplace.catalog.queries import locks, tiers
from marketplace.catalog.rules.classifiers import Classifiers, Classify, UnknownClassifier
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.service import publishing, waking
from marketplace.catalog.service.classification import columns
from marketplace.catalog.states import ChangeOutcome, ListingState, TierRunState
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer

RUN = "catalog.reclassify"
BATCH = 1000
# Shorter than PostgreSQL waits before it looks for a deadlock: this gives way, an import does not.
WAIT = "500ms"
TRIES = 20
LOCK_NOT_AVAILABLE = "55P03"
NO_TIER_ALLOWED = (ListingState.DRAFT, ListingState.RETIRED)
Transaction = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True)
class Difference:
    """A listing whose answer differs, and the columns that it would have."""

    row: Any
    outcome: ChangeOutcome
    before: dict[str, Any]
    after: dict[str, Any]
    columns: dict[str, Any]


def ask(
    session: Session,
    known: Classifiers,
    *,
    classifier: str | None,
    commit: bool,
    asked_by: uuid.UUID | None,
    now: datetime,
    in_job: bool = True,
) -> TierRun:
    """Ask for a run of `classifier` (the published one by default), dry unless `commit`.

    `Invalid` for an unknown version, `OnlyDryRun` for a candidate, `ReclassificationUnderWay` by
    the constraint.
    """
    version = classifier or known.published
    try:
        known.get(version)
    except UnknownClassifier as error:
        raise Invalid(fields={"classifier": [str(error)]}) from error
    if commit and version != known.published:
        raise OnlyDryRun(extra={"published": known.published})
    run = TierRun(
        id=new_id(),
        classifier=version,
        commits=commit,
        state=TierRunState.ASKED,
        total=tiers.count(session),
        seen=0,
        changed=0,
        conflicting=0,
        refused=0,
        asked_by=asked_by,
        asked_at=now,
    )
    session.add(run)
    session.flush()
    if in_job:
        defer(session, RUN, run_id=str(run.id))
    return run


def go_through(
    transaction: Transaction,
    run_id: uuid.UUID,
    known: Classifiers,
    now: datetime,
    tell: Callable[[int, int], None] = lambda _seen, _total: None,
) -> None:
    """Take steps until the run has seen every listing; `tell` hears how many of how many."""
    tries = 0
    while True:
        try:
            with transaction() as session:
                more = step(session, run_id, known, now)
                run = tiers.run(session, run_id)
            tell(run.seen, run.total)
        except OperationalError as error:
            tries += 1
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or tries >= TRIES:
                raise
            time.sleep(0.1)
        else:
            tries = 0
            if not more:
                return


def step(session: Session, run_id: uuid.UUID, known: Classifiers, now: datetime) -> bool:
    """Judge the next batch; whether there may be more. Nothing is done twice."""
    run = tiers.run(session, run_id, lock=True)
    if run.state == TierRunState.READY:
        return False
    if run.commits:
        session.execute(text(f"SET LOCAL lock_timeout = '{WAIT}'"))
    rows = tiers.batch(session, run.last_listing_id, BATCH, lock=run.commits)
    run.state = TierRunState.RUNNING
    judged = [_judge(row, known.get(run.classifier)) for row in rows]
    found = [each for each in judged if each.before != _bare(each)]
    if rows:
        _record(session, run, rows, found)
        if run.commits:
            _write(session, judged, {each.row.id for each in found}, now)
    session.flush()
    return len(rows) == BATCH


def _record(session: Session, run: TierRun, rows: Sequence[Any], found: list[Difference]) -> None:
    run.seen += len(rows)
    run.last_listing_id = rows[-1].id
    run.changed += len(found)
    run.conflicting += sum(each.outcome is ChangeOutcome.REVIEW for each in found)
    run.refused += sum(each.outcome is ChangeOutcome.REFUSED for each in found)
    if found:
        session.execute(
            insert(TierChange),
            [
                {
                    "run_id": run.id,
                    "listing_id": each.row.id,
                    "outcome": each.outcome.value,
                    "before": {**each.before, "classifier": each.row.classifier},
                    "after": each.after,
                }
                for each in found
            ],
        )


def _judge(row: Any, classify: Classify) -> Difference:
    found = classify(row.duties, row.setting, row.title, row.audience, row.claimed_tier)
    values = columns(found, row.title, row.setting, row.duties, row.audience)
    before = {
        "student": row.tier_student,
        "graduate": row.tier_graduate,
        "conflicts": sorted(each["code"] for each in row.conflicts),
    }
    after = {
        "student": values["tier_student"],
        "graduate": values["tier_graduate"],
        "conflicts": sorted(each["code"] for each in values["conflicts"]),
        "classifier": found.version,
    }
    return Difference(row, _outcome(row, before, after), before, after, values)


def _outcome(row: Any, before: dict[str, Any], after: dict[str, Any]) -> ChangeOutcome:
    bare = Tier.UNCLASSIFIED in (after["student"], after["graduate"])
    if bare and row.state not in NO_TIER_ALLOWED:
        return ChangeOutcome.REFUSED
    shown = row.state in (ListingState.PUBLISHED, ListingState.IN_REVIEW)
    if shown and set(after["conflicts"]) - set(before["conflicts"]):
        return ChangeOutcome.REVIEW
    return ChangeOutcome.CHANGED


def _bare(each: Difference) -> dict[str, Any]:
    """The answer without the name of the version, to compare with what there was."""
    return {name: value for name, value in each.after.items() if name != "classifier"}


def _write(
    session: Session, judged: Sequence[Difference], changed: set[uuid.UUID], now: datetime
) -> None:
    """Store the answers; a listing whose answer differs gets a version that says so."""
    wanted = [each for each in judged if each.outcome is not ChangeOutcome.REFUSED]
    differing = [each for each in wanted if each.row.id in changed]
    same = [each for each in wanted if each.row.id not in changed]
    stale = [each for each in same if each.row.classifier != each.after["classifier"]]
    if stale:
        session.execute(update(Listing), [{"id": each.row.id, **each.columns} for each in stale])
    if not differing:
        return
    terms = tiers.terms(session, [each.row.id for each in differing])
    session.execute(
        update(Listing),
        [
            {"id": each.row.id, "version": each.row.version + 1, **each.columns}
            for each in differing
        ],
    )
    session.execute(
        insert(ListingVersion), [_version(each, terms[each.row.id], now) for each in differing]
    )
    for each in differing:
        if each.columns["fingerprint"] != each.row.fingerprint:
            listing = locks.listing(session, each.row.id)
            publishing.after_change(session, listing, None, now)
    waking.listings_changed(session, [each.row.id for each in differing])


def _version(each: Difference, terms: dict[str, str], now: datetime) -> dict[str, Any]:
    names = {"tier_student": "student", "tier_graduate": "graduate"}
    difference = {
        column: [each.before[name] or "", each.after[name] or ""]
        for column, name in names.items()
        if each.before[name] != each.after[name]
    }
    if each.before["conflicts"] != each.after["conflicts"]:
        was, becomes = each.before["conflicts"], each.after["conflicts"]
        difference["conflicts"] = [";".join(was), ";".join(becomes)]
    difference["classifier"] = [each.row.classifier, each.after["classifier"]]
    return {
        "listing_id": each.row.id,
        "version": each.row.version + 1,
        "account_id": None,
        "recorded_at": now,
        "source": "reclassification",
        "difference": difference,
        "terms": terms,
    }
