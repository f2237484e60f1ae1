"""What a trainee is judged by, as frozen facts: alone, and beside what another package asks for."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import ColumnExpressionArgument, Select, bindparam, select

from marketplace.core.db import Session
from marketplace.identity.models import Account, School, SchoolStudent, TraineeProfile
from marketplace.identity.rules import (
    ApplicantType,
    LearnerStatus,
    applicant_type,
    learner_status,
)
from marketplace.identity.states import StudentState

# What of `TraineeFacts` are columns of the same name; then the others that they are made of.
OF_PROFILE = (
    "account_id",
    "version",
    "school_name",
    "school_country",
    "citizenship",
    "needs_visa",
    "visa_type",
    "graduation_date",
    "step1_result",
    "step2_ck_score",
    "english",
    "ecfmg_certified",
    "target_specialty",
    "match_year",
    "name",
)
FACTS = (
    *(getattr(TraineeProfile, name) for name in OF_PROFILE[:-1]),
    Account.name,
    Account.time_zone,
    School.id,
    School.approves,
)


@dataclass(frozen=True)
class TraineeFacts:
    """What listings and reports judge a trainee by, as of the profile's present version."""

    account_id: uuid.UUID
    name: str
    version: int
    school_name: str | None
    school_country: str
    citizenship: str
    applicant_type: ApplicantType
    needs_visa: bool
    visa_type: str | None
    graduation_date: date
    step1_result: str
    step2_ck_score: int | None
    english: dict[str, object] | None
    ecfmg_certified: bool
    target_specialty: str | None
    match_year: int | None
    time_zone: str
    # The school whose student the trainee is, and whether it has a word in each booking.
    school_id: uuid.UUID | None = None
    school_approves: bool = False

    def learner_status(self, on: date) -> LearnerStatus:
        """Return `student` or `graduate` on that day; a booking asks for its first day."""
        return learner_status(self.graduation_date, on)


def trainee_facts(session: Session, account_id: uuid.UUID) -> TraineeFacts | None:
    """Return the applicant facts of a trainee; None while the profile is not filled in."""
    row = session.execute(_trainee_facts(), {"id": account_id}).first()
    return None if row is None else _facts(row)


@cache
def _trainee_facts() -> Select[Any]:
    return _with_school().where(TraineeProfile.account_id == bindparam("id"))


def _with_school() -> Select[Any]:
    linked = (SchoolStudent.account_id == TraineeProfile.account_id) & (
        SchoolStudent.state == StudentState.LINKED
    )
    return (
        select(*FACTS)
        .select_from(TraineeProfile)
        .join(Account, Account.id == TraineeProfile.account_id)
        .outerjoin(SchoolStudent, linked)
        .outerjoin(School, School.id == SchoolStudent.school_id)
    )


def beside_facts(
    query: Select[Any], account_id: ColumnExpressionArgument[uuid.UUID]
) -> Select[Any]:
    """Add to a query of another package the columns that `facts_beside` reads, at its end."""
    linked = (SchoolStudent.account_id == TraineeProfile.account_id) & (
        SchoolStudent.state == StudentState.LINKED
    )
    return (
        query.outerjoin(TraineeProfile, TraineeProfile.account_id == account_id)
        .outerjoin(Account, Account.id == TraineeProfile.account_id)
        .outerjoin(SchoolStudent, linked)
        .outerjoin(School, School.id == SchoolStudent.school_id)
        .add_columns(*FACTS)
    )


def facts_beside(found: Sequence[Any]) -> TraineeFacts | None:
    """Return the applicant facts in the columns that `beside_facts` has added; None if no profile."""
    return None if found[0] is None else _facts(found)


def many_trainee_facts(
    session: Session, account_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, TraineeFacts]:
    """Return the facts of several trainees in one query; those without a profile are absent."""
    rows = session.execute(_with_school().where(TraineeProfile.account_id.in_(account_ids)))
    return {row[0]: _facts(row) for row in rows}


def _facts(found: Sequence[Any]) -> TraineeFacts:
    *profile, time_zone, school_id, approves = found
    facts = dict(zip(OF_PROFILE, profile, strict=True))
    return TraineeFacts(
        **facts,
        applicant_type=applicant_type(facts["school_country"], facts["citizenship"]),
        time_zone=time_zone,
        school_id=school_id,
        school_approves=bool(approves),
    )
