"""Tables of identity: people, the schools that they study at, and who has looked as them."""

from marketplace.identity.models.impersonations import Impersonation
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
    "Impersonation",
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
