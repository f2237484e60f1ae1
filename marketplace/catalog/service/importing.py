"""The import of a host's sheet: planned first, then done as planned, row by row.

Refused rows are left out, the others are stored in the caller's transaction. A second import of
the same sheet changes nothing. Two imports for one owner wait for each other. However many rows
there are, they are held, read and judged by two statements, and written by one.
"""

import hashlib
import uuid
from datetime import datetime

from sqlalchemy import Text, cast, func, literal, select

from marketplace.catalog.errors import ImportUnderWay, ListingNotFound, SheetRefused
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import ImportRun, Site
from marketplace.catalog.queries import imports, listings
from marketplace.catalog.rules.faults import LARGE, Limits
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.service.import_writing import Writer
from marketplace.catalog.service.planning import ImportPlan
from marketplace.catalog.service.settling import Asked, look, settle
from marketplace.core.db import Session
from marketplace.core.ids import new_id

LARGER = " A larger sheet is sent with PUT to imports/{import_id} of the site."


def import_listings(
    session: Session,
    text: str | bytes,
    owner_account_id: uuid.UUID | None,
    commit: bool,  # noqa: FBT001 - the command's own word
    now: datetime,
    *,
    site_id: uuid.UUID | None = None,
    account_id: uuid.UUID | None = None,
    holders: SeatHolders | None = None,
    name: str | None = None,
    limits: Limits = LARGE,
) -> ImportPlan:
    """Plan the import of a sheet for an owner and, with `commit`, do it (the edge commits).

    `site_id` admits rows of that site only, and tells the owner where none is given; `account_id` is
    who imports, the owner by default; `holders` lets the plan name the bookings that stand against
    a change; `name` is the file's. Drafts are created; publication is asked for by itself. Problems
    of rows and of the file are in the plan, never raised; `ListingNotFound` for another's site.
    """
    sheet = read_sheet(text, name=name, limits=limits)
    if sheet.fault is not None:
        return ImportPlan((), fault=sheet.fault)
    if not commit:
        owner_id = owner_account_id or _owner(session, site_id)
        found = look(session, sheet.rows, Asked(owner_id, site_id, now.date()), holders)
        return ImportPlan(found.entries, sheet.remarks)
    asked = Asked(owner_account_id, site_id, now.date())
    settled = settle(session, sheet.rows, asked, holders)
    done = ImportPlan(settled.entries, sheet.remarks, committed=True)
    by = account_id or settled.owner_id
    work = Writer(session, settled, by, now, holders)
    work.run(_run(text, settled.owner_id, by, site_id, done, now))
    return done


def _owner(session: Session, site_id: uuid.UUID | None) -> uuid.UUID:
    site = listings.site(session, site_id) if site_id else None
    if site is None:
        raise ListingNotFound
    return site.owner_account_id


def _run(
    text: str | bytes,
    owner_id: uuid.UUID,
    account_id: uuid.UUID,
    site_id: uuid.UUID | None,
    plan: ImportPlan,
    now: datetime,
) -> ImportRun:
    """What is kept of an import that is done at once."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return ImportRun(
        id=new_id(),
        owner_account_id=owner_id,
        account_id=account_id,
        site_id=site_id,
        recorded_at=now,
        digest=hashlib.sha256(raw).digest(),
        size=len(raw),
        counts=plan.counts,
    )


def wait_for_others(
    session: Session, owner_account_id: uuid.UUID, but: uuid.UUID | None = None
) -> None:
    """Wait for an import of this owner that writes now; `ImportUnderWay` for one with many steps."""
    key = func.hashtextextended(f"catalog.import:{owner_account_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    other = imports.other_committing(session, owner_account_id, but)
    if other is not None:
        raise ImportUnderWay(extra={"import_id": str(other)})


def wait_at_site(session: Session, site_id: uuid.UUID) -> None:
    """Wait for an import of the site's owner that writes now; who asks then sees what it wrote."""
    owner = cast(Site.owner_account_id, Text)
    key = func.hashtextextended(literal("catalog.import:") + owner, 0)
    session.execute(select(func.pg_advisory_xact_lock(key)).where(Site.id == site_id))


def refuse_fault(plan: ImportPlan) -> None:
    """Raise `SheetRefused` for a file that can't be read at all."""
    if plan.fault is not None:
        larger = plan.fault.code in ("too_many_rows", "too_many_cells", "too_much_text")
        raise SheetRefused(
            f"Expected {plan.fault.expected}.{LARGER if larger else ''}",
            extra={"sheet_code": plan.fault.code, "row": plan.fault.row},
        )
