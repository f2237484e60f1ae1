"""The stay limits that count, and putting others in their place: a new version, never an edit."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.booking.errors import StayLimitsEdited, StayLimitsUnfit
from marketplace.booking.models import StayRuleVersion
from marketplace.booking.queries import staying
from marketplace.booking.rules import stay_rules
from marketplace.booking.rules.stays import StayRules
from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.ids import new_id


def current(session: Session) -> StayRules:
    """Return what stays are judged by now; one query."""
    return stay_rules.read(document(session)[1])


def document(session: Session) -> tuple[int, dict[str, Any]]:
    """Return the document that counts and its number; 0 for the package's own."""
    found = staying.newest(session)
    return (0, stay_rules.standard()) if found is None else (found.number, found.document)


def change(
    session: Session, wanted: Any, *, read: int, note: str, actor_id: UUID, now: datetime
) -> list[str]:
    """Put a whole document in the place of version `read`; return what differs, line by line.

    `StayLimitsUnfit` with an error for each field, or where nothing differs; `StayLimitsEdited` if
    another version counts by now.
    """
    wrong = stay_rules.faults(wanted, now.date())
    if not note.strip():
        wrong["note"] = ["Say what was looked at, and why it changes."]
    if wrong:
        raise StayLimitsUnfit(fields=wrong)
    number, present = document(session)
    if number != read:
        raise StayLimitsEdited(f"Version {number} counts now, not {read}.")
    differs = stay_rules.difference(present, wanted)
    if not differs:
        raise StayLimitsUnfit("It says what counts already.")
    made = session.execute(
        insert(StayRuleVersion)
        .values(number=read + 1, document=wanted, note=note.strip(), made_by=actor_id, made_at=now)
        .on_conflict_do_nothing()
        .returning(StayRuleVersion.number)
    ).scalar_one_or_none()
    if made is None:
        raise StayLimitsEdited
    compliance.record(
        session,
        actor_id=actor_id,
        action="booking.stay_limits_changed",
        subject_kind="stay_limits",
        subject_id=new_id(),
        detail={"number": read + 1, "changes": differs},
        now=now,
    )
    return differs
