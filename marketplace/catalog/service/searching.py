"""From the words of a search to its filters; and the upkeep of what searches read."""

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from marketplace.catalog.errors import BadFilter
from marketplace.catalog.queries.places import UnknownPlace, point_of
from marketplace.catalog.queries.search import Filters, Near, Qualifications
from marketplace.catalog.rules.dates import LAST_YEAR
from marketplace.catalog.rules.weeks import monday_from
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity import queries as identity
from marketplace.identity.queries import TraineeFacts
from marketplace.identity.rules import LearnerStatus

LONGEST_WINDOW = timedelta(days=371)
KM_PER_MILE = 1.609344
WITHIN = 50.0
SIGN_IN = "Sign in as a trainee and fill in your profile: it is your facts that are compared."


def filters_of(
    session: Session,
    asked: Mapping[str, Any],
    *,
    today: date,
    account_id: uuid.UUID | None,
) -> Filters:
    """The filters that `asked`, values as `schemas.search.SearchArgs` loads them, mean today.

    `account_id` is whose learner status and facts they are; two queries at most. `BadFilter`
    names the field that can't be answered.
    """
    facts = identity.trainee_facts(session, account_id) if account_id else None
    return filters_by(session, asked, facts, today)


def filters_by(
    session: Session, asked: Mapping[str, Any], facts: TraineeFacts | None, today: date
) -> Filters:
    """Do so where the trainee's facts are known; one query at most."""
    start, end = _window(asked.get("start_from"), asked.get("start_to"))
    most = asked.get("price_max")
    return Filters(
        today=today,
        words=asked.get("q") or None,
        specialties=asked.get("specialty") or (),
        status=_status(asked.get("learner_status"), facts, start or today),
        tiers=asked.get("tier") or (),
        us_states=asked.get("state") or (),
        settings=asked.get("setting") or (),
        visa=asked.get("visa"),
        weeks=asked.get("weeks"),
        start_from=start,
        start_to=end,
        price_most=Money(most, asked.get("currency") or "USD") if most else None,
        letter_policies=asked.get("letter_policy") or (),
        near=_near(session, asked),
        met_by=_qualifications(facts) if asked.get("prerequisites") else None,
    )


def _window(first: date | None, last: date | None) -> tuple[date | None, date | None]:
    if first is None:
        if last is not None:
            raise BadFilter(fields={"start_to": ["Give start_from too."]})
        return None, None
    end = last or first
    if end.year > LAST_YEAR:
        far = "start_from" if first.year > LAST_YEAR else "start_to"
        raise BadFilter(fields={far: [f"Expected a day up to the year {LAST_YEAR}."]})
    if not timedelta(0) <= end - first <= LONGEST_WINDOW:
        raise BadFilter(fields={"start_to": ["From start_from on, and at most a year later."]})
    start = monday_from(first)
    return start, None if last is None else max(start, last)


def _status(given: str | None, facts: TraineeFacts | None, day: date) -> LearnerStatus | None:
    if given is not None:
        return LearnerStatus(given)
    return facts.learner_status(day) if facts else None


def _near(session: Session, asked: Mapping[str, Any]) -> Near | None:
    written, within = asked.get("near"), asked.get("within")
    if not written:
        if within is not None:
            raise BadFilter(fields={"within": ["Give near too: within how far of what?"]})
        return None
    try:
        point = point_of(session, written)
    except UnknownPlace as unknown:
        raise BadFilter(fields={"near": [str(unknown)]}) from unknown
    each = 1.0 if asked.get("unit") == "km" else KM_PER_MILE
    return Near(point.latitude, point.longitude, (within or WITHIN) * each, point.label)


def _qualifications(facts: TraineeFacts | None) -> Qualifications:
    if facts is None:
        raise BadFilter(SIGN_IN, fields={"prerequisites": [SIGN_IN]})
    return Qualifications(
        step1_result=facts.step1_result,
        step2_ck_score=facts.step2_ck_score,
        needs_visa=facts.needs_visa,
        visa_type=facts.visa_type,
        english=facts.english,
    )
