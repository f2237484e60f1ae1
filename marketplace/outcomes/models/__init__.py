"""Tables of the package, by what they are about."""

from marketplace.outcomes.models.letters import Letter, LetterContent, LetterLink
from marketplace.outcomes.models.match import MatchOutcome, MatchOutcomeEvent, Person
from marketplace.outcomes.models.records import Attestation, Evaluation
from marketplace.outcomes.models.survey import (
    Campaign,
    CohortMember,
    CohortMemberVersion,
    SurveyAnswer,
    SurveyLink,
)

__all__ = [
    "Attestation",
    "Campaign",
    "CohortMember",
    "CohortMemberVersion",
    "Evaluation",
    "Letter",
    "LetterContent",
    "LetterLink",
    "MatchOutcome",
    "MatchOutcomeEvent",
    "Person",
    "SurveyAnswer",
    "SurveyLink",
]
