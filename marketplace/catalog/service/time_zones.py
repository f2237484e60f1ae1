"""A site's time zone in a sheet: it stays while any of the site's listings has seats taken."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.catalog.models import Site
from marketplace.catalog.queries.sheets import Known
from marketplace.catalog.rules.drafts import SiteDraft
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.spreadsheet import SheetRow
from marketplace.catalog.service import holding

MOST_NAMED = 5


@dataclass(frozen=True)
class ZoneInUse:
    """The time zone that a site has, and who stands against another: (id, own id, weeks)."""

    name: str
    taken: Sequence[tuple[uuid.UUID, str, Sequence[date]]]


def in_use(
    known: Known, rows: Sequence[SheetRow], owner_id: uuid.UUID, only: Site | None
) -> dict[str, ZoneInUse]:
    """The sites, by name, whose time zone rows would change while seats are taken there.

    Seats of any of the site's listings, whether the sheet has them or not.
    """
    wanted = {row.draft.site.name: row.draft.site.time_zone for row in rows if row.draft}
    sites = {only.name: only} if only else known.named(owner_id)
    found: dict[str, ZoneInUse] = {}
    for name, site in sites.items():
        if wanted.get(name, site.time_zone) != site.time_zone:
            here = [
                (row.id, row.external_id, sorted(known.taken[row.id]))
                for row in known.of_site(site.id)
                if known.taken.get(row.id)
            ]
            if here:
                found[name] = ZoneInUse(site.time_zone, sorted(here, key=lambda one: one[1]))
    return found


def refused(row: int, site: SiteDraft, zone: ZoneInUse) -> Problem:
    """A day of a booking would begin at another time: of this listing or of another one there."""
    weeks = sorted({week for _, _, some in zone.taken for week in some})
    listings_ = ", ".join(own_id for _, own_id, _ in zone.taken[:MOST_NAMED])
    more = f" and {len(zone.taken) - MOST_NAMED} more" if len(zone.taken) > MOST_NAMED else ""
    expected = (
        f"{zone.name}, the time zone of {site.name}: it can't change while seats are taken there,"
        f" of {listings_}{more} in the week of {holding.in_words(weeks)}; write {zone.name} in all"
        " rows of the site, or change it once these bookings are over or cancelled"
    )
    ids = tuple(listing_id for listing_id, _, _ in zone.taken)
    return Problem(row, "timezone", site.time_zone, "seats_taken", expected, tuple(weeks), ids)
