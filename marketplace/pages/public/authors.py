"""The page of a letter's author, by the link in the mail: no account, no script.

A GET records and consumes nothing. What is asked, the packet and the waiver in plain words; the
author's answer, the file, and the last word. A link that does nothing any more says why, and what to
do; where a letter is still awaited, another one can be mailed to its author.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.queries import sites
from marketplace.core.errors import DomainError
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import VirusScanner
from marketplace.identity import queries as identity
from marketplace.identity.access import public
from marketplace.outcomes.errors import FileTooLarge, NotAPdf
from marketplace.outcomes.gateway import LetterVault, LinkSigner
from marketplace.outcomes.rules.evaluation_form import COMPETENCIES
from marketplace.outcomes.rules.letters import LARGEST_LETTER
from marketplace.outcomes.schemas.letters import DRAFTED_BY, AuthorAnswerArgs, UploadArgs
from marketplace.outcomes.service import letter_authors, letter_files, letter_links, letter_packets
from marketplace.outcomes.service.letter_links import Ended, Standing
from marketplace.outcomes.service.rotations import rotation
from marketplace.outcomes.states import LetterState
from marketplace.pages import forms
from marketplace.pages.view import Pages, Reader, form_page, reader
from marketplace.pages.words import LANGUAGES, noted
from marketplace.web import context
from marketplace.web import uploads as sent
from marketplace.web.api import PREFIX
from marketplace.web.limits import limiter

ONE = "/letters/uploads/<string:token>"
NOT_PROCESSABLE, NOT_FOUND, GONE = 422, 404, 410
PDF = "application/pdf"
MIB = 2**20
# As the API has it, and counted with it.
ATTEMPTS, MAILS = "20/hour", "3/hour"
HEADERS = {
    "Cache-Control": "no-store",
    # The address is the key; our own forms say where they come from all the same.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
ANSWERS: Mapping[str, Mapping[str, bool]] = {
    "strong": {"agreed": True, "strong": True},
    "plain": {"agreed": True, "strong": False},
    "no": {"agreed": False, "strong": False},
}
DRAFTERS = {
    "author": noted("I wrote it myself"),
    "trainee": noted("It is the trainee's draft"),
    "both": noted("Both of us: I changed the trainee's draft"),
}
DONE = {
    "answered": noted("Thank you. Your answer is kept; the trainee sees it."),
    "uploaded": noted("Your letter is here. Confirm it, so that it can be used."),
}
REFUSED = {
    "not_a_pdf": noted("This is no whole PDF. Export or scan the letter as PDF, and choose it again."),
    "too_large": noted("The file is too large. A letter has at most 10 MiB."),
    "virus_found": noted("A virus was found in this file. Make the PDF anew on another computer."),
    "letter_confirmed": noted("The letter was confirmed meanwhile: it can't be replaced any more."),
    "letter_not_open": noted("Your answer can't be changed any more: the letter is here."),
    "file_not_scanned": noted(
        "The file is still being looked at for viruses. Wait a minute, then confirm again."
    ),
    "waiver_changed": noted(
        "The trainee has changed since whether they may read the letter. See above what holds now,"
        " and upload it again if you agree."
    ),
}  # fmt: skip
WHOSE_WORDS = noted(
    "From a draft of the trainee's the words are theirs, or both of yours. Choose again."
)

blueprint = Pages("author_pages")


def _link() -> str:
    token = (request.view_args or {}).get("token", "")
    return sha256(str(token).encode()).hexdigest()


@blueprint.get(ONE)
@public
def look(token: str) -> Response:
    """Show what is asked for and where it stands, or why the link does nothing any more."""
    found = _standing(token)
    return _ended(token, found) if found.ended or found.letter is None else _shown(token, found)


@blueprint.post(f"{ONE}/answer")
@public
def answer(token: str) -> Answer:
    """Keep whether the author writes, and whether it will be strong; a no ends the request."""
    found, typed = _standing(token), forms.typed()
    if found.ended:
        return _ended(token, found)
    values: dict[str, Any] = {}
    chosen = ANSWERS.get(typed.get("answer", ""))
    errors: forms.Errors = {"answer": [_reader(found.letter).say("Choose one of the three.")]}
    if chosen is not None:
        given = {**chosen, **({"reason": typed["reason"]} if "reason" in typed else {})}
        values, errors = forms.read(AuthorAnswerArgs(), given)
        if not errors and not values["agreed"] and not values.get("reason"):
            # It ends the request for good: no slip of a finger shall do that.
            errors = {"reason": [_reader(found.letter).say("Say why: the trainee reads it.")]}
    if not errors:
        errors = _tried(
            found,
            lambda: letter_authors.answer(
                context.session(), _signer(), token, now=context.now(), **values
            ),
            "answer",
        )
    if errors:
        return _shown(token, found, typed, errors)
    return _to(token, "answered" if values["agreed"] else "")


@blueprint.post(f"{ONE}/file")
@sent.form_first
@public
@limiter.shared_limit(ATTEMPTS, scope="letter-upload", key_func=_link)
def upload(token: str) -> Answer:
    """Take the letter in; until it is confirmed, the last one counts."""
    found, typed = _standing(token), forms.typed()
    if found.ended:
        return _ended(token, found)
    who, chosen = _reader(found.letter), sent.of_form("file")
    names = ("drafted_by", "draft_number", "waived")
    given: dict[str, Any] = {str(name): typed[name] for name in names if name in typed}
    values, errors = forms.read(UploadArgs(), given)
    if "drafted_by" in errors:
        errors = {**errors, "drafted_by": [who.say(WHOSE_WORDS)]}
    if chosen is None:
        errors = {**errors, "file": [who.say("Choose a file.")]}
    elif not errors:
        errors = _tried(found, lambda: _take(token, chosen, values), "file")
    if errors:
        return _shown(token, found, typed, errors)
    return _to(token, "uploaded")


@blueprint.post(f"{ONE}/confirm")
@public
def confirm(token: str) -> Answer:
    """The author's last word: nothing of the letter changes any more."""
    found = _standing(token)
    if found.ended:
        return _ended(token, found)
    errors = _tried(
        found,
        lambda: letter_files.confirm(context.session(), _signer(), token, context.now()),
        "confirm",
    )
    return _shown(token, found, {}, errors) if errors else _to(token)


@blueprint.post(f"{ONE}/renew")
@public
@limiter.shared_limit(MAILS, scope="letter-link", key_func=_link)
def renew(token: str) -> Answer:
    """Mail another link to the author's own address, in place of one that has ended."""
    found = _standing(token)
    if not found.renewable:
        return _ended(token, found) if found.ended else _to(token)
    letter_links.renew(context.session(), _signer(), token, context.now())
    return _ended(token, found, mailed=True)


def _take(token: str, chosen: sent.Chosen, values: Mapping[str, Any]) -> None:
    """Check, seal and store the file, then make it the letter's; what is not used is deleted."""
    if chosen.size > LARGEST_LETTER:
        raise FileTooLarge
    if chosen.media_type != PDF and not chosen.filename.lower().endswith(".pdf"):
        raise NotAPdf
    parts, session = context.parts(), context.session()
    # Nothing of the database is held while the file is looked at and goes to the store.
    session.rollback()
    store, content = parts.get(ObjectStore), b"".join(chosen.pieces)
    stored = letter_files.put_away(store, parts.get(LetterVault), parts.get(VirusScanner), content)
    used = False
    try:
        _, used = letter_files.upload(
            session, _signer(), token, stored, now=context.now(), **values
        )
    finally:
        if not used:
            store.delete(stored.object_key)


def _tried(found: Standing, action: Callable[[], object], field: str) -> forms.Errors:
    """What was refused, in the author's language; nothing where it went well."""
    try:
        action()
    except forms.REFUSALS as error:
        refused = forms.meant(error)
    else:
        return {}
    if refused.status not in forms.SHOWN_AGAIN:
        raise refused
    return _wrong(_reader(found.letter), refused, field)


def _wrong(who: Reader, refused: DomainError, field: str) -> forms.Errors:
    if refused.code in REFUSED:
        return {field: [who.say(REFUSED[refused.code])]}
    return forms.wrong(refused, field)


def _shown(
    token: str,
    before: Standing,
    typed: Mapping[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    # What was tried may have been undone, and what the page tells may have changed.
    found = _standing(token) if errors else before
    letter = found.letter
    if found.ended or letter is None:
        return _ended(token, found)
    session, who = context.session(), _reader(letter)
    about, contact = (
        rotation(session, letter.booking_id),
        identity.contact(session, letter.trainee_id),
    )
    state = LetterState(letter.state)
    done = request.args.get("done", "")
    return _private(
        form_page(
            "author/letter.html",
            NOT_PROCESSABLE if errors else 200,
            reader=who,
            letter=letter,
            about=about,
            name=contact.name if contact else "",
            site=sites.site(session, letter.site_id),
            packet=letter_packets.shown(session, letter),
            competencies=COMPETENCIES,
            files=f"{PREFIX}/letters/uploads/{token}/documents",
            drafters=[(code, who.say(DRAFTERS[code])) for code in DRAFTED_BY],
            largest=LARGEST_LETTER // MIB,
            may_answer=state is LetterState.AGREED,
            there=state is LetterState.UPLOADED,
            over=state is LetterState.CONFIRMED,
            done=DONE.get(done) if not errors else None,
            typed=typed or {},
            errors=errors or {},
            address=lambda part="": _address(token, part),
            **_languages(token),
        )
    )


def _ended(token: str, found: Standing, *, mailed: bool = False) -> Response:
    letter = found.letter
    return _private(
        form_page(
            "author/ended.html",
            200 if mailed else NOT_FOUND if found.ended is Ended.NOT_OURS else GONE,
            reader=_reader(letter),
            ended=found.ended.value if found.ended else "",
            letter=letter,
            renewable=found.renewable and not mailed,
            mailed=mailed,
            address=lambda part="": _address(token, part),
            **_languages(token),
        )
    )


def _standing(token: str) -> Standing:
    return letter_links.standing(context.session(), _signer(), token, context.now())


def _reader(letter: Any) -> Reader:
    """Who reads: in the language and by the clock that the author is written to."""
    who, wanted = reader(), request.args.get("language", "")
    if letter is not None and who.account_id is None:
        zone = ZoneInfo(letter.author_time_zone) if letter.author_time_zone else who.zone
        who = replace(who, language=letter.author_locale or who.language, zone=zone)
    return replace(who, language=wanted) if wanted in LANGUAGES else who


def _languages(token: str) -> dict[str, Any]:
    return {"languages": [(one, _address(token, language=one)) for one in LANGUAGES]}


def _address(token: str, part: str = "", language: str = "", done: str = "") -> str:
    wanted = language or request.args.get("language", "")
    pairs = {
        name: value
        for name, value in (("language", wanted if wanted in LANGUAGES else ""), ("done", done))
        if value
    }
    path = f"/letters/uploads/{token}{'/' if part else ''}{part}"
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _to(token: str, done: str = "") -> Answer:
    return redirect(_address(token, done=done), 303)


def _private(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
