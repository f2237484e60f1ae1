"""What is refused of the rotation and what it needs: documents, days, stay limits, calendars."""

from marketplace.booking.errors.life import HistoryIsKept, Superseded
from marketplace.core.errors import Conflict, ConstraintErrors, Invalid, PreconditionFailed


class DayOutsideRotation(Invalid):
    code = "day_outside_rotation"
    title = "Attendance is marked for days of the rotation that have come."


class NotCleared(Conflict):
    """`extra.missing` has the keys of the requirements that block the start."""

    code = "not_cleared"
    title = "The rotation can't begin: documents are missing."


class RequirementUnknown(Invalid):
    code = "requirement_unknown"
    title = "Only what was asked for can be waived."


class RequirementsFrozen(Conflict):
    code = "requirements_frozen"
    title = "What a booking was asked for when it was made stays."


class StayLimitsUnfit(Invalid):
    """`fields` says which limit, and what was expected."""

    code = "stay_limits_unfit"
    title = "These stay limits can't count as they are."


class StayLimitsEdited(PreconditionFailed):
    code = "stay_limits_edited"
    title = "The stay limits have been changed elsewhere. Read them again, then decide."


class TooManyFeeds(Conflict):
    code = "too_many_feeds"
    title = "You have as many calendar addresses as one can have. Revoke one first."


CONSTRAINTS: ConstraintErrors = {
    "uq_attendance_mark_booking_id_day_revision": Superseded,
    "history_attendance_mark": HistoryIsKept,
    "history_booking_waiver": HistoryIsKept,
    "frozen_requirements": RequirementsFrozen,
}
