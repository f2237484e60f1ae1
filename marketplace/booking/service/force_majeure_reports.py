"""Runs of force majeure as operators look at them: a list, one by itself, and one in sums."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import ForceMajeure
from marketplace.booking.queries.endings import SiteSum
from marketplace.booking.service.force_majeure import GOOD_FOR
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity

DONE, FAILED, PENDING = "done", "failed", "pending"


@dataclass
class AtSite:
    """What became of a run's bookings at one site."""

    site_id: UUID
    site_name: str
    progress: Counter[str] = field(default_factory=Counter)
    refunded: list[Money] = field(default_factory=list)

    @property
    def bookings(self) -> int:
        return self.progress.total()


def shown(session: Session, runs: Sequence[ForceMajeure]) -> list[dict[str, Any]]:
    """Return runs with how far they are and who made them; two queries, however many."""
    progress = queries.force_majeure_progress(session, [one.id for one in runs])
    people = {by for one in runs for by in (one.planned_by, one.run_by) if by is not None}
    names = {key: one.name for key, one in identity.contacts(session, sorted(people)).items()}
    return [
        {
            **{column.name: getattr(one, column.name) for column in one.__table__.columns},
            "planned_by": names[one.planned_by],
            "run_by": names[one.run_by] if one.run_by is not None else None,
            "good_until": one.planned_at + GOOD_FOR,
            "progress": progress[one.id],
        }
        for one in runs
    ]


def report(session: Session, run_id: UUID) -> dict[str, Any]:
    """Return a run in sums: of all, and site by site. `NotFound` if there is none; four queries."""
    run = queries.force_majeure(session, run_id)
    found = queries.force_majeure_sums(session, run_id)
    sites: dict[UUID, AtSite] = {}
    for one in found:
        at = sites.setdefault(one.site_id, AtSite(one.site_id, one.site_name))
        at.progress[one.state] += one.bookings
    for at in sites.values():
        at.refunded = _gone_back(one for one in found if one.site_id == at.site_id)
    of_all = Counter[str]()
    for one in found:
        of_all[one.state] += one.bookings
    return {
        "run": shown(session, [run])[0],
        "refunded": _gone_back(found),
        "to_do": of_all[PENDING],
        "failed": of_all[FAILED],
        "sites": list(sites.values()),
    }


def _gone_back(found: Iterable[SiteSum]) -> list[Money]:
    """What was refunded, an amount for each currency; nothing is not named."""
    sums: Counter[str] = Counter()
    for one in found:
        if one.state == DONE:
            sums[one.refund.currency] += one.refund.minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items()) if minor]
