"""Tables of identity: people, the schools that they study at, and who has looked as them."""

from marketplace.identity.models.erasure import AccountErasure, AccountErasureStep
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
    SchoolCheck,
    SchoolConsent,
    SchoolStudent,
    SchoolStudentStep,
)
from marketplace.identity.models.site_people import SiteInvitation

__all__ = [
    "NOTICE_STATES",
    "Account",
    "AccountErasure",
    "AccountErasureStep",
    "ApiKey",
    "CoordinatorInvitation",
    "Impersonation",
    "Membership",
    "Notice",
    "NoticePreference",
    "RefusedAddress",
    "School",
    "SchoolCheck",
    "SchoolConsent",
    "SchoolStudent",
    "SchoolStudentStep",
    "SiteInvitation",
    "TraineeProfile",
    "TraineeProfileRevision",
    "WebAuthnCredential",
]
