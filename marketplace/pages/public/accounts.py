"""Registering, signing in and out, by forms; the rules and the limits are those of the API."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import redirect, request
from flask import session as browser
from werkzeug.wrappers import Response

from marketplace.core.errors import DomainError
from marketplace.identity import queries as identity
from marketplace.identity.access import begin_session, end_session, public, signed_in
from marketplace.identity.errors import BadCredentials, EmailNotConfirmed, SecondFactorNeeded
from marketplace.identity.routes.limited import guessing
from marketplace.identity.rules import SCHOOL_ROLES, SITE_ROLES, Role, zones
from marketplace.identity.schemas.auth import LoginSchema, RegisterSchema
from marketplace.identity.service import accounts
from marketplace.pages import forms
from marketplace.pages.again import KEPT, Typed
from marketplace.pages.view import Pages, form_page, reader, safe_path
from marketplace.web import context

NOT_PROCESSABLE = 422
# Where somebody wanted to go who had no account yet; registering takes a mail, in another tab.
GOING_TO = "going_to"
# That this browser has just registered: the link in the mail signs it in.
REGISTERED = "registered"
# Where one's own work is, by role; a trainee has none.
OWN_PAGES = (
    ({Role.OPERATOR}, "/desk"),
    ({Role.ANALYST}, "/desk/reports"),
    (SITE_ROLES, "/host"),
    (SCHOOL_ROLES, "/schools"),
)

# Pages of invitations to work for a site or a school.
INVITED = ("/site-invitations/", "/schools/coordinator-invitations/")
# The page of a school's invitation to its student.
STUDYING = "/schools/invitations/"

# Pages of whoever comes for a site or a school of their own.
WORKING = ("/host", "/schools")

blueprint = Pages("account_pages")


@blueprint.get("/sign-in")
@public
def ask_to_sign_in() -> Response:
    """Ask for address and password; `next` is where to go on."""
    return form_page("account/sign_in.html", next=going_to())


@blueprint.post("/sign-in")
@public
@guessing
def sign_in() -> Response:
    """Sign in by the session's cookie."""
    given = forms.typed()
    path = safe_path(request.form.get("next"))
    kept = Typed.read(request.form.get(KEPT))
    values, errors = forms.read(LoginSchema(), given)
    if not errors:
        try:
            account = accounts.authenticate(context.session(), **values)
        except (BadCredentials, EmailNotConfirmed, SecondFactorNeeded) as refused:
            errors = forms.wrong(refused, "password")
            return form_page(
                "account/sign_in.html",
                NOT_PROCESSABLE,
                typed=given,
                errors=errors,
                next=path,
                kept=kept,
                code_asked=isinstance(refused, SecondFactorNeeded) or "code" in given,
                unconfirmed=isinstance(refused, EmailNotConfirmed),
            )
        browser.pop(GOING_TO, None)
        begin_session(account)
        path = _own_page(account.id) if path == "/" else path
        if kept:
            return form_page("account/go_on.html", kept=kept, next=path, name=account.name)
        return redirect(path, 303)
    return form_page(
        "account/sign_in.html", NOT_PROCESSABLE, typed=given, errors=errors, next=path, kept=kept
    )


@blueprint.post("/sign-out")
@signed_in
def sign_out() -> Response:
    """End this browser's session."""
    end_session()
    return redirect("/", 303)


@blueprint.get("/register")
@public
def ask_to_register() -> Response:
    """Ask who registers, in which language and time zone to write; `next` is where to go on then."""
    if (path := going_to()) != "/":
        browser[GOING_TO] = path
    return _register(200, typed={"locale": reader().language})


@blueprint.post("/register")
@public
@guessing
def register() -> Response:
    """Register as a trainee; what comes next is in the mail."""
    given = forms.typed()
    values, errors = forms.read(RegisterSchema(), given)
    if not errors:
        try:
            browser[REGISTERED] = accounts.register(
                context.session(), now=context.now(), going_to=going_to(), **values
            )
        except DomainError as refused:
            errors = forms.wrong(refused, "email")
    if errors:
        return _register(NOT_PROCESSABLE, typed=given, errors=errors)
    return redirect(f"/registered?{urlencode({'email': values['email']})}", 303)


@blueprint.get("/registered")
@public
def registered() -> Response:
    """Say that a message is on its way, whether or not there was an account."""
    args = request.args
    return form_page(
        "account/registered.html", email=args.get("email", "")[:254], again="again" in args
    )


@blueprint.post("/confirmations")
@public
@guessing
def send_again() -> Response:
    """Send the link that confirms an address again; the answer tells nothing of it."""
    email = forms.typed().get("email", "")
    try:
        accounts.resend_confirmation(context.session(), email, context.now(), going_to())
    except DomainError as refused:
        return form_page(
            "account/registered.html", NOT_PROCESSABLE, email=email, errors=refused.fields
        )
    return redirect(f"/registered?{urlencode({'email': email, 'again': 'yes'})}", 303)


def _register(status: int, **values: Any) -> Response:
    """The form; whoever is on the way to an invitation need not be a trainee."""
    going = str(browser.get(GOING_TO, ""))
    return form_page(
        "account/register.html",
        status,
        zones=_zones(),
        invited=going.startswith(INVITED),
        studying=going.startswith(STUDYING),
        working=is_for_work(going),
        **values,
    )


def is_for_work(path: str) -> bool:
    """Whether that page is for whoever comes for a site or a school, and need not be a trainee."""
    ours = path.partition("?")[0]
    return ours.startswith((*INVITED, *WORKING)) and not ours.startswith(STUDYING)


def going_to() -> str:
    """Where somebody wanted to go before there was an account; the front page if nowhere."""
    return safe_path(request.values.get("next") or browser.get(GOING_TO))


def _own_page(account_id: UUID) -> str:
    """Where a sign-in leads that was on the way to nowhere."""
    found = identity.live_memberships(context.session(), account_id)
    roles = {Role(one.role) for one in found}
    return next((path for some, path in OWN_PAGES if roles & set(some)), "/rotations")


def _zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in zones()]
