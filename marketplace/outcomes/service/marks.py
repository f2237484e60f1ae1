"""Who of a survey's frame has died, or stands in it twice: marked, unmarked, with history."""

from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.ids import new_id
from marketplace.identity.queries.schools import accounts_by_email
from marketplace.outcomes.errors import DuplicateOfNone, MarkedSo, NotToBeMarked
from marketplace.outcomes.models import Campaign, CohortMember, FrameMark
from marketplace.outcomes.queries import corrections, marks, survey
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.rules.questionnaire import Disposition
from marketplace.outcomes.service.campaigns import keep_version

OK, DUPLICATE = "ok", "duplicate"


def mark(
    session: Session,
    campaign: Campaign,
    *,
    trainee_id: str,
    flag: str,
    duplicate_of: str | None,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> FrameMark:
    """Record that somebody of the frame has died or is in it twice; `ok` takes either back.

    `trainee_id` is an e-mail address, the account's id or the person's, `duplicate_of` so, too. Who
    is marked is written to no more, and their link opens nothing. A duplicate counts as not eligible;
    who has died counts as dead unless they had answered or refused. `MarkedSo` if it is no news.
    """
    member = _find(session, campaign, trainee_id, "trainee_id")
    kept = None
    if duplicate_of is not None:
        kept = _find(session, campaign, duplicate_of, "duplicate_of")
    if (flag == DUPLICATE) != (kept is not None):
        raise Invalid(fields={"duplicate_of": ["Given for a duplicate, and only for one."]})
    return _mark(session, campaign, member, kept, flag, reason, actor_id, now)


def carry_over(session: Session, campaign: Campaign, now: datetime) -> int:
    """Mark who joined the frame as they were marked in an earlier one; return how many.

    The author and the reason are those of then. Whose other row is not in this frame counts here.
    """
    found = 0
    for member, before, person_id in marks.marked_before(session, campaign.id):
        kept = (
            None if person_id is None else marks.member_of_person(session, campaign.id, person_id)
        )
        if before.flag == DUPLICATE and (kept is None or kept.frame_flag == DUPLICATE):
            continue
        _mark(session, campaign, member, kept, before.flag, before.reason, before.recorded_by, now)
        found += 1
    return found


def _mark(
    session: Session,
    campaign: Campaign,
    member: CohortMember,
    kept: CohortMember | None,
    flag: str,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> FrameMark:
    ids = sorted({member.id} if kept is None else {member.id, kept.id})
    # In one order, so that two who mark each other's row wait and do not fail.
    locked = {found: survey.member(session, found, lock=True) for found in ids}
    if kept is not None and (kept.id == member.id or kept.frame_flag == DUPLICATE):
        raise DuplicateOfNone
    if locked[member.id] is None or survey.account_of(session, member.person_id) is None:
        raise NotToBeMarked
    before = marks.last(session, member.id)
    stands = (OK, None) if before is None else (before.flag, before.duplicate_of)
    if stands == (flag, kept and kept.id):
        raise MarkedSo
    made = FrameMark(
        id=new_id(),
        member_id=member.id,
        flag=flag,
        duplicate_of=None if kept is None else kept.id,
        reason=reason,
        recorded_by=actor_id,
        recorded_at=now,
    )
    session.add(made)
    session.flush()
    member.frame_flag = flag
    member.disposition = questionnaire.counted_as(
        flag, _disposition(session, campaign, member)
    ).value
    keep_version(session, member, now)
    return made


def _disposition(session: Session, campaign: Campaign, member: CohortMember) -> Disposition:
    """What they would count as without any mark, from what was answered and sent."""
    if member.consent_reporting is False:
        return Disposition.REFUSAL
    answer = survey.last_answer(session, member.id)
    if answer is not None:
        version = campaign.questionnaire_version
        meant = questionnaire.meaning(version, answer.answers, complete=answer.complete)
        if meant.disposition is not None:
            return meant.disposition
    if member.delivery == "bounced":
        return Disposition.BOUNCED
    return Disposition.NO_REPLY if member.invited else Disposition.NOT_INVITED


def _find(session: Session, campaign: Campaign, name: str, field: str) -> CohortMember:
    member = None
    if "@" in name:
        account = accounts_by_email(session, [name.strip().lower()]).get(name.strip().lower())
        of_account = (
            survey.members_with_account(session, campaign.id, account.id) if account else {}
        )
        member = next(iter(of_account.values()), None)
    elif person_id := corrections.people(session, {name}).get(name):
        member = marks.member_of_person(session, campaign.id, person_id)
    if member is None:
        expected = (
            f"Expected somebody in the frame of {campaign.match_year}: by e-mail address or id."
        )
        raise Invalid(fields={field: [expected]})
    return member


def campaign(session: Session, campaign_id: UUID) -> Campaign:
    """Return a campaign; `NotFound`."""
    found = survey.campaign(session, campaign_id)
    if found is None:
        raise NotFound
    return found
