"""A survey's campaign among generated trainees: the tokens of their links, one for each."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import ids
from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.core.ids import new_id
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import SurveyLink
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.rules.letters import fingerprint
from marketplace.outcomes.service import campaigns
from marketplace.outcomes.service.campaigns import SURVEY, CompletedRotation

OPEN_FOR = timedelta(days=60)


def main(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """Make and frame the campaign by the product's own services, and a link for each of `count` members."""
    job = job_context(create_app(load()))
    signer, now = job.parts.get(LinkSigner), datetime.now(UTC)
    day = now.date()
    rotations = [
        CompletedRotation(
            trainee_id=ids.of(ids.TRAINEE, number),
            specialty="internal_medicine",
            remote=False,
            tier="externship",
            learner_status="graduate",
            state="IL",
        )
        for number in range(plan["count"])
    ]
    tokens: list[str] = []
    with job.transaction() as session:
        campaign = campaigns.make(
            session,
            match_year=day.year,
            opens_on=day,
            closes_on=day + OPEN_FOR,
            freeze_on=day + 2 * OPEN_FOR,
            now=now,
        )
        campaigns.frame(session, campaign, rotations, now)
        expires_at = campaigns.closes_at(campaign)
        for member in queries.members_with_account(session, campaign.id).values():
            link_id = new_id()
            tokens.append(signer.sign(SURVEY, link_id, expires_at))
            session.add(
                SurveyLink(
                    id=link_id,
                    member_id=member.id,
                    token_hash=fingerprint(tokens[-1]),
                    wave=1,
                    expires_at=expires_at,
                    made_at=now,
                )
            )
    return {"tokens": tokens}
