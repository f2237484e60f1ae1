"""The yearly survey by its link: page by page, saved as one goes, changed until it closes.

A GET records nothing. Each page is a form of its own; what it sends is put into the answers that
stand, and saved as the API saves them: a window that is behind overwrites nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import Invalid
from marketplace.identity.access import public
from marketplace.outcomes.errors import AnswersChanged
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.rules import questionnaire
from marketplace.outcomes.rules.questionnaire import REFUSED, Question
from marketplace.outcomes.service import survey
from marketplace.outcomes.service.survey import Sheet
from marketplace.pages import forms
from marketplace.pages.view import Pages, Reader, form_page, reader
from marketplace.pages.words import LANGUAGES
from marketplace.web import context

NOT_PROCESSABLE, CONFLICT = 422, 409
REVIEW, DONE = "review", "done"
FLAGS = {"yes": True, "no": False, REFUSED: REFUSED}
HEADERS = {
    "Cache-Control": "no-store",
    # The address is the key to the answers; our own forms say where they come from all the same.
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}

blueprint = Pages("survey_pages")


@dataclass(frozen=True)
class Asked:
    """A question as a page shows it: in the reader's words, with what was answered."""

    name: str
    text: str
    kind: str
    options: tuple[tuple[str, str], ...]
    value: str


@blueprint.get("/surveys/<string:token>")
@public
def look(token: str) -> Response:
    """A page of the questionnaire: the one asked for, else the first that has an open question."""
    sheet = survey.look(context.session(), _signer(), token, context.now())
    wanted = request.args.get("page", "")
    pages = _pages(sheet)
    if wanted in (REVIEW, DONE):
        return _review(token, sheet, thanked=wanted == DONE and sheet.complete)
    number = forms.number(wanted)
    if number in pages:
        return _page(token, sheet, number)
    return _start(token, sheet, pages)


@blueprint.post("/surveys/<string:token>")
@public
def save(token: str) -> Answer:
    """Save a page, or hand the whole in; the same again changes nothing."""
    sheet = survey.look(context.session(), _signer(), token, context.now())
    number = forms.number(request.form.get("page")) or 0
    finishing = request.form.get("then") == "finish"
    version = forms.number(request.form.get("version"))
    answers = _answers(sheet, number)
    try:
        saved = survey.save(
            context.session(),
            _signer(),
            token,
            answers=answers,
            version=-1 if version is None else version,
            complete=finishing or sheet.complete,
            now=context.now(),
        )
    except Invalid as refused:
        typed = replace(sheet, answers=answers)
        return _page(token, typed, number, NOT_PROCESSABLE, forms.wrong(refused, "page"))
    except AnswersChanged:
        return _page(token, sheet, number, CONFLICT) if number else _review(token, sheet, CONFLICT)
    if finishing:
        return redirect(_address(token, DONE), 303)
    after = [page for page in _pages(saved) if page > number]
    return redirect(_address(token, after[0] if after else REVIEW), 303)


def _start(token: str, sheet: Sheet, pages: list[int]) -> Response:
    for question in _asked(sheet):
        if question.name not in sheet.answers and question.name not in questionnaire.OPTIONAL:
            return _page(token, sheet, question.page)
    return _review(token, sheet) if sheet.answers else _page(token, sheet, pages[0])


def _page(
    token: str,
    sheet: Sheet,
    number: int,
    status: int = 200,
    errors: Mapping[str, Any] | None = None,
) -> Response:
    pages = _pages(sheet)
    who = _reader()
    response = form_page(
        "survey/page.html",
        status,
        reader=who,
        sheet=sheet,
        questions=[_shown(who, sheet, one) for one in _asked(sheet) if one.page == number],
        number=number,
        place=pages.index(number) + 1 if number in pages else 1,
        back=_address(token, max((page for page in pages if page < number), default=pages[0])),
        errors=errors or {},
        behind=status == CONFLICT,
        **_common(token),
    )
    return _kept_private(response)


def _review(token: str, sheet: Sheet, status: int = 200, *, thanked: bool = False) -> Response:
    who = _reader()
    rows = [
        (one, _said(who, sheet.answers.get(one.name)), _address(token, one.page))
        for one in _asked(sheet)
    ]
    response = form_page(
        "survey/review.html",
        status,
        reader=who,
        sheet=sheet,
        rows=rows,
        thanked=thanked,
        behind=status == CONFLICT,
        **_common(token),
    )
    return _kept_private(response)


def _common(token: str) -> dict[str, Any]:
    return {
        "action": _address(token),
        "languages": [(language, _address(token, language=language)) for language in LANGUAGES],
    }


def _answers(sheet: Sheet, number: int) -> dict[str, Any]:
    """The answers that stand, with those of one page as the form has them."""
    answers = dict(sheet.answers)
    for question in _asked(sheet):
        if question.page != number:
            continue
        value = _read(question)
        if value is None:
            answers.pop(question.name, None)
        else:
            answers[question.name] = value
    return answers


def _read(question: Question) -> Any:
    """What the form says to a question; None where it says nothing."""
    typed = request.form.get(question.name, "").strip()
    if request.form.get(f"{question.name}-refused"):
        return REFUSED
    if not typed:
        return None
    if question.kind == "flag":
        return FLAGS.get(typed, typed)
    return forms.whole_number(typed) if question.kind == "count" else typed


def _shown(who: Reader, sheet: Sheet, question: Question) -> Asked:
    flags = (("yes", who.say("Yes")), ("no", who.say("No")))
    choices = tuple((option, who.label(option)) for option in question.options)
    refusal = (REFUSED, who.say("I would rather not say"))
    options = (*(flags if question.kind == "flag" else choices), refusal)
    closed = question.kind in {"flag", "choice"}
    text = question.texts[who.language]
    value = _typed(sheet.answers.get(question.name))
    return Asked(question.name, text, question.kind, options if closed else (), value)


def _typed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _said(who: Reader, value: Any) -> str:
    if value is None:
        return who.say("Not answered")
    if value == REFUSED:
        return who.say("I would rather not say")
    if isinstance(value, bool):
        return who.say("Yes") if value else who.say("No")
    known = isinstance(value, str) and value in CHOICES
    return who.label(value) if known else str(value)


CHOICES = frozenset(
    option
    for questions in questionnaire.VERSIONS.values()
    for question in questions
    for option in question.options
)


def _asked(sheet: Sheet) -> list[Question]:
    return questionnaire.asked(questionnaire.VERSIONS[sheet.questionnaire_version], sheet.answers)


def _pages(sheet: Sheet) -> list[int]:
    return questionnaire.pages(questionnaire.VERSIONS[sheet.questionnaire_version], sheet.answers)


def _reader() -> Reader:
    """The reader, in the language that the address asks for, if it does."""
    who = reader()
    wanted = request.args.get("language", "")
    return replace(who, language=wanted) if wanted in LANGUAGES else who


def _address(token: str, page: int | str | None = None, language: str | None = None) -> str:
    wanted = language or request.args.get("language")
    query = {"page": page or request.args.get("page"), "language": wanted}
    pairs = {name: value for name, value in query.items() if value}
    return f"/surveys/{token}?{urlencode(pairs)}" if pairs else f"/surveys/{token}"


def _kept_private(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _signer() -> LinkSigner:
    return context.parts().get(LinkSigner)
