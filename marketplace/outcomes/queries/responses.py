"""How campaigns stand: who has answered, by disposition."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.outcomes.models import Campaign, CohortMember


@dataclass(frozen=True)
class Response:
    """A campaign with its members by disposition, as the frame is now."""

    campaign: Campaign
    members: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.members.values())

    def of(self, kind: str) -> int:
        """How many have a disposition of that kind, such as `NC` for all not contacted."""
        return sum(n for code, n in self.members.items() if code.partition("_")[0] == kind)


def campaigns(session: Session) -> list[Response]:
    """Every campaign with its response so far, the latest Match year first; two queries."""
    counts: dict[UUID, Counter[str]] = {}
    rows = session.execute(
        select(CohortMember.campaign_id, CohortMember.disposition, func.count()).group_by(
            CohortMember.campaign_id, CohortMember.disposition
        )
    )
    for campaign_id, disposition, many in rows:
        counts.setdefault(campaign_id, Counter())[disposition] = many
    every = session.execute(select(Campaign).order_by(Campaign.match_year.desc())).scalars()
    return [Response(one, counts.get(one.id, Counter())) for one in every]
