"""The live response of a campaign: AAPOR's rates as they stand, wave by wave and day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.outcomes.queries import survey
from marketplace.reporting.queries import response as queries
from marketplace.reporting.queries.response import Day, Wave
from marketplace.reporting.rules import aapor
from marketplace.reporting.rules.aapor import Dispositions

WITHOUT_ANSWER = ("NC_no_reply", "NC_bounced", "NC_not_invited")


@dataclass(frozen=True)
class Response:
    """Counts and rates at `at`. `broken_off`: saved something, but nothing that counts yet."""

    match_year: int
    at: datetime
    closes_on: str
    frame: int
    eligible: int
    responded: int
    broken_off: int
    dispositions: dict[str, int]
    rates: dict[str, float | None]
    waves: Sequence[Wave]
    days: Sequence[Day]
    cumulative: Sequence[int]


def response(session: Session, campaign_id: UUID, now: datetime) -> Response:
    """How the campaign is answered now. Reads only; three queries whatever the frame's size."""
    campaign = survey.campaign(session, campaign_id)
    if campaign is None:
        raise NotFound
    standing = queries.standing(session, campaign_id)
    persons = standing.persons
    cases = Dispositions(
        I=persons.get("I", 0),
        P=persons.get("P", 0),
        R=persons.get("R", 0),
        NC=sum(persons.get(code, 0) for code in WITHOUT_ANSWER),
        O=persons.get("O_deceased", 0),
        NE=persons.get("NE", 0),
    )
    days = queries.days(session, campaign_id)
    return Response(
        match_year=campaign.match_year,
        at=now,
        closes_on=campaign.closes_on.isoformat(),
        frame=sum(persons.values()),
        eligible=cases.eligible,
        responded=cases.interviewed,
        broken_off=sum(standing.started.get(code, 0) for code in WITHOUT_ANSWER),
        dispositions=persons,
        rates={name: rate for name, rate in aapor.rates(cases).items() if name[:2] != "e"},
        waves=queries.waves(session, campaign_id),
        days=days,
        cumulative=list(accumulate(day.responded for day in days)),
    )
