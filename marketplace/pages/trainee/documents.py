"""A trainee's documents: sent in by a form, read by a link that works once, handed over to bookings."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.routes import finding
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.schemas.clearing import BookingDocumentsArgs
from marketplace.booking.service import clearances, paths
from marketplace.booking.service.clearances import TAKES_DOCUMENTS
from marketplace.booking.states import BookingState
from marketplace.compliance.gateway import DocumentVault, LinkSigner
from marketplace.compliance.queries import documents as queries
from marketplace.compliance.queries.documents import View
from marketplace.compliance.rules.files import LARGEST, MIB, FileFault
from marketplace.compliance.rules.kinds import KINDS
from marketplace.compliance.schemas.documents import FileUploadArgs
from marketplace.compliance.service import erasing, files, reading, upkeep, uploads
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import asked, forms
from marketplace.pages.view import Pages, Reader, form_page, reader
from marketplace.web import context
from marketplace.web import uploads as sent
from marketplace.web.api import PREFIX

A_PAGE = 50
NOT_PROCESSABLE = 422
# Which documents tell of doses, and which of scores by part.
WITH_DOSES = frozenset({"mmr", "varicella", "hepatitis_b", "tdap", "influenza"})
WITH_SCORES = frozenset({"english_proof", "toefl_report", "ielts_report", "oet_report"})
MOST_DOSES = 3
PARTS = ("listening", "reading", "writing", "speaking")
TONES = {
    "accepted": "good", "expiring": "fair", "uploaded": "fair", "waived": "good",
    "not_needed": "good", "done": "good", "open": "fair", "passed": "fair",
}  # fmt: skip

blueprint = Pages("document_pages")


@blueprint.get("/documents")
@signed_in
def list_own() -> Response:
    """List one's documents, the newest first, and what each is good for."""
    found = queries.of_holder(
        context.session(),
        current_account().id,
        context.now().date(),
        limit=A_PAGE,
        cursor=request.args.get("cursor") or None,
    )
    return form_page("documents/list.html", found=found, tone=tone)


@blueprint.get("/documents/new")
@signed_in
def ask() -> Response:
    """Ask for a file and what it says of itself; `kinds` says which kinds would do."""
    chosen = request.args.get("kind") or next(iter(_asked_kinds()), "")
    return _form({"kind": chosen, **_about()}, {})


@blueprint.post("/documents/new")
@sent.form_first
@signed_in
def send() -> Response:
    """Take a file in: a new document, or a newer version of one; and hand it over where asked to."""
    typed = forms.typed()
    chosen = sent.of_form("file")
    if chosen is None:
        return _form(typed, {"file": [reader().say("Choose a file.")]})
    given = {
        "kind": typed.get("kind", ""),
        "filename": chosen.filename,
        "media_type": chosen.media_type,
        "size": chosen.size,
        "facts": _facts(typed),
        "document_id": typed.get("document"),
    }
    values, errors = forms.read(FileUploadArgs(), given)
    if not errors:
        document_id, errors = forms.tried(lambda: _take(values, chosen), "file")
    if errors or document_id is None:
        return _form(typed, _beside(errors))
    booking_id = _uuid(typed.get("booking"))
    if booking_id is None:
        return redirect(f"/documents/{document_id}", 303)
    session, booking = context.session(), finding.own(booking_id)
    if BookingState(booking.state) in TAKES_DOCUMENTS:
        clearances.release(session, booking, [document_id], context.now())
    return redirect(f"/rotations/{booking.id}/documents", 303)


@blueprint.get("/documents/<uuid:document_id>")
@signed_in
def show(document_id: UUID) -> Response:
    """Show a document's versions, what was decided on them, and who has read it."""
    session, own = context.session(), current_account().id
    found = queries.own(session, document_id, own)
    trail = queries.readings(session, document_id, limit=A_PAGE, cursor=None)
    people = identity.contacts(session, [one.actor_id for one in trail.items if one.actor_id])
    return form_page(
        "documents/document.html",
        view=queries.views(session, [found], context.now().date())[0],
        trail=trail.items,
        people=people,
        own=own,
        tone=tone,
    )


@blueprint.post("/documents/<uuid:document_id>/link")
@signed_in
def download(document_id: UUID) -> Response:
    """Lead to a version of one's document by a link that works once, within two minutes."""
    link = reading.ask(
        context.session(),
        context.parts().get(LinkSigner),
        document_id,
        forms.number(request.form.get("version")) or 0,
        reading.Reader(current_account().id, "holder"),
        context.now(),
    )
    answer = redirect(f"{PREFIX}/downloads/{link.token}", 303)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.post("/documents/<uuid:document_id>/delete")
@signed_in
def delete(document_id: UUID) -> Response:
    """Delete a document's content for good."""
    upkeep.delete_document(context.session(), document_id, current_account().id, context.now())
    return redirect("/documents", 303)


@blueprint.post("/documents/erase")
@signed_in
def erase() -> Response:
    """Erase the content of every document that no booking needs."""
    own = current_account().id
    erasing.erase(context.session(), own, actor_id=own, in_use=False, now=context.now())
    return redirect("/my-data", 303)


@blueprint.get("/rotations/<uuid:booking_id>/documents")
@signed_in
def of_rotation(booking_id: UUID) -> Response:
    """Show what has to be done by when, and which documents are there and which are missing."""
    session, now = context.session(), context.now()
    booking = finding.own(booking_id)
    clearance = clearances.clearance(session, booking, now)
    mine = queries.of_holder(session, booking.trainee_id, now.date(), limit=A_PAGE, cursor=None)
    return form_page(
        "rotations/documents.html",
        title=asked.title,
        needs=asked.needs,
        booking=booking,
        clearance=clearance,
        steps=paths.critical_path(session, booking, now),
        today=site_day(now, booking.time_zone),
        mine={one.document.id: one for one in mine.items},
        others=_others(mine.items),
        takes=BookingState(booking.state) in TAKES_DOCUMENTS,
        begun=BookingState(booking.state) is BookingState.IN_PROGRESS,
        tone=tone,
    )


@blueprint.post("/rotations/<uuid:booking_id>/documents")
@signed_in
def hand_over(booking_id: UUID) -> Response:
    """Let the rotation's site read a document that one has already."""
    booking = finding.own(booking_id)
    values, errors = forms.read(
        BookingDocumentsArgs(), {"document_ids": request.form.getlist("document")}
    )
    if not errors:
        clearances.release(context.session(), booking, values["document_ids"], context.now())
    return redirect(f"/rotations/{booking.id}/documents", 303)


@blueprint.post("/rotations/<uuid:booking_id>/documents/<uuid:document_id>/take-back")
@signed_in
def take_back(booking_id: UUID, document_id: UUID) -> Response:
    """Take a document back from a rotation that has not begun."""
    booking = finding.own(booking_id)
    clearances.take_back(context.session(), booking, document_id, context.now())
    return redirect(f"/rotations/{booking.id}/documents", 303)


def tone(state: str) -> str:
    """How a state of a document or of a step is coloured: good, fair or bad."""
    return TONES.get(state, "bad")


def _take(values: Mapping[str, Any], chosen: sent.Chosen) -> UUID:
    """Store the file, then make it a document; what comes to nothing is deleted again."""
    parts, session, now, own = context.parts(), context.session(), context.now(), _own_id()
    document_id = values["document_id"]
    wish = uploads.Wish(**{name: values[name] for name in values if name != "document_id"})
    uploads.check(session, wish, holder_id=own, document_id=document_id, now=now)
    # Nothing of the database is held while the file goes to the store.
    session.rollback()
    store, upload_id = parts.get(ObjectStore), new_id()
    try:
        stored = files.put_away(
            store, parts.get(DocumentVault), upload_id, wish.media_type, chosen.pieces
        )
    except FileFault as fault:
        raise files.refused(fault) from fault
    taken = None
    try:
        taken = uploads.take_sent(
            session, upload_id, wish, stored, holder_id=own, document_id=document_id, now=now
        )
    finally:
        if taken is None:
            store.delete(stored.object_key)
    if taken.document_id is None:
        raise RuntimeError("an upload that was taken has its document")
    return taken.document_id


def _own_id() -> UUID:
    return current_account().id


def _form(typed: Mapping[str, Any], errors: forms.Errors) -> Response:
    who = reader()
    kinds = _asked_kinds() or KINDS
    document_id, booking_id = _uuid(typed.get("document")), _uuid(typed.get("booking"))
    document = queries.own(context.session(), document_id, _own_id()) if document_id else None
    if document is not None:
        kinds = (document.kind,)
    return form_page(
        "documents/new.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        typed=typed,
        errors=errors,
        kinds=_named(kinds, who),
        wanted=",".join(kinds) if len(kinds) < len(KINDS) else "",
        document=document,
        booking=finding.own(booking_id) if booking_id else None,
        doses=range(1, MOST_DOSES + 1) if WITH_DOSES & set(kinds) else (),
        parts=[(one, who.label(one)) for one in PARTS] if WITH_SCORES & set(kinds) else (),
        largest=LARGEST // MIB,
    )


def _named(kinds: Iterable[str], who: Reader) -> list[tuple[str, str]]:
    return sorted(((kind, who.label(kind)) for kind in kinds), key=lambda one: one[1])


def _asked_kinds() -> tuple[str, ...]:
    """The kinds that would do, as the address or the form names them."""
    wanted = request.values.get("kinds", "")
    return tuple(kind for kind in wanted.split(",") if kind in KINDS)


def _about() -> dict[str, str]:
    """What the file is for, as the address names it."""
    names = ("booking", "document")
    return {name: request.args[name] for name in names if _uuid(request.args.get(name))}


def _facts(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the document says of itself, as the API would be told."""
    doses = [typed[f"dose_{n}"] for n in range(1, MOST_DOSES + 1) if f"dose_{n}" in typed]
    scores = {part: typed[f"score_{part}"] for part in PARTS if f"score_{part}" in typed}
    days = {name: typed[name] for name in ("issued_on", "expires_on") if name in typed}
    return {**days, "dose_dates": doses, "scores": scores}


def _beside(errors: forms.Errors) -> forms.Errors:
    """Errors by the names that the form's fields have."""
    found: dict[str, list[str]] = {}
    for name, texts in errors.items():
        plain = name.removeprefix("facts.")
        if plain.startswith("dose_dates"):
            plain = "dose_1"
        elif plain.startswith("scores."):
            plain = f"score_{plain.split('.')[1]}"
        elif plain in {"filename", "media_type", "size"}:
            plain = "file"
        found.setdefault(plain, []).extend(texts)
    return found


def _others(mine: Iterable[View]) -> dict[str, list[View]]:
    """One's documents by kind: those that may be handed over."""
    found: dict[str, list[View]] = {}
    for one in mine:
        if one.state.value != "rejected":
            found.setdefault(one.document.kind, []).append(one)
    return found


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
