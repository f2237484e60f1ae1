"""What identity refuses, and in which words."""

from marketplace.core.errors import (
    Conflict,
    ConstraintErrors,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
)


class NotSignedIn(DomainError):
    """No credential, or one that is not (or no longer) good."""

    code = "unauthenticated"
    status = 401
    title = "Sign in first: send a bearer token or use a signed-in session."


class BadCredentials(DomainError):
    """The same answer for an unknown address, a wrong password and a closed account."""

    code = "bad_credentials"
    status = 401
    title = "The address and the password don't belong together."


class EmailNotConfirmed(Forbidden):
    """Told only to those who know the password."""

    code = "email_not_confirmed"
    title = "Confirm your e-mail address first: the link is in the message that we sent you."


class SecondFactorNeeded(DomainError):
    """Told only to those who know the password."""

    code = "second_factor_needed"
    status = 401
    title = "Send the code of your authenticator app as well."


class SecondFactorOn(Conflict):
    code = "second_factor_on"
    title = "The account has a second factor. Turn it off first."


class SecondFactorWrong(Invalid):
    code = "second_factor_wrong"
    title = "This code is not the present one, or has been used."


class ScopeMissing(Forbidden):
    code = "scope_missing"
    title = "This API key has no such scope."


class KeyNotEnough(Forbidden):
    code = "api_key_not_enough"
    title = "This can't be done with an API key. Sign in."


class OnlyLooking(Forbidden):
    """An operator who sees the pages as somebody else changes nothing, and opens nobody's files."""

    code = "only_looking"
    title = "You see the pages as somebody else: you can look, and do nothing. Stop that first."


class ImpersonationRefused(Forbidden):
    code = "impersonation_refused"
    title = "Operators see the pages as others do, but never as themselves or as another operator."


class ImpersonationBegun(Conflict):
    code = "impersonation_begun"
    title = "You have just begun to see the pages as somebody else. Stop that first."


class ImpersonationKept(Conflict):
    code = "history_is_kept"
    title = "That somebody saw the pages as another account is ended, never changed."


class CsrfRefused(Forbidden):
    code = "csrf_refused"
    title = "The form's token is missing or stale. Load the page again, then send it."


class TokenInvalid(Invalid):
    code = "token_invalid"
    title = "This link is not valid, or has been used or replaced. Ask for a new one."


class TokenExpired(Invalid):
    code = "token_expired"
    title = "This link has expired. Ask for a new one."


class PasswordRefused(Invalid):
    code = "password_refused"
    title = "This password can't be used."


class AddressTaken(Conflict):
    """Only for operators and commands; registering tells nobody."""

    code = "address_taken"
    title = "There is an account with this address."


class MembershipExists(Conflict):
    code = "membership_exists"
    title = "The account has this role there already."


class MembershipMisplaced(Invalid):
    code = "membership_misplaced"
    title = "The role and the place don't go together."


class SiteUnknown(Invalid):
    code = "site_unknown"
    title = "There is no such site."


class SchoolUnknown(Invalid):
    code = "school_unknown"
    title = "There is no such school."


class LastOperator(Conflict):
    code = "last_operator"
    title = "This is the last operator: grant the role to another account first."


class NoticeNotFailed(Conflict):
    code = "notice_not_failed"
    title = "Only a notice that could not be sent can be sent again."


class NoticeStale(Conflict):
    code = "notice_stale"
    title = "The link in this notice is no longer good. The person can ask for a new one."


class TemplateUnknown(LookupError):
    """No notice has this name: a mistake of ours, found when it is asked for, not when it is sent."""


class SchoolNotVerified(Conflict):
    code = "school_not_verified"
    title = "Our staff has to verify this school first."


class SchoolDecided(Conflict):
    """`decided_by` and `decided_at` in the problem tell who came first."""

    code = "school_decided"
    title = "Somebody else has decided this already."


class SchoolExists(Conflict):
    code = "school_exists"
    title = "There is a school of this name in this country."


class InvitationGone(NotFound):
    """The same answer for a forged, an expired, a replaced and a used link."""

    code = "invitation_not_found"
    title = "This invitation is not open, or no more: ask your school for another."


class StudentElsewhere(Conflict):
    code = "student_elsewhere"
    title = "You are the student of a school here already. Leave it first."


class InvitedAlready(Conflict):
    code = "invited_already"
    title = "This address has just been invited, or belongs here already."


class InvitedTooOften(Conflict):
    code = "invited_too_often"
    title = "This address has had ten invitations of yours in a day. Invite it again tomorrow."


class ConsentWordsChanged(Conflict):
    """`extra.wording` names the present words."""

    code = "consent_words_changed"
    title = "What you are asked has changed. Read it again, then choose."


class OtherDomain(Invalid):
    code = "other_domain"
    title = "Your school invites addresses of its own domain only."


class StudentsSheetUnfit(Invalid):
    code = "students_sheet_unfit"
    title = "Send CSV in UTF-8 with a column `email`, and at most 500 rows."


class SchoolHistoryKept(Conflict):
    code = "history_is_kept"
    title = "Students' links and consents, and schools' checks, are added to, never changed."


class TooManySchools(Conflict):
    code = "too_many_schools"
    title = (
        "You have registered several schools that are not verified yet: wait for our word on them."
    )


class LastCoordinator(Conflict):
    code = "last_coordinator"
    title = "This is the school's last coordinator: let another join first."


class LastOwner(Conflict):
    code = "last_owner"
    title = "This is the site's last owner: make somebody else an owner first."


class TooManyInvitations(Conflict):
    code = "too_many_invitations"
    title = "Too many invitations of the site are open: take some back first."


class SiteInvitationGone(NotFound):
    """The same answer for a forged, an expired, a replaced, a used and a withdrawn link."""

    code = "invitation_not_found"
    title = "This invitation is not open, or no more: ask the site for another."


class CoordinatorInvitationGone(NotFound):
    """The same answer for a forged, an expired, a replaced, a used and a withdrawn link."""

    code = "invitation_not_found"
    title = "This invitation is not open, or no more: ask the school for another."


class OtherAddress(Forbidden):
    """The link was passed on: it is good for the one that it was mailed to."""

    code = "other_address"
    title = "This invitation is for another e-mail address than your account's."


class ProfileRace(PreconditionFailed):
    """Two first savings of one profile at once."""

    code = "precondition_failed"


class ErasureWaits(Conflict):
    code = "erasure_waits"
    title = "This account is to be erased already. It can still be stopped."


class ErasureBlocked(Conflict):
    """`blocked_by` names each thing."""

    code = "erasure_blocked"
    title = "Something has to end before this account can be erased."


class ErasureBegun(Conflict):
    code = "erasure_begun"
    title = "The account is being erased, or has been: this can't be stopped any more."


class AccountIsErased(Conflict):
    code = "account_erased"
    title = "The account was erased: it stays closed, and nothing is put back."


CONSTRAINTS: ConstraintErrors = {
    "uq_account_erasure_account_id_live": ErasureWaits,
    "account_erased_holds": AccountIsErased,
    "history_account_erasure_step": AccountIsErased,
    "pk_trainee_profile": ProfileRace,
    "uq_account_email": AddressTaken,
    "uq_membership_account_id_role_site_id_school_id": MembershipExists,
    "ck_membership_site": MembershipMisplaced,
    "ck_membership_school": MembershipMisplaced,
    "fk_membership_site_id_site": SiteUnknown,
    "fk_membership_school_id_school": SchoolUnknown,
    "uq_school_name_country": SchoolExists,
    "uq_school_student_invited": InvitedAlready,
    "uq_coordinator_invitation_open": InvitedAlready,
    "school_keeps_a_coordinator": LastCoordinator,
    "site_keeps_an_owner": LastOwner,
    "uq_site_invitation_open": InvitedAlready,
    "uq_impersonation_operator_id": ImpersonationBegun,
    "ck_impersonation_another": ImpersonationRefused,
    "impersonation_of_no_operator": ImpersonationRefused,
    "history_impersonation": ImpersonationKept,
    "uq_school_student_linked": StudentElsewhere,
    "pk_school_student_step": InvitedAlready,
    "history_school_student_step": SchoolHistoryKept,
    "history_school_consent": SchoolHistoryKept,
    "history_school_check": SchoolHistoryKept,
}
