"""How every page is made: one layout, the reader's language and time zone, errors as pages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    get_timezone_location,
    get_timezone_name,
)
from babel.numbers import format_currency, format_decimal, format_percent
from flask import Blueprint, Response, make_response, redirect, render_template, request
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.rules import specialties
from marketplace.core.errors import DomainError
from marketplace.core.money import EXPONENTS, Money
from marketplace.core.settings import Settings
from marketplace.identity.access import SAFE_METHODS, Caller, current_caller
from marketplace.identity.errors import NotSignedIn
from marketplace.pages import faults, once, singular, words
from marketplace.pages.sentences import COUNTED, STOPPED
from marketplace.pages.told import told
from marketplace.web import context, problems
from marketplace.web.api import PREFIX
from marketplace.web.context import request_id
from marketplace.web.problems import meant

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
}
# Amounts are in dollars and days begin in the States, whichever language they are told in.
LOCALES = {"en": Locale("en", "US"), "es": Locale("es", "US")}
SERVER_ERROR = 500
# In which language somebody without an account wants to read, where the browser says another.
LANGUAGE = "language"
# What is typed as it stands, such as the example of a day, stays so.
A_DAY = re.compile(r"(?<!such as )(?<!como )\b\d{4}-\d{2}-\d{2}\b(?!T)")
# An instant, as rules write it.
A_MOMENT = re.compile(r"\b(\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC\b")
# The days of a rotation, in what a payment is for.
DAYS = re.compile(r"(?<=, )(\d{4}-\d{2}-\d{2}) to (?=\d{4}-\d{2}-\d{2}\b)")
# As rules write it: 1,250.00 USD.
AN_AMOUNT = re.compile(rf"(?<![\d.,-])(-?[\d,]*\d(?:\.\d+)?) ({'|'.join(EXPONENTS)})\b")
# A field's label or the legend of its boxes, and its place in the summary of what is wrong.
LABEL = re.compile(
    r'<(?:label for|fieldset(?=[^>]*\sid=)[^>]*?\sid)="([^"]+)"[^>]*>(?:\s*<legend[^>]*>)?(.*?)'
    r"</(?:label|legend)>",
    re.DOTALL,
)
SUMMED = re.compile(r'<a href="#[^"]*" data-names="(?P<name>[^"]*)">')
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Reader:
    """Who reads, and how dates, money and words are written for them."""

    account_id: UUID | None
    roles: frozenset[str]
    language: str
    zone: ZoneInfo

    @cached_property
    def locale(self) -> Locale:
        return LOCALES[self.language]

    def say(self, text: str, **values: object) -> str:
        """A text in the reader's language, with `values` put in; where they count one, of one."""
        said = words.translated(singular.fitting(text, values), self.language)
        return said % values if values else said

    def told(self, text: str | None) -> str:
        """A sentence that a rule made, in the reader's language if known; its days and amounts too."""
        return self.written(DAYS.sub(r"\1 – ", told(text or "", self.language)))

    def refused(self, text: str) -> str:
        """Why something was refused, as `told` tells what rules say."""
        return self.written(faults.told(text, self.language))

    def written(self, text: str) -> str:
        """A text with the instants, days and amounts in it as the reader writes them."""
        text = A_DAY.sub(self._day_of, A_MOMENT.sub(self._moment_of, text))
        return AN_AMOUNT.sub(self._amount_of, text)

    def label(self, code: str | None) -> str:
        return "" if code is None else words.label(code, self.language)

    def coded(self, kind: str, code: str) -> str:
        """What a code is called among those of its kind; by itself where that has no name there."""
        known = f"{kind}_{code}"
        return self.label(known if known in words.LABELS else code)

    def money(self, amount: Money) -> str:
        number = Decimal(amount.minor).scaleb(-EXPONENTS[amount.currency])
        return str(format_currency(number, amount.currency, locale=self.locale))

    def share(self, share: float) -> str:
        """A share of one in whole percents."""
        return str(format_percent(share, locale=self.locale))

    def percent(self, basis_points: int) -> str:
        """Hundredths of a percent as a percentage."""
        return str(format_percent(Decimal(basis_points) / 10_000, "#,##0.##%", locale=self.locale))

    def number(self, number: Decimal | int) -> str:
        """A count or a figure, with as many decimals as it came with."""
        decimals = len(str(number).partition(".")[2])
        shape = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        return str(format_decimal(number, shape, locale=self.locale))

    def json_money(self, amount: Mapping[str, Any]) -> str:
        """An amount as the API writes it."""
        return self.money(Money(amount["amount"], amount["currency"]))

    def day(self, day: date) -> str:
        return str(format_date(day, "medium", locale=self.locale))

    def long_day(self, day: date) -> str:
        """The day with its weekday."""
        return str(format_date(day, "full", locale=self.locale))

    def _day_of(self, found: re.Match[str]) -> str:
        try:
            return self.day(date.fromisoformat(found[0]))
        except ValueError:
            return found[0]

    def _moment_of(self, found: re.Match[str]) -> str:
        try:
            return self.moment(datetime.fromisoformat(f"{found[1]}+00:00"))
        except ValueError:
            return found[0]

    def _amount_of(self, found: re.Match[str]) -> str:
        try:
            return self.money(Money.parse(found[1].replace(",", ""), found[2]))
        except ValueError:
            return found[0]

    def counted(self, number: int, what: str) -> str:
        """How many of `what`, a key of `COUNTED`: one of them is not many."""
        one, many = COUNTED[what]
        return self.say(one) if number == 1 else self.say(many, count=number)

    def skeleton(self, day: date, parts: str) -> str:
        """The day by those parts alone (`MMMd`), in the language's own order."""
        return str(format_skeleton(parts, day, locale=self.locale))

    def moment(self, moment: datetime) -> str:
        """Date and time to the minute in the reader's zone, which is named."""
        day = format_date(moment.astimezone(self.zone), "medium", locale=self.locale)
        time = format_datetime(moment, "h:mm a", tzinfo=self.zone, locale=self.locale)
        return f"{day}, {time} {self._zone_at(moment)}"

    def moment_typed(self, text: str) -> str:
        """A time as a browser gives it, in this zone where it names none; else as it is."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).isoformat()

    def day_ended(self, text: str) -> str:
        """The last second of a day as a browser gives it, in this zone; other text as it is."""
        try:
            return self.moment_typed(f"{date.fromisoformat(text)}T23:59:59")
        except ValueError:
            return self.moment_typed(text)

    def _zone_at(self, moment: datetime) -> str:
        """The zone's short name where it has one (CDT), else its city: an offset is no name."""
        there = moment.astimezone(self.zone)
        short = str(get_timezone_name(there, width="short", locale=self.locale))
        if short.isalpha():
            return short
        return f"({get_timezone_location(there, locale=self.locale, return_city=True)})"

    def place_time(self, zone: str) -> str:
        """What the time at a place is called, and its city: Central Time, Chicago."""
        known = ZoneInfo(zone)
        name = str(get_timezone_name(known, width="long", locale=self.locale))
        city = str(get_timezone_location(known, locale=self.locale, return_city=True))
        return city if city in name else f"{name}, {city}"

    def country(self, code: str) -> str:
        """The name of a country, by its ISO 3166 code."""
        return str(self.locale.territories.get(code, code))

    def visa(self, code: str) -> str:
        """A type of visa by its own name; `any` and `none_needed` in words."""
        return self.label(f"visa_{code}") if code.islower() else code

    def specialty(self, code: str) -> str:
        known = specialties.BY_CODE.get(code)
        return self.told(known.name) if known else self.label(code)


def reader() -> Reader:
    """Who asks for this page; by the account's settings, else by what the browser prefers."""
    found = _caller()
    if found is not None:
        account = found.account
        language = account.locale.split("-")[0].split("_")[0]
        known = language if language in words.LANGUAGES else "en"
        return Reader(account.id, found.roles, known, ZoneInfo(account.time_zone))
    preferred = request.cookies.get(LANGUAGE)
    if preferred not in words.LANGUAGES:
        preferred = request.accept_languages.best_match(words.LANGUAGES) or "en"
    return Reader(None, frozenset(), preferred, ZoneInfo("UTC"))


def _caller() -> Caller | None:
    """Who asks; nobody, where what was shown is no token: what is wrong is told to nobody in person."""
    try:
        return current_caller()
    except NotSignedIn:
        return None


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The page of a template, which has the reader as `reader` and its words as `_`.

    What others may link to gives its path as `canonical`.
    """
    who = values.pop("reader", None) or reader()
    found = _caller()
    if errors := values.get("errors"):
        values["errors"] = {
            name: [who.refused(text) for text in texts] for name, texts in errors.items()
        }
    if path := values.get("canonical"):
        values["canonical"] = context.parts().get(Settings).public_url.rstrip("/") + path
    html = render_template(
        template,
        reader=who,
        seen=found.seen if found else None,
        _=who.say,
        **{"here": _here(), **values},
    )
    response = make_response(named(html) if errors else html, status)
    response.headers.update(HEADERS)
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def named(html: str) -> str:
    """Have each error in the summary of a page begin with what its field is called there."""
    labels = {name: TAG.sub("", text).strip() for name, text in LABEL.findall(html)}

    def begin(link: re.Match[str]) -> str:
        label = labels.get(link["name"])
        return f'<a href="#{link["name"]}">' + (f"<strong>{label}</strong>: " if label else "")

    return SUMMED.sub(begin, html)


def form_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page with a form for whoever it is: what was typed, and errors."""
    given = {"typed": {}, "errors": {}, **values}
    return page(template, status, sends=True, **given)


def with_query(**changes: Any) -> str:
    """Return this page's address with other values in its query; None takes a value away."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    for name, value in changes.items():
        given = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, str(one)) for one in given if one is not None]
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def safe_path(text: str | None) -> str:
    """A path of this site to go on to; the front page for anything else.

    Browsers leave tabs and line breaks out of an address, so that `/<tab>/` would be another site's.
    """
    plain = (text or "").strip()
    ours = plain.startswith("/") and not plain.startswith(("//", "/\\"))
    return plain if ours and plain.isprintable() else "/"


class Pages(Blueprint):
    """A blueprint whose errors are pages: what went wrong, and what to do; its forms count once."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "marketplace.pages", template_folder="templates")
        self.register_error_handler(NotSignedIn, _sign_in_first)
        self.register_error_handler(DomainError, _refused)
        self.register_error_handler(IntegrityError, _broken)
        self.register_error_handler(HTTPException, _stopped)
        self.register_error_handler(DBAPIError, lambda error: _told(problems.of_database(error)))
        self.register_error_handler(Exception, lambda error: _told(problems.unexpected(error)))
        self.record(lambda state: once.teach(state.app.jinja_env))

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *options: Any,
        **more: Any,
    ) -> None:
        """Have each view that answers a POST answer a form once."""
        if view_func is not None and "POST" in more.get("methods", ()):
            view_func = once.once(view_func)
        super().add_url_rule(rule, endpoint, view_func, *options, **more)


def _sign_in_first(error: NotSignedIn) -> Answer:
    del error
    path = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return redirect(f"/sign-in?{urlencode({'next': path})}", 303)


def _refused(error: DomainError) -> Response:
    return _error(error.status, error.title, error.detail, error.fields or {})


def _broken(error: IntegrityError) -> Response:
    # Nothing can be read in the transaction that was broken off; the page reads who asks.
    context.session().rollback()
    return _refused(meant(error))


def _stopped(error: HTTPException) -> Response | HTTPException:
    status = error.code or SERVER_ERROR
    if status < 400:  # noqa: PLR2004 - a redirect is no error
        return error
    return _error(status, error.name, error.description, {})


def lost(error: HTTPException) -> Response:
    """An address that nothing answers: a page for people, a problem for programs."""
    of_api = request.path.startswith(PREFIX) and not request.path.startswith(f"{PREFIX}/docs/")
    if of_api or not request.accept_mimetypes.accept_html:
        return problems.of_http(error)
    return _error(error.code or SERVER_ERROR, error.name, error.description, {})


def _here() -> str:
    """Where this page is had again: that of a form, not where the form was sent to."""
    sent = request.method not in SAFE_METHODS
    return (_came_from() or request.path) if sent else request.full_path.rstrip("?")


def _came_from() -> str | None:
    """The page of ours that a form was sent from, where what was typed may still stand."""
    came = urlsplit(request.referrer or "")
    if request.method == "GET" or came.netloc != request.host:
        return None
    return safe_path(f"{came.path}?{came.query}" if came.query else came.path)


def _told(problem: Response) -> Response:
    """A problem as a page; what was begun is undone, since the page reads who asks."""
    context.session().rollback()
    told = problem.get_json()
    return _error(problem.status_code, told["title"], told.get("detail"), {})


def _asked_for(who: Reader) -> Reader:
    """The reader in the language that the address asks for, as links that are mailed do."""
    wanted = request.args.get(LANGUAGE)
    return replace(who, language=wanted) if wanted in words.LANGUAGES else who


def _error(status: int, title: str, detail: str | None, fields: Mapping[str, Any]) -> Response:
    who = _asked_for(reader())
    title, detail = STOPPED.get(title, (title, detail))

    return page(
        "error.html",
        status,
        reader=who,
        code=status,
        title=who.refused(title),
        detail=who.refused(detail) if detail else None,
        fields={name: [who.refused(str(text)) for text in texts] for name, texts in fields.items()},
        back=_came_from(),
        request_id=request_id(),
    )
