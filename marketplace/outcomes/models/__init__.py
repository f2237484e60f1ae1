"""Tables of the package, by what they are about."""

from marketplace.outcomes.models.days import (
    HourEntry,
    HourSignature,
    HourWithdrawal,
    IncidentNote,
    SafetyReport,
)
from marketplace.outcomes.models.ledger import (
    LetterAssignment,
    LetterDraft,
    LetterReminder,
    QuietAuthor,
)
from marketplace.outcomes.models.letters import Letter, LetterContent, LetterLink
from marketplace.outcomes.models.match import MatchOutcome, MatchOutcomeEvent, Person
from marketplace.outcomes.models.papers import Paper, PaperSequence
from marketplace.outcomes.models.programs import ResidencyProgram
from marketplace.outcomes.models.records import Attestation, Evaluation
from marketplace.outcomes.models.survey import (
    Campaign,
    CohortMember,
    CohortMemberVersion,
    FrameMark,
    SurveyAnswer,
    SurveyLink,
)

__all__ = [
    "Attestation",
    "Campaign",
    "CohortMember",
    "CohortMemberVersion",
    "Evaluation",
    "FrameMark",
    "HourEntry",
    "HourSignature",
    "HourWithdrawal",
    "IncidentNote",
    "Letter",
    "LetterAssignment",
    "LetterContent",
    "LetterDraft",
    "LetterLink",
    "LetterReminder",
    "MatchOutcome",
    "MatchOutcomeEvent",
    "Paper",
    "PaperSequence",
    "Person",
    "QuietAuthor",
    "ResidencyProgram",
    "SafetyReport",
    "SurveyAnswer",
    "SurveyLink",
]
