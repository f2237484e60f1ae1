"""Messages about a booking, as their people write and read them."""

from marshmallow import Schema, fields, validate

from marketplace.booking.service.messages import MOST_FILES
from marketplace.compliance.rules.files import LONGEST_NAME
from marketplace.compliance.states import ScanState
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

LONGEST_ADDRESS = 320
LONGEST_MESSAGE = 10_000
ROLES = ("trainee", "host", "operator", "school")


class MessageFileSchema(Schema):
    """A file of a message."""

    id = fields.UUID(required=True)
    filename = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    scan = fields.String(
        validate=validate.OneOf([state.value for state in ScanState]),
        metadata={"description": "What the virus scanner said of it, once it was sent."},
    )
    gone_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Since when its content is gone for good."}
    )


class BookingMessageSchema(Schema):
    """A message; `joined` says that an operator reads from here on, and has no text."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    author_id = fields.UUID(required=True)
    author_name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    kind = fields.String(required=True, validate=validate.OneOf(["text", "joined"]))
    body = fields.String(required=True)
    by_mail = fields.Boolean(required=True)
    sent_at = fields.AwareDateTime(required=True)
    files = fields.List(fields.Nested(MessageFileSchema), required=True)
    read_by = fields.List(
        fields.UUID(),
        required=True,
        metadata={"description": "Accounts other than the author's that have read so far."},
    )


class NewMessageArgs(StrictSchema):
    """What to write, with files that were put there before."""

    body = Text(required=True, validate=validate.Length(1, LONGEST_MESSAGE))
    file_ids = fields.List(
        fields.UUID(), load_default=list, validate=validate.Length(max=MOST_FILES)
    )


class MessagesReadArgs(StrictSchema):
    """Up to which number one has read."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))


class MessageFileArgs(StrictSchema):
    """What the file is called."""

    filename = Text(required=True, validate=validate.Length(1, LONGEST_NAME))


class ThreadsArgs(PageArgs):
    """Which threads."""

    unread = fields.Boolean(
        load_default=False, metadata={"description": "Those only with something unread."}
    )


class ThreadSchema(Schema):
    """A booking's thread."""

    booking_id = fields.UUID(required=True)
    listing_title = fields.String(required=True)
    site_name = fields.String(required=True)
    first_day = fields.Date(required=True)
    messages = fields.Integer(required=True)
    unread = fields.Integer(required=True)


class MailedReplyArgs(StrictSchema):
    """The address that the mail was sent to."""

    to = Text(required=True, validate=validate.Length(1, LONGEST_ADDRESS))


class MailedReplySchema(Schema):
    """What became of a mail."""

    outcome = fields.String(
        required=True,
        validate=validate.OneOf(["posted", "repeated", "ignored", "refused"]),
    )


BookingMessagePage = page_of(BookingMessageSchema)
ThreadPage = page_of(ThreadSchema)
