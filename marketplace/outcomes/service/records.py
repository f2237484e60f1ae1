"""Evaluating a trainee, and attesting what was really done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from marketplace.catalog.rules.tiers import CONTACT_DUTIES
from marketplace.catalog.rules.vocabulary import Duty, in_order
from marketplace.catalog.service import drifting
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.identity.service.notices import notify
from marketplace.outcomes.errors import AlreadyAttested, UnknownDuty
from marketplace.outcomes.models import Attestation, Evaluation
from marketplace.outcomes.queries import records as queries
from marketplace.outcomes.rules.evaluation_form import COMPETENCIES
from marketplace.outcomes.service.rotations import Rotation


def evaluate(
    session: Session,
    about: Rotation,
    *,
    evaluator_id: UUID,
    scores: Mapping[str, int],
    comments: str,
    shown_to_trainee: bool,
    now: datetime,
) -> Evaluation:
    """Record the evaluator's view, one to five points for each competency of the form.

    Saying it anew adds a revision; the last counts, and the ones before stay. Whether it is shown
    to the trainee is chosen with the first one (`EvaluationChoiceKept`), by a trigger.
    """
    about.require_completed()
    evaluation = Evaluation(
        id=new_id(),
        booking_id=about.booking_id,
        trainee_id=about.trainee_id,
        evaluator_id=evaluator_id,
        revision=queries.last_revision(session, about.booking_id, evaluator_id) + 1,
        **{name: scores[name] for name in COMPETENCIES},
        comments=comments,
        shown_to_trainee=shown_to_trainee,
        recorded_at=now,
    )
    session.add(evaluation)
    session.flush()
    if shown_to_trainee:
        notify(
            session,
            about.trainee_id,
            "evaluation_shown",
            {"listing_title": about.listing_title, "booking_id": str(about.booking_id)},
            now=now,
        )
    return evaluation


def attest(
    session: Session,
    about: Rotation,
    *,
    duties: Sequence[str],
    in_person: bool,
    remarks: str,
    now: datetime,
) -> Attestation:
    """Record which duties the trainee says were performed; `AlreadyAttested` the second time.

    Direct patient contact is at least one contact duty, in person, as for the tier of a listing.
    Where most attestations belie that tier, the listing is flagged.
    """
    about.require_completed()
    unknown = [duty for duty in duties if duty not in set(Duty)]
    if unknown:
        raise UnknownDuty(fields={"duties": [f"{duty!r} is none of the list" for duty in unknown]})
    if queries.attestation(session, about.booking_id) is not None:
        raise AlreadyAttested
    attestation = Attestation(
        id=new_id(),
        booking_id=about.booking_id,
        listing_id=about.listing_id,
        trainee_id=about.trainee_id,
        duties=list(in_order("duty", duties)),
        direct_contact=in_person and not CONTACT_DUTIES.isdisjoint(duties),
        remarks=remarks,
        recorded_at=now,
    )
    session.add(attestation)
    session.flush()
    drifting.judge(
        session, about.listing_id, queries.attested_duties(session, about.listing_id), now
    )
    return attestation
