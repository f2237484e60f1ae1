"""Messages with hosts: the threads that one is in, and a thread to read and to write in."""

from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import messages as kept
from marketplace.booking.routes import finding
from marketplace.booking.routes.messages import link_for, shown
from marketplace.booking.rules.deadlines import day_begins
from marketplace.booking.schemas.messages import NewMessageArgs
from marketplace.booking.service import messages
from marketplace.booking.service.messages import OPEN_AFTER
from marketplace.compliance.rules.files import LARGEST, MIB
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms, writing
from marketplace.pages.view import Pages, form_page, page
from marketplace.web import context
from marketplace.web import uploads as sent

A_PAGE = 50
NOT_PROCESSABLE = 422

blueprint = Pages("message_pages")


@blueprint.get("/messages")
@signed_in
def list_threads() -> Response:
    """List the threads about one's own rotations, with how much of each is unread."""
    found = kept.threads(
        context.session(),
        kept.Whose(current_account().id, frozenset(), frozenset(), operator=False),
        unread=False,
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    return page("messages/list.html", found=found)


@blueprint.get("/rotations/<uuid:booking_id>/messages")
@signed_in
def read(booking_id: UUID) -> Response:
    """Show a thread, the newest last; what is shown counts as read."""
    return _shown(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/messages")
@sent.form_first
@signed_in
def write(booking_id: UUID) -> Response:
    """Write a message, with a file or without one."""
    finding.own(booking_id)
    typed = forms.typed()
    values, errors = forms.read(NewMessageArgs(), {"body": typed.get("body", "")})
    if not errors:
        _, errors = forms.tried(
            lambda: writing.write(finding.own, booking_id, values["body"], role="trainee"), "body"
        )
    if errors:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/messages#write", 303)


@blueprint.post("/rotations/<uuid:booking_id>/messages/files/<uuid:file_id>")
@signed_in
def download(booking_id: UUID, file_id: UUID) -> Response:
    """Lead to a file of a message by a link that works once, within two minutes."""
    link, headers = link_for(finding.own(booking_id).id, file_id)
    answer = redirect(link["url"], 303)
    answer.headers.update(headers)
    return answer


def _shown(booking_id: UUID, typed: dict[str, str], errors: forms.Errors) -> Response:
    session, now, own = context.session(), context.now(), current_account().id
    booking = finding.own(booking_id)
    found = kept.page(session, booking.id, limit=A_PAGE, cursor=request.args.get("cursor") or None)
    said: list[dict[str, Any]] = shown(booking, found.items)
    if said and not errors:
        messages.read(session, booking, own, said[0]["number"], now)
    known = kept.host_knows(session, booking)
    return form_page(
        "rotations/messages.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        said=list(reversed(said)),
        older=found.next_cursor,
        own=own,
        known=known,
        may_write=known and now < day_begins(booking.last_day + OPEN_AFTER, booking.time_zone),
        largest=LARGEST // MIB,
        typed=typed,
        errors=errors,
    )
