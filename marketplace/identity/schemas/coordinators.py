"""A school's coordinators and their invitations."""

from marshmallow import Schema, fields, validate

from marketplace.identity.schemas.fields import email_field, values_of
from marketplace.identity.states import InvitationState
from marketplace.web.schemas import StrictSchema, page_of


class CoordinatorInviteArgs(StrictSchema):
    email = email_field()


class CoordinatorInvitationSchema(Schema):
    """An invitation to act for the school, as its coordinators see it."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    state = fields.String(required=True, validate=values_of(InvitationState))
    invited_by = fields.UUID(required=True, metadata={"description": "The account that did."})
    invited_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


CoordinatorInvitationPage = page_of(CoordinatorInvitationSchema)


class CoordinatorLinkSchema(Schema):
    """What a link is for."""

    school_name = fields.String(required=True)
    country = fields.String(required=True)
    city = fields.String(required=True, allow_none=True)
    email = fields.String(
        required=True, metadata={"description": "Only an account of this address accepts it."}
    )
    state = fields.String(required=True, validate=validate.OneOf([InvitationState.OPEN.value]))
    expires_at = fields.AwareDateTime(required=True)
