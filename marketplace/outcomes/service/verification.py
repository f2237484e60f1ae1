"""What a verifier says of the entries of a record that count: seen, contradicted, or not borne out."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.outcomes.errors import OutcomeStale
from marketplace.outcomes.models import MatchOutcome
from marketplace.outcomes.queries import match as queries
from marketplace.outcomes.rules.match import REJECTED, Provenance, decode
from marketplace.outcomes.service import match


def decide(
    session: Session,
    outcome_id: UUID,
    *,
    entries: Sequence[UUID],
    decision: str,
    evidence: str,
    actor_id: UUID,
    now: datetime,
) -> MatchOutcome:
    """Record that the values of `entries` are known as `decision` says, or take them back.

    What is decided on is what was shown: `OutcomeStale` if one of them counts no longer.
    """
    outcome = queries.outcome(session, outcome_id, lock=True)
    if outcome is None:
        raise NotFound
    standing = queries.standing_of(session, outcome_id, max(now, outcome.changed_at))
    chosen = [entry for entry in standing.values() if entry.id in set(entries)]
    if len(chosen) < len(set(entries)):
        raise OutcomeStale
    if decision == REJECTED:
        found = [one for one in queries.events(session, outcome_id) if one.id in set(entries)]
        match.take_back(session, outcome, found, actor_id=actor_id, reason=evidence, now=now)
        return outcome
    return match.record(
        session,
        person_id=outcome.person_id,
        match_year=outcome.match_year,
        claims={entry.field: decode(entry.field, entry.new_value) for entry in chosen},
        source=Provenance(decision),
        actor_id=actor_id,
        evidence=evidence,
        now=now,
    )
