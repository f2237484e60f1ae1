"""What is refused of bookings with a school: its cohorts, approval and agreements."""

from marketplace.booking.errors.life import HistoryIsKept, Superseded
from marketplace.core.errors import Conflict, ConstraintErrors


class CohortRefused(Conflict):
    """`extra.items` has each student who can't have a place, and why; `extra.weeks` what is full."""

    code = "cohort_refused"
    title = "Nothing was held: not every student can have a place."


class CohortIncomplete(Conflict):
    """`extra.waiting` has the bookings of students who have not answered."""

    code = "cohort_incomplete"
    title = "Some students have not answered: say that you go on without exactly these."


class PlaceRefused(Conflict):
    """`extra.items` has the student and a code; why in full is theirs to know."""

    code = "place_refused"
    title = "Who would come can't have the place, or not in these weeks: why is theirs to know."


class PaidBySchool(Conflict):
    """`extra.cohort_id` names the cohort."""

    code = "paid_by_school"
    title = "Your school books and pays this one."


class SchoolApprovalNeeded(Conflict):
    """`extra.state` is that of the request to the school: `not_asked`, `waiting` or `declined`."""

    code = "school_approval_needed"
    title = "Your school has to approve this booking first: ask it."


class NoSchool(Conflict):
    code = "no_school"
    title = "You are no school's student here: your school invites you."


class AgreementMissing(Conflict):
    """`extra.school_id` names the school, `extra.until` the day that the agreement has to reach."""

    code = "agreement_missing"
    title = "The site and your school need an agreement in force until the rotation's last day."


CONSTRAINTS: ConstraintErrors = {
    "school_has_approved": SchoolApprovalNeeded,
    "pk_school_request": Superseded,
    "history_cohort_place": HistoryIsKept,
    "history_school_request": HistoryIsKept,
}
