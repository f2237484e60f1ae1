"""E-mails as their recipients and operators see them, and how people want them."""

from marshmallow import EXCLUDE, Schema, fields, validate

from marketplace.identity.models import NOTICE_STATES
from marketplace.identity.rules import LOCALES, NOTICE_CHOICES, NoticeKind
from marketplace.identity.schemas.fields import LONGEST_TOKEN, Exact
from marketplace.web.schemas import PageArgs, StrictSchema, page_of

VERSION = {
    "description": "Names the text and layout that it was sent in.",
    "example": "3f9a0c21be77",
}


class OwnNoticeSchema(Schema):
    """An e-mail to oneself; `off` was not sent, as one wants none of its kind."""

    id = fields.UUID(required=True)
    template = fields.String(required=True, metadata={"example": "booking_confirmed"})
    locale = fields.String(required=True)
    version = fields.String(required=True, allow_none=True, metadata=VERSION)
    to_address = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(NOTICE_STATES))
    queued_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)


class NoticeSchema(OwnNoticeSchema):
    """An e-mail: to whom, from which template, and whether it went out."""

    account_id = fields.UUID(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    failure = fields.String(
        required=True, allow_none=True, metadata={"description": "What went wrong last."}
    )


class NoticeTextSchema(OwnNoticeSchema):
    """An e-mail to oneself with its words.

    `subject` and `text` are null where it carried a link that only the mail may carry, or where
    its words have been changed since.
    """

    subject = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)


class NoticesArgs(PageArgs):
    """Which notices."""

    state = fields.String(load_default=None, validate=validate.OneOf(NOTICE_STATES))
    account_id = fields.UUID(load_default=None)


def _choice(kind: NoticeKind, *, required: bool = False) -> fields.String:
    offered = NOTICE_CHOICES[kind]
    return fields.String(
        required=required,
        validate=validate.OneOf(offered),
        metadata={"description": f"One of {', '.join(offered)}."},
    )


class PreferenceChangesSchema(StrictSchema):
    """How each kind is wanted: `each` as it comes, `brief` without its words, or `off`."""

    messages = _choice(NoticeKind.MESSAGES)
    reminders = _choice(NoticeKind.REMINDERS)
    news = _choice(NoticeKind.NEWS)
    surveys = _choice(NoticeKind.SURVEYS)


class PreferenceChoicesSchema(Schema):
    """How each kind is wanted now."""

    messages = _choice(NoticeKind.MESSAGES, required=True)
    reminders = _choice(NoticeKind.REMINDERS, required=True)
    news = _choice(NoticeKind.NEWS, required=True)
    surveys = _choice(NoticeKind.SURVEYS, required=True)


class PreferencesStateSchema(Schema):
    """What is chosen, what is always sent, and whether one's address takes mail."""

    choices = fields.Nested(PreferenceChoicesSchema, required=True)
    always = fields.List(fields.String(), required=True, metadata={"example": ["security"]})
    address_refused_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the address's server takes no mail."},
    )


class UnsubscribeNoticesArgs(Schema):
    """The token as it stands in the mailed link; other parameters are a mail program's own."""

    class Meta:
        unknown = EXCLUDE

    token = Exact(required=True, validate=validate.Length(1, LONGEST_TOKEN))


class NoticeTemplateSchema(Schema):
    """A notice that can be sent."""

    name = fields.String(required=True)
    kind = fields.String(
        required=True, validate=validate.OneOf([kind.value for kind in NoticeKind])
    )
    always = fields.Boolean(required=True, metadata={"description": "It can't be switched off."})
    versions = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class NoticeTemplatesSchema(Schema):
    """All of them, by name."""

    items = fields.List(fields.Nested(NoticeTemplateSchema), required=True)


class NoticePreviewArgs(StrictSchema):
    """In which language, by whose clock, and which of its two forms."""

    locale = fields.String(load_default="en", validate=validate.OneOf(LOCALES))
    form = fields.String(load_default="html", validate=validate.OneOf(["html", "text"]))


NoticePage = page_of(NoticeSchema)
OwnNoticePage = page_of(OwnNoticeSchema)
