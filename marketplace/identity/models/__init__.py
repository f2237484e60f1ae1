"""Tables of identity: people, and the schools that they study at."""

from marketplace.identity.models.people import (
    NOTICE_STATES,
    Account,
    ApiKey,
    Membership,
    Notice,
    NoticePreference,
    RefusedAddress,
    TraineeProfile,
    TraineeProfileRevision,
    WebAuthnCredential,
)
from marketplace.identity.models.schools import (
    CoordinatorInvitation,
    School,
    SchoolConsent,
    SchoolStudent,
    SchoolStudentStep,
)

__all__ = [
    "NOTICE_STATES",
    "Account",
    "ApiKey",
    "CoordinatorInvitation",
    "Membership",
    "Notice",
    "NoticePreference",
    "RefusedAddress",
    "School",
    "SchoolConsent",
    "SchoolStudent",
    "SchoolStudentStep",
    "TraineeProfile",
    "TraineeProfileRevision",
    "WebAuthnCredential",
]
