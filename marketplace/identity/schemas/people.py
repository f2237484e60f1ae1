"""Accounts, roles, schools and API keys."""

from marshmallow import Schema, fields, validate

from marketplace.identity.rules import (
    COUNTRIES,
    SCHOOL_ROLES,
    SITE_ROLES,
    Role,
    Scope,
)
from marketplace.identity.schemas.fields import (
    LONGEST_NAME,
    email_field,
    locale_field,
    person_name,
    values_of,
    zone_field,
)
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

LONGEST_REASON = 500


def why() -> Text:
    """Why an operator does it: it goes into the audit trail."""
    return Text(
        required=True,
        validate=validate.Length(1, LONGEST_REASON),
        metadata={"description": "Why; it stays on record.", "example": "Asked for by the site."},
    )


class AccountSchema(Schema):
    """An account as its owner and operators see it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"example": "asha@example.org"})
    name = fields.String(required=True, metadata={"example": "Asha Rao"})
    locale = fields.String(required=True, metadata={"example": "en"})
    time_zone = fields.String(required=True, metadata={"example": "Asia/Kolkata"})
    active = fields.Boolean(required=True)
    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    second_factor = fields.Function(
        lambda account: account.tf_primary_method is not None,
        metadata={"type": "boolean", "description": "Signing in asks for a code."},
    )


class AccountChangesSchema(StrictSchema):
    """What an owner may change of the account."""

    name = person_name()
    locale = locale_field()
    time_zone = zone_field()


class AccountStateSchema(StrictSchema):
    """Whether an account may be used."""

    active = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = why()


class MembershipSchema(Schema):
    """A role of an account, and where it holds."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    role = fields.String(required=True, validate=values_of(Role))
    site_id = fields.UUID(required=True, allow_none=True)
    school_id = fields.UUID(required=True, allow_none=True)
    granted_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class MembershipsSchema(Schema):
    """Memberships, oldest first."""

    items = fields.List(fields.Nested(MembershipSchema), required=True)


class MemberSchema(Schema):
    """A member of a site as the other members see it."""

    membership_id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=values_of(Role))


class MembersSchema(Schema):
    """The members of a site."""

    items = fields.List(fields.Nested(MemberSchema), required=True)


class RoleGrantSchema(StrictSchema):
    """A role to grant."""

    role = fields.String(
        required=True, validate=values_of(Role), metadata={"example": Role.COORDINATOR.value}
    )
    site_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": f"For {', '.join(sorted(SITE_ROLES))}."},
    )
    school_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": f"For {', '.join(sorted(SCHOOL_ROLES))}."},
    )
    reason = why()


class RoleEndArgs(StrictSchema):
    """Why a role ends."""

    reason = why()


class SchoolSchema(StrictSchema):
    """A medical school that has people here."""

    id = fields.UUID(dump_only=True)
    name = Text(required=True, validate=validate.Length(min=1, max=LONGEST_NAME))
    country = fields.String(
        required=True, validate=validate.OneOf(sorted(COUNTRIES)), metadata={"example": "IN"}
    )


class ApiKeySchema(StrictSchema):
    """A key for a program of yours."""

    id = fields.UUID(dump_only=True)
    name = Text(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_NAME),
        metadata={"example": "Roster export"},
    )
    scopes = fields.List(
        fields.String(validate=values_of(Scope)),
        required=True,
        validate=validate.Length(min=1, max=len(Scope)),
        metadata={"description": "read: GET; write: everything else.", "example": ["read"]},
    )
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)
    prefix = fields.String(dump_only=True, metadata={"description": "By which it is told apart."})
    created_at = fields.AwareDateTime(dump_only=True)
    revoked_at = fields.AwareDateTime(dump_only=True, allow_none=True)


class NewApiKeySchema(ApiKeySchema):
    """The key itself, shown this once."""

    key = fields.String(dump_only=True)


class ApiKeysSchema(Schema):
    """The account's keys, oldest first."""

    items = fields.List(fields.Nested(ApiKeySchema), required=True)


class AccountsArgs(PageArgs):
    """Which accounts."""

    text = Text(
        load_default=None,
        validate=validate.Length(max=LONGEST_NAME),
        metadata={"description": "Words, each as one of the name or address begins."},
    )


AccountPage = page_of(AccountSchema)


class SiteRoleArgs(StrictSchema):
    """What somebody may do at a site."""

    role = fields.String(required=True, validate=values_of(SITE_ROLES))


class SiteInviteArgs(SiteRoleArgs):
    """Whom to invite to a site, with which role."""

    email = email_field()


class SiteInvitationSchema(Schema):
    """An invitation to work for a site, as its owners see it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=values_of(SITE_ROLES))
    invited_by = fields.UUID(required=True, metadata={"description": "The account that did."})
    invited_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class SiteInvitationsSchema(Schema):
    """What nobody has answered yet, oldest first."""

    items = fields.List(fields.Nested(SiteInvitationSchema), required=True)


class SiteLinkSchema(Schema):
    """What a link is for."""

    site_name = fields.String(required=True)
    role = fields.String(required=True, validate=values_of(SITE_ROLES))
    email = fields.String(
        required=True, metadata={"description": "Only an account of this address accepts it."}
    )
    expires_at = fields.AwareDateTime(required=True)


class ImpersonationArgs(StrictSchema):
    """Why, and for how long at most, an operator sees the pages as an account does."""

    reason = Text(required=True, validate=validate.Length(1, 500))
    minutes = fields.Integer(required=True, strict=True, validate=validate.OneOf((10, 30, 60)))
