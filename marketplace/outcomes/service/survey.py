"""Answering the survey by a link: looking records nothing, saving never overwrites newer answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.compliance.rules import Purpose
from marketplace.compliance.service.records import decide
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.ids import new_id
from marketplace.outcomes.errors import AnswersChanged, LinkInvalid, SurveyClosed
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.models import Campaign, CohortMember, SurveyAnswer
from marketplace.outcomes.queries import survey as queries
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.rules.letters import fingerprint
from marketplace.outcomes.rules.match import Provenance
from marketplace.outcomes.rules.questionnaire import Disposition
from marketplace.outcomes.service import match
from marketplace.outcomes.service.campaigns import SURVEY, closes_at, keep_version

EVIDENCE = "survey"
NO_ANSWER = "no longer an answer in the survey"
ANSWERS_STAND = "What was answered until then stands, and can't be changed any more."
NOT_AGREED = "consent to be counted withdrawn"
CONSENTED = {
    Purpose.RESEARCH.value: "consent_research",
    Purpose.NAMED_TESTIMONIAL.value: "consent_named",
}
ANSWERED = (Disposition.INTERVIEW, Disposition.PARTIAL)


@dataclass(frozen=True)
class Sheet:
    """What a member sees: the questions, and the answers that stand with their version."""

    match_year: int
    questionnaire_version: str
    # The last day on which answers can be changed, and the instant after it.
    closes_on: date
    closes_at: datetime
    version: int
    answers: Mapping[str, Any]
    complete: bool


def look(session: Session, signer: LinkSigner, token: str, now: datetime) -> Sheet:
    """Return the member's sheet. Records and consumes nothing: mail scanners open links."""
    found = _find(session, signer, token, now)
    return _sheet(found.campaign, queries.last_answer(session, found.member.id))


def save(
    session: Session,
    signer: LinkSigner,
    token: str,
    *,
    answers: Mapping[str, Any],
    version: int,
    complete: bool,
    now: datetime,
) -> Sheet:
    """Save the whole sheet as it stands in one tab, which read it at `version`.

    What is saved already is not saved again. `AnswersChanged`, with the answers that stand, for a
    tab that is behind. `Invalid` names each answer that does not fit its question.
    """
    linked = _find(session, signer, token, now, lock=True)
    member, campaign = linked.member, linked.campaign
    faults = questionnaire.faults(campaign.questionnaire_version, answers)
    if faults:
        raise Invalid(fields=faults)
    last = queries.last_answer(session, member.id)
    if last is not None and last.answers == answers and last.complete == complete:
        return _sheet(campaign, last)
    standing = 0 if last is None else last.version
    if version != standing:
        raise AnswersChanged(
            extra={"version": standing, "answers": {} if last is None else last.answers}
        )
    saved = SurveyAnswer(
        id=new_id(),
        member_id=member.id,
        version=standing + 1,
        answers=dict(answers),
        complete=complete,
        recorded_at=now,
    )
    session.add(saved)
    session.flush()
    _take_in(session, linked, saved, now)
    return _sheet(campaign, saved)


def consent_decided(
    session: Session, account_id: UUID, purpose: str, *, given: bool, now: datetime
) -> None:
    """Let what a person decides with their account count for all their answers, from now on.

    Who does not want to be counted any more is one who refused; agreeing again brings back the
    answers that stand, if they were given with consent.
    """
    for found in queries.members_of(session, account_id):
        member = queries.member(session, found.id, lock=True)
        campaign = queries.campaign(session, found.campaign_id)
        if member is None or campaign is None:
            continue
        if purpose != Purpose.REPORTING:
            _set(session, member, CONSENTED[purpose], given=given, now=now)
        elif not given:
            _not_counted(session, campaign, member, now)
        elif member.consent_reporting is False:
            last = queries.last_answer(session, member.id)
            if last is not None and last.answers.get(questionnaire.CONSENT) is True:
                _count(session, campaign, member, last, member.wave or 1, now)
                keep_version(session, member, now)


def _set(session: Session, member: CohortMember, name: str, *, given: bool, now: datetime) -> None:
    if getattr(member, name) is not given:
        setattr(member, name, given)
        keep_version(session, member, now)


def _not_counted(session: Session, campaign: Campaign, member: CohortMember, now: datetime) -> None:
    if member.consent_reporting is False:
        return
    match.withdraw(
        session,
        member.person_id,
        campaign.match_year,
        but=(),
        evidence=EVIDENCE,
        reason=NOT_AGREED,
        now=now,
    )
    member.consent_reporting = False
    member.match_items_answered, member.lor_earned = False, None
    if member.disposition in (*ANSWERED, Disposition.NO_REPLY, Disposition.NOT_INVITED):
        member.disposition = Disposition.REFUSAL.value
    keep_version(session, member, now)


def _find(
    session: Session, signer: LinkSigner, token: str, now: datetime, *, lock: bool = False
) -> queries.Linked:
    link_id = signer.read(SURVEY, token, now)
    found = (
        None
        if link_id is None
        else queries.by_link(session, link_id, fingerprint(token), now, lock=lock)
    )
    if found is None and signer.is_over(SURVEY, token, now):
        raise SurveyClosed(ANSWERS_STAND)
    if found is None:
        raise LinkInvalid
    _still_asked(found.member)
    if now >= closes_at(found.campaign):
        raise SurveyClosed(ANSWERS_STAND)
    return found


def _still_asked(member: CohortMember) -> None:
    """Nobody answers for who has died, or by the second of two rows of one person."""
    if member.frame_flag not in (None, "ok"):
        raise LinkInvalid


def _sheet(campaign: Campaign, last: SurveyAnswer | None) -> Sheet:
    return Sheet(
        match_year=campaign.match_year,
        questionnaire_version=campaign.questionnaire_version,
        closes_on=campaign.closes_on,
        closes_at=closes_at(campaign),
        version=0 if last is None else last.version,
        answers={} if last is None else last.answers,
        complete=False if last is None else last.complete,
    )


def _take_in(session: Session, linked: queries.Linked, saved: SurveyAnswer, now: datetime) -> None:
    """Turn answers into the outcome (self-reported), the member's disposition and consents."""
    member, campaign, account_id = linked.member, linked.campaign, linked.account_id
    meant = _count(session, campaign, member, saved, linked.link.wave, now)
    member.consent_research = meant.consents.get("research")
    member.consent_named = meant.consents.get("named_testimonial")
    keep_version(session, member, now)
    if account_id is None:
        return
    for purpose, given in meant.consents.items():
        decide(
            session,
            account_id,
            Purpose(purpose),
            given=given,
            wording=f"survey {campaign.questionnaire_version}",
            now=now,
            told=False,
        )


def _count(
    session: Session,
    campaign: Campaign,
    member: CohortMember,
    saved: SurveyAnswer,
    wave: int,
    now: datetime,
) -> questionnaire.Meaning:
    """Record what the answers say of the Match, and whether they count."""
    meant = questionnaire.meaning(
        campaign.questionnaire_version, saved.answers, complete=saved.complete
    )
    # Edited until the close: what was answered before and is no answer any more goes first.
    if saved.version > 1:
        match.withdraw(
            session,
            member.person_id,
            campaign.match_year,
            but=meant.fields,
            evidence=EVIDENCE,
            reason=NO_ANSWER,
            now=now,
        )
    if meant.fields:
        match.record(
            session,
            person_id=member.person_id,
            match_year=campaign.match_year,
            claims=meant.fields,
            source=Provenance.SELF_REPORTED,
            actor_id=None,
            evidence=EVIDENCE,
            now=now,
        )
    member.match_items_answered = meant.match_items_answered
    member.lor_earned = meant.lor_earned
    member.refused_items = list(meant.refused_items)
    if meant.disposition is not None:
        member.disposition = meant.disposition.value
        member.wave = member.wave or wave
    elif member.disposition in ANSWERED:
        member.disposition, member.wave = Disposition.NO_REPLY.value, None
    member.disposition = questionnaire.counted_as(
        member.frame_flag, Disposition(member.disposition)
    ).value
    member.consent_reporting = meant.consents.get("reporting")
    return meant
