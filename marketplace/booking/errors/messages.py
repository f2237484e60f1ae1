"""What is refused of messages, their files and mail."""

from marketplace.booking.errors.life import HistoryIsKept
from marketplace.core.errors import Conflict, ConstraintErrors, Forbidden, Invalid


class TooManyMessages(Conflict):
    code = "too_many_messages"
    title = "You have written thirty messages within an hour. Please wait a while."


class FileNotThere(Invalid):
    code = "file_not_there"
    title = "One of these files is not there to be sent."


class FileGone(Conflict):
    """`extra.gone_at` says since when."""

    code = "file_gone"
    title = "The content of this file is gone: it was erased, or was sent with no message."


class TooManyFiles(Conflict):
    code = "too_many_files"
    title = (
        "You have put thirty files here that went with no message. Send them; after a week they go."
    )


class FileIdTaken(Conflict):
    code = "file_id_taken"
    title = "There is another file under this id. Make a new id for each file."


class NotJoined(Forbidden):
    code = "not_joined"
    title = "Operators join a thread before they read it: its people are told."


class MailNotOurs(Forbidden):
    code = "mail_not_ours"
    title = "Only our own mail server hands on mail: the signature is missing, wrong or too old."


class MailTakenIn(Conflict):
    code = "mail_taken_in"
    title = "This mail is being taken in already."


CONSTRAINTS: ConstraintErrors = {
    "history_booking_message": HistoryIsKept,
    "history_message_file": HistoryIsKept,
    "history_message_attachment": HistoryIsKept,
    "pk_message_attachment": FileNotThere,
    "uq_booking_message_booking_id_mail_id": MailTakenIn,
}
