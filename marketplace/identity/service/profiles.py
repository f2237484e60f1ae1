"""The trainee's profile: one current row, and every saved version of it beside it."""

import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from marketplace.core.db import Session
from marketplace.core.errors import Invalid, PreconditionFailed
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.models import TraineeProfile, TraineeProfileRevision
from marketplace.identity.rules import (
    Citizenship,
    Step1Result,
    VisaType,
    is_country,
)

EARLIEST_GRADUATION = date(1950, 1, 1)
LATEST_GRADUATION = date(2099, 12, 31)


@dataclass(frozen=True, kw_only=True)
class ProfileData:
    """The whole content of a profile; saving replaces all of it."""

    school_country: str
    citizenship: str
    needs_visa: bool
    graduation_date: date
    step1_result: str = Step1Result.NOT_TAKEN.value
    school_name: str | None = None
    visa_type: str | None = None
    step2_ck_score: int | None = None
    english: dict[str, Any] | None = None
    ecfmg_certified: bool = False
    target_specialty: str | None = None
    match_year: int | None = None


def save(
    session: Session,
    account_id: uuid.UUID,
    data: ProfileData,
    *,
    recorded_by: uuid.UUID,
    now: datetime,
    onto: int | None = None,
) -> TraineeProfile:
    """Save the profile as a new version; one that says nothing new is no version.

    `onto` is the version that it was made from, 0 for none; None means whatever is there.
    `PreconditionFailed` if it is another by now, `Invalid` with the fields that contradict each
    other or can't be.
    """
    _check(data)
    profile = queries.profile(session, account_id, lock=True)
    if onto is not None and onto != (0 if profile is None else profile.version):
        raise PreconditionFailed
    values = asdict(data)
    if profile is None:
        profile = TraineeProfile(account_id=account_id, version=1, updated_at=now, **values)
        session.add(profile)
    elif all(getattr(profile, name) == value for name, value in values.items()):
        return profile
    else:
        for name, value in values.items():
            setattr(profile, name, value)
        profile.version += 1
        profile.updated_at = now
    session.add(
        TraineeProfileRevision(
            id=new_id(),
            account_id=account_id,
            version=profile.version,
            recorded_at=now,
            recorded_by=recorded_by,
            data={**values, "graduation_date": data.graduation_date.isoformat()},
        )
    )
    session.flush()
    return profile


def _check(data: ProfileData) -> None:
    faults: dict[str, list[str]] = {}
    if not is_country(data.school_country):
        faults["school_country"] = ["Not an ISO 3166-1 alpha-2 code in capitals, such as IN."]
    if data.citizenship not in set(Citizenship):
        faults["citizenship"] = [f"One of {', '.join(Citizenship)}."]
    if data.step1_result not in set(Step1Result):
        faults["step1_result"] = [f"One of {', '.join(Step1Result)}."]
    if data.visa_type is not None and data.visa_type not in set(VisaType):
        faults["visa_type"] = [f"One of {', '.join(VisaType)}."]
    elif data.visa_type is not None and not data.needs_visa:
        faults["visa_type"] = ["Given, although no visa is needed."]
    if not EARLIEST_GRADUATION <= data.graduation_date <= LATEST_GRADUATION:
        faults["graduation_date"] = ["Between 1950 and 2099."]
    if faults:
        raise Invalid(fields=faults)
