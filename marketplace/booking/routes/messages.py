"""Messages about a booking, for its trainee, its host, and operators who have joined."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, request

from marketplace.booking import queries
from marketplace.booking.errors import FileIdTaken, NotJoined
from marketplace.booking.gateway import ReplySigner
from marketplace.booking.models import Booking, BookingMessage, MessageFile
from marketplace.booking.queries import messages as kept
from marketplace.booking.routes import finding, handed_on
from marketplace.booking.rules.replies import LARGEST
from marketplace.booking.schemas.messages import (
    BookingMessagePage,
    BookingMessageSchema,
    MailedReplyArgs,
    MailedReplySchema,
    MessageFileArgs,
    MessageFileSchema,
    MessagesReadArgs,
    NewMessageArgs,
    ThreadPage,
    ThreadsArgs,
)
from marketplace.booking.service import file_links, mailed_files, messages, replies
from marketplace.compliance.gateway import DocumentVault, LinkSigner
from marketplace.compliance.rules.files import LARGEST as LARGEST_FILE
from marketplace.compliance.rules.files import FileFault, check_declared, too_large
from marketplace.compliance.schemas.documents import DocumentLinkSchema
from marketplace.compliance.service import files, scanning
from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import VirusScanner
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, public, require, signed_in
from marketplace.identity.queries import schools
from marketplace.identity.rules import Seen
from marketplace.web import context, downloads, openapi, uploads
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint("messages", __name__, description="Messages about bookings.")
THREAD = "/bookings/<uuid:booking_id>/messages"
FILE = f"{THREAD}/files/<uuid:file_id>"
READ_FILE = "/message-files"
# An address is a credential: it is not kept with the answers that are given again.
SECRET = {"Cache-Control": "private, no-store"}
FILE_NAMES = ("id", "filename", "media_type", "size", "gone_at")
BODY = {
    "requestBody": {"required": True, "content": {"application/pdf": {"schema": openapi.BINARY}}}
}


@blueprint.route("/me/messages", methods=["GET"])
@signed_in
@blueprint.arguments(ThreadsArgs, location="query")
@blueprint.response(200, ThreadPage)
def list_threads(args: dict[str, Any]) -> Page[kept.Thread]:
    """List the threads that you are in, with how much of each you have not read."""
    found = caller()
    sites = {grant.site_id for grant in found.grants if grant.role in finding.DECIDERS}
    whose = kept.Whose(
        found.account.id,
        frozenset(one for one in sites if one is not None),
        found.school_ids,
        operator="operator" in found.roles,
    )
    return kept.threads(context.session(), whose, **args)


@blueprint.route(THREAD, methods=["GET"])
@signed_in
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, BookingMessagePage)
def list_messages(args: dict[str, Any], booking_id: UUID) -> Page[dict[str, Any]]:
    """Read a booking's messages, the newest first."""
    booking, _ = thread(booking_id)
    page = kept.page(context.session(), booking.id, **args)
    return Page(shown(booking, page.items), page.next_cursor)


@blueprint.route(THREAD, methods=["POST"])
@signed_in
@blueprint.arguments(NewMessageArgs)
@blueprint.response(201, BookingMessageSchema)
def post(data: dict[str, Any], booking_id: UUID) -> dict[str, Any]:
    """Write a message. Its other people are told by mail, and can answer by mail.

    It can't be changed or taken back. 409 `too_many_messages` after thirty in an hour.
    """
    booking, role = thread(booking_id)
    session, author = context.session(), current_account().id
    message = messages.post(
        session, booking, author_id=author, role=role, now=context.now(), **data
    )
    return shown(booking, [message])[0]


@blueprint.route(f"{THREAD}/presence", methods=["POST"])
@require("operator")
@blueprint.response(201, BookingMessageSchema)
def join(booking_id: UUID) -> dict[str, Any]:
    """Join a thread as an operator, to read and to write: the thread says so to its people."""
    session = context.session()
    booking = queries.find(session, booking_id)
    message = messages.join(session, booking, current_account().id, context.now())
    return shown(booking, [message])[0]


@blueprint.route(f"{THREAD}/read", methods=["PUT"])
@signed_in
@blueprint.arguments(MessagesReadArgs)
@blueprint.response(204)
def mark_read(data: dict[str, int], booking_id: UUID) -> None:
    """Say up to which number you have read; the others see it."""
    booking, _ = thread(booking_id)
    messages.read(context.session(), booking, current_account().id, data["number"], context.now())


@blueprint.route(FILE, methods=["PUT"])
@signed_in
@blueprint.arguments(MessageFileArgs, location="query")
@blueprint.response(200, MessageFileSchema)
@blueprint.doc(**BODY)
def put_file(args: dict[str, str], booking_id: UUID, file_id: UUID) -> MessageFile:
    """Put a PDF, JPEG or PNG there under an id of your own making, to be sent with a message.

    It is inspected, sealed and stored as it comes in. The same id with the same file again is the
    same; with another, 409 `file_id_taken`. What goes with no message within a week is removed.
    """
    booking, _ = thread(booking_id)
    parts, session, now, by = context.parts(), context.session(), context.now(), _account_id()
    thread_id = booking.id
    try:
        _check(args["filename"])
        mailed_files.check_room(session, thread_id, by, file_id)
        # Nothing of the database is held while the file comes in and goes to the store.
        session.rollback()
        store = parts.get(ObjectStore)
        stored = files.put_away(
            store,
            parts.get(DocumentVault),
            file_id,
            request.mimetype,
            uploads.pieces(LARGEST_FILE + 1),
        )
    except FileFault as fault:
        raise files.refused(fault) from fault
    new = False
    try:
        file = mailed_files.made(stored, file_id, thread_id, by, args["filename"], now)
        new = mailed_files.keep(session, file)
        return _kept(session.get_one(MessageFile, file_id), thread_id, by, stored.sha256)
    finally:
        if not new:
            store.delete(stored.object_key)


@blueprint.route(f"{FILE}/links", methods=["POST"])
@signed_in
@blueprint.response(201, DocumentLinkSchema)
def ask_for_file(booking_id: UUID, file_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for a link that reads a file of a message, once, within two minutes.

    409 `file_not_scanned` until the virus scanner, where there is one, has looked at it;
    `file_gone` once its content was erased.
    """
    booking, _ = thread(booking_id)
    return link_for(booking.id, file_id)


@blueprint.route(f"{READ_FILE}/<string:token>", methods=["GET"])
@public
@blueprint.response(200, openapi.BINARY, description="The file.", content_type="*/*")
def read_file(token: str) -> Response:
    """Read a file of a message, once; the reading is recorded. HEAD looks without using the link up.

    404 for who is no longer among the people of the messages, whenever the link was made.
    """
    parts, session, now = context.parts(), context.session(), context.now()
    use = file_links.look if request.method == "HEAD" else file_links.read
    found, key = use(session, parts.get(LinkSigner), token, now)
    # Opened as the answer goes out: by then the reading is on record, and no transaction is open.
    body = files.unsealed(parts.get(ObjectStore), parts.get(DocumentVault), found.object_key, key)
    return downloads.attachment(
        body if request.method == "GET" else b"",
        filename=found.filename,
        media_type=found.media_type,
        size=found.size,
    )


def link_for(booking_id: UUID, file_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a link for the caller, who is in the thread, as the answer to a request for one."""
    parts, by, now = context.parts(), current_account().id, context.now()
    link = file_links.ask(context.session(), parts.get(LinkSigner), booking_id, file_id, by, now)
    base = parts.get(Settings).public_url.rstrip("/")
    url = f"{base}{PREFIX}{READ_FILE}/{link.token}"
    return {"url": url, "expires_at": link.expires_at}, SECRET


@blueprint.route("/mail/replies", methods=["POST"])
@public
@blueprint.arguments(MailedReplyArgs, location="query")
@blueprint.response(200, MailedReplySchema)
@blueprint.doc(**handed_on.MAIL)
def receive_mail(args: dict[str, str]) -> dict[str, str]:
    """Hand on a mail that was sent to a reply address, as it came; for our own mail server.

    403 unless it is signed; 404 for an address that is none, so that the server refuses the mail.
    """
    # Its files are stored and held back as those are that are put there.
    content, signer = handed_on.mail(LARGEST), context.parts().get(ReplySigner)
    session, now = context.session(), context.now()
    found = replies.look(session, signer, args["to"], content, now)
    if isinstance(found, str):
        return {"outcome": found}
    return {"outcome": _taken_in(found, now)}


def _taken_in(found: replies.Pending, now: datetime) -> str:
    """Store a mail's files, then write the message; what comes to nothing is deleted again."""
    parts, session, outcome = context.parts(), context.session(), replies.REFUSED
    # Nothing of the database is held while files go to the store.
    session.rollback()
    store = parts.get(ObjectStore)
    taken = mailed_files.put_away(
        store,
        parts.get(DocumentVault),
        found.reply.files,
        booking_id=found.booking_id,
        account_id=found.account_id,
        now=now,
    )
    try:
        outcome = replies.take_in(session, found, taken, now)
    finally:
        if outcome != replies.POSTED:
            mailed_files.drop(store, taken.files)
    return outcome


def thread(booking_id: UUID) -> tuple[Booking, str]:
    """Return the booking and as whom the caller is in its thread; else 404, or 403 `not_joined`."""
    session, found = context.session(), caller()
    booking = queries.find(session, booking_id)
    if booking.trainee_id == found.account.id:
        return booking, "trainee"
    if found.site_roles(booking.site_id) & set(finding.DECIDERS):
        return booking, "host"
    link = schools.own_link(session, booking.trainee_id) if found.school_ids else None
    if link and link.school_id in found.school_ids and Seen.MESSAGES in link.sees:
        return booking, "school"
    if "operator" not in found.roles:
        raise NotFound
    if kept.joining(session, booking.id, found.account.id) is None:
        raise NotJoined
    return booking, "operator"


def shown(booking: Booking, found: Any) -> list[dict[str, Any]]:
    """Messages with names, files and who has read them; three queries, whatever the page."""
    session = context.session()
    items: list[BookingMessage] = list(found)
    if not items:
        return []
    people = identity.contacts(session, list({one.author_id for one in items}))
    attached = kept.files_of(session, [one.id for one in items])
    marks = kept.readers(session, booking.id)
    names = ("id", "number", "author_id", "role", "kind", "body", "sent_at")
    return [
        {
            **{name: getattr(one, name) for name in names},
            "author_name": people[one.author_id].name,
            "by_mail": one.mail_id is not None,
            "files": [_file(sent) for sent in attached.get(one.id, ())],
            "read_by": [
                mark.account_id
                for mark in marks
                if mark.read_number >= one.number and mark.account_id != one.author_id
            ],
        }
        for one in items
    ]


def _file(sent: kept.SentFile) -> dict[str, Any]:
    scanner = context.parts().get(VirusScanner)
    found = scanning.state_of(scanner, looked_at=sent.looked_at, virus=sent.virus)
    return {**{name: getattr(sent.file, name) for name in FILE_NAMES}, "scan": found.value}


def _account_id() -> UUID:
    return current_account().id


def _kept(found: MessageFile, booking_id: UUID, by: UUID, digest: bytes) -> MessageFile:
    if (found.booking_id, found.uploaded_by, found.sha256) != (booking_id, by, digest):
        raise FileIdTaken
    return found


def _check(filename: str) -> None:
    """Refuse by what the request says of itself, before anything of its body is read."""
    if request.content_length is not None and request.content_length > LARGEST_FILE:
        raise too_large()
    check_declared(filename, request.mimetype, request.content_length or 1)
