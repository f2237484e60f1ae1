"""Taking the year's frame from the bookings: who had completed a rotation by the freeze."""

from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.outcomes.queries import survey
from marketplace.outcomes.service import campaigns, marks
from marketplace.reporting.queries import frame


def frame_campaign(session: Session, campaign_id: UUID, now: datetime) -> int:
    """Bring every trainee with a completed rotation before the campaign's freeze into its frame.

    Return how many joined; those who are in it stay as they are, so that it may be run again. Who
    was known to have died, or to be somebody else's duplicate, joins as such.
    """
    campaign = survey.campaign(session, campaign_id)
    if campaign is None:
        raise NotFound
    rotations = frame.completed_rotations(session, campaign.freeze_on)
    joined = campaigns.frame(session, campaign, rotations, now)
    marks.carry_over(session, campaign, now)
    return joined
