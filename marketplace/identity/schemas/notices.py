"""E-mails as operators see them: that they were sent, not what only their readers may know."""

from marshmallow import Schema, fields, validate

from marketplace.web.schemas import PageArgs, page_of

STATES = ("queued", "sent", "failed")


class NoticeSchema(Schema):
    """An e-mail: to whom, from which template, and whether it went out."""

    id = fields.UUID(required=True)
    account_id = fields.UUID(required=True, allow_none=True)
    to_address = fields.String(required=True)
    template = fields.String(required=True, metadata={"example": "booking_confirmed"})
    locale = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    attempts = fields.Integer(required=True)
    failure = fields.String(
        required=True, allow_none=True, metadata={"description": "What went wrong last."}
    )
    queued_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)


class NoticesArgs(PageArgs):
    """Which notices."""

    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    account_id = fields.UUID(load_default=None)


NoticePage = page_of(NoticeSchema)
