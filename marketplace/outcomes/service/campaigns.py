"""Survey campaigns: made, framed from the bookings, sent out in waves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity
from marketplace.identity.queries.schools import accounts_by_email
from marketplace.identity.rules import ApplicantType
from marketplace.identity.service.notices import notify
from marketplace.outcomes.errors import NoMoreWaves, NotOpenYet, SurveyClosed
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Campaign, CohortMember, CohortMemberVersion, SurveyLink
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.rules.frame import FACTS, grad_band, site_group
from marketplace.outcomes.rules.letters import fingerprint
from marketplace.outcomes.rules.questionnaire import Disposition
from marketplace.outcomes.service.match import person_of_trainee

SURVEY = "survey"
SEND_WAVE = "outcomes.send_wave"
INVITATION = "survey_invitation"
BATCH = 200
MOST_WAVES = 4


@dataclass(frozen=True)
class CompletedRotation:
    """A completed rotation as far as the frame is concerned; a trainee's last one counts."""

    trainee_id: UUID
    specialty: str
    remote: bool
    tier: str
    learner_status: str
    state: str


def make(
    session: Session,
    *,
    match_year: int,
    opens_on: date,
    closes_on: date,
    freeze_on: date,
    now: datetime,
) -> Campaign:
    """Make the campaign of a Match year, with the latest questionnaire; `CampaignExists`."""
    campaign = Campaign(
        id=new_id(),
        match_year=match_year,
        questionnaire_version=questionnaire.LATEST,
        opens_on=opens_on,
        closes_on=closes_on,
        freeze_on=freeze_on,
        made_at=now,
    )
    session.add(campaign)
    session.flush()
    return campaign


def frame(
    session: Session, campaign: Campaign, rotations: Iterable[CompletedRotation], now: datetime
) -> int:
    """Take trainees with a completed rotation into the frame, one row a person; return how many.

    Those who are in it already stay as they are. IMGs only: a panel's groups are us_img and
    non_us_img.
    """
    last = {rotation.trainee_id: rotation for rotation in rotations}
    known = queries.members_with_account(session, campaign.id)
    fresh = {trainee: done for trainee, done in last.items() if trainee not in known}
    facts = identity.many_trainee_facts(session, list(fresh))
    joined = 0
    for trainee_id, rotation in fresh.items():
        about = facts.get(trainee_id)
        if about is None or about.applicant_type == ApplicantType.NON_IMG:
            continue
        member = CohortMember(
            id=new_id(),
            campaign_id=campaign.id,
            person_id=person_of_trainee(session, trainee_id).id,
            joined_at=now,
            changed_at=now,
            img_type=str(about.applicant_type),
            specialty=rotation.specialty,
            modality="virtual" if rotation.remote else "in_person",
            grad_band=grad_band(about.graduation_date, campaign.match_year),
            rotation_status="completed",
            frame_flag="ok",
            invited=False,
            delivery="not_sent",
            disposition=Disposition.NOT_INVITED.value,
            match_items_answered=False,
            tier=rotation.tier,
            learner_status=rotation.learner_status,
            site_group=site_group(rotation.state),
        )
        session.add(member)
        keep_version(session, member, now)
        joined += 1
    campaign.framed_at = now
    session.flush()
    return joined


def invite(
    session: Session, campaign_id: UUID, *, wave: int, signer: LinkSigner, now: datetime
) -> int:
    """Send a wave to at most `BATCH` of those who have not finished; return to how many.

    Answered, refused and bounced are not written to again, and nobody twice in one wave. The link
    works until the campaign closes. Who wants no mail about surveys, or whose address takes none,
    is not invited, and the frame says so.
    """
    campaign = queries.campaign(session, campaign_id)
    if campaign is None:
        raise NotFound
    expires_at = closes_at(campaign)
    if now >= expires_at:
        raise SurveyClosed
    recipients = queries.to_invite(session, campaign_id, wave, BATCH)
    for recipient in recipients:
        member = queries.member(session, recipient.member_id, lock=True)
        if member is None or member.frame_flag not in (None, "ok"):
            # Marked since they were read.
            continue
        link_id = new_id()
        token = signer.sign(SURVEY, link_id, expires_at)
        link = SurveyLink(
            id=link_id,
            member_id=recipient.member_id,
            token_hash=fingerprint(token),
            wave=wave,
            expires_at=expires_at,
            made_at=now,
        )
        session.add(link)
        notice = notify(
            session,
            recipient.account_id,
            INVITATION,
            {"match_year": campaign.match_year, "closes_on": campaign.closes_on.isoformat()},
            now=now,
            secret={"token": token},
        )
        if notice.state == "off":
            # The wave is over for them; the next one asks anew what they want.
            link.revoked_at = now
        else:
            _mark_invited(session, member, now)
    session.flush()
    return len(recipients)


def send_next(session: Session, campaign: Campaign, now: datetime) -> int:
    """Have a job send the next wave; return its number. `NotOpenYet`, `SurveyClosed`, `NoMoreWaves`."""
    if now.date() < campaign.opens_on:
        raise NotOpenYet(f"It opens on {campaign.opens_on.isoformat()}.")
    if now >= closes_at(campaign):
        raise SurveyClosed(f"It closed on {campaign.closes_on.isoformat()}: no wave is sent after.")
    wave = queries.last_wave(session, campaign.id) + 1
    if wave > MOST_WAVES:
        raise NoMoreWaves
    lock = f"campaign:{campaign.id}"
    defer(session, SEND_WAVE, lock=lock, campaign_id=str(campaign.id), wave=wave)
    return wave


def bounced(
    session: Session, campaign: Campaign, emails: Iterable[str], now: datetime
) -> tuple[int, list[str]]:
    """Record that mail to these addresses came back; how many members, and which are unknown."""
    members = queries.members_with_account(session, campaign.id)
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails))
    accounts = accounts_by_email(session, addresses)
    recorded, unknown = 0, []
    for email in addresses:
        account = accounts.get(email)
        found = None if account is None else members.get(account.id)
        member = None if found is None else queries.member(session, found.id, lock=True)
        if member is None:
            unknown.append(email)
        else:
            recorded += _came_back(session, member, now)
    return recorded, unknown


def invitation_came_back(
    session: Session, account_id: UUID, address: str, match_year: int, now: datetime
) -> None:
    """Record that an invitation came back from `address`, if the account still has it.

    Who has another one by now is not bounced: the next wave goes there.
    """
    campaign = queries.campaign_of_year(session, match_year)
    contact = identity.contact(session, account_id)
    if campaign is None or contact is None or contact.email != address:
        return
    found = queries.members_with_account(session, campaign.id, account_id).get(account_id)
    member = None if found is None else queries.member(session, found.id, lock=True)
    if member is not None:
        _came_back(session, member, now)


def _came_back(session: Session, member: CohortMember, now: datetime) -> bool:
    """Mark who has not answered as bounced; who has stays as they are. Whether it is news."""
    if member.delivery == "bounced":
        return False
    member.delivery = "bounced"
    if member.disposition in (Disposition.NO_REPLY, Disposition.NOT_INVITED):
        member.disposition = Disposition.BOUNCED.value
    keep_version(session, member, now)
    return True


def closes_at(campaign: Campaign) -> datetime:
    """Return the first instant after the campaign's last day, in UTC."""
    return datetime.combine(campaign.closes_on + timedelta(days=1), time(), UTC)


def keep_version(session: Session, member: CohortMember, now: datetime) -> None:
    """Append what is known of the member, after a change: reports read it as of a date."""
    member.changed_at = max(now, member.changed_at)
    session.flush()
    session.add(
        CohortMemberVersion(
            id=new_id(),
            member_id=member.id,
            recorded_at=member.changed_at,
            **{name: getattr(member, name) for name in FACTS},
        )
    )


def _mark_invited(session: Session, member: CohortMember, now: datetime) -> None:
    member.invited = True
    member.delivery = "delivered"
    if member.disposition == Disposition.NOT_INVITED:
        member.disposition = Disposition.NO_REPLY.value
    keep_version(session, member, now)
