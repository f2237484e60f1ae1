"""Who calls, and whether they may: the guards that every view wears.

A caller shows one credential: a bearer token or an API key in `Authorization`, else the signed
session cookie of the pages. A credential that is sent and not good is refused, never ignored. A
session is believed in an unsafe request only with a CSRF token; a bearer needs none, since no
browser adds it by itself.

An operator may see the pages as another account does: then the caller is that account, `seen` says
who really calls, and nothing can be done; see `impersonating`.

401: not signed in. 403: you may know of this, but not do it. 404: you may not know of it; the
guard of a site's routes answers so to whoever has no membership there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Flask, Response, after_this_request, current_app, g, request
from flask_security import current_user, login_user, logout_user
from flask_security.utils import get_request_attr, parse_auth_token
from flask_wtf.csrf import CSRFError, generate_csrf
from itsdangerous import BadSignature

from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import impersonating, setting
from marketplace.identity.access.impersonating import Seen
from marketplace.identity.errors import CsrfRefused, KeyNotEnough, NotSignedIn, ScopeMissing
from marketplace.identity.models import Account
from marketplace.identity.queries import callers
from marketplace.identity.queries.callers import Grant
from marketplace.identity.rules import Role, Scope
from marketplace.identity.service import api_keys
from marketplace.web import context, idempotency
from marketplace.web.guards import declare
from marketplace.web.transaction import TransactionalFlask

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API = "/api/"


class Credential(StrEnum):
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - the name of a kind, not a secret
    API_KEY = "api_key"


@dataclass
class Caller:
    """The account that calls, by which credential, and what it is a member of (read once)."""

    account_id: UUID
    via: Credential
    _account: Callable[[], Account] = field(repr=False)
    scopes: frozenset[str] = frozenset(Scope)
    _grants: tuple[Grant, ...] | None = field(default=None, repr=False)
    seen: Seen | None = None

    @cached_property
    def account(self) -> Account:
        """The whole account; who needs no more than its id asks for that."""
        return self._account()

    @property
    def grants(self) -> tuple[Grant, ...]:
        if self._grants is None:
            self._grants = callers.live_grants(context.session(), self.account_id)
        return self._grants

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(grant.role for grant in self.grants)

    @property
    def school_ids(self) -> frozenset[UUID]:
        """The schools that the account is a coordinator of."""
        return frozenset(grant.school_id for grant in self.grants if grant.school_id is not None)

    def site_roles(self, site_id: UUID) -> frozenset[str]:
        return frozenset(grant.role for grant in self.grants if grant.site_id == site_id)


def current_caller() -> Caller | None:
    """Return who calls, None if nobody says so; `NotSignedIn` for a credential that is not good."""
    if "identity_caller" not in g:
        g.identity_caller = _resolve()
    return cast("Caller | None", g.identity_caller)


def caller() -> Caller:
    """Return who calls; `NotSignedIn` if nobody does."""
    found = current_caller()
    if found is None:
        raise NotSignedIn
    return found


def current_account() -> Account:
    """Return the account that calls; `NotSignedIn` (401) if nobody does."""
    return caller().account


def current_id() -> UUID:
    """Return the id of the account that calls; `NotSignedIn` (401) if nobody does."""
    return caller().account_id


def caller_id() -> str | None:
    """Return the calling account's id as text: the owner of idempotency keys and log lines.

    An operator's own, as whomever they see the pages.
    """
    found = current_caller()
    if found is None:
        return None
    return str(found.seen.operator_id if found.seen else found.account_id)


def public(view: View) -> View:
    """Let everybody in. A page's form still needs its CSRF token, signed in or not."""

    def check(arguments: dict[str, Any]) -> None:
        del arguments
        if not request.path.startswith(API):
            check_csrf()

    return _guard(view, "public", check)


def signed_in(view: View) -> View:
    """Let in whoever is signed in, by any credential."""
    return _guard(view, "signed_in", lambda _: _admit())


def in_person(view: View) -> View:
    """Let in whoever signed in themselves: an API key can't change what it hangs from."""

    def check(arguments: dict[str, Any]) -> None:
        del arguments
        if _admit().via is Credential.API_KEY:
            raise KeyNotEnough

    return _guard(view, "in_person", check)


def require(*roles: str) -> Callable[[View], View]:
    """Let in who has one of `roles` anywhere; others are told that they may not (403)."""
    known = _known(roles)

    def check(arguments: dict[str, Any]) -> None:
        del arguments
        if not known & _admit().roles:
            raise Forbidden(f"This needs the role {' or '.join(sorted(known))}.")

    return lambda view: _guard(view, "role:" + ",".join(sorted(known)), check)


def site_member(*roles: str, operators: bool = True) -> Callable[[View], View]:
    """Let in members of the site in the view's argument `site_id` who have one of `roles` there.

    No role named: any membership there will do. Who is no member is told that there is nothing
    (404); a member with another role, that they may not (403). Operators pass, unless `operators`
    is False.
    """
    known = _known(roles)

    def check(arguments: dict[str, Any]) -> None:
        check_site(arguments["site_id"], *known, operators=operators)

    label = "site:" + (",".join(sorted(known)) or "any")
    return lambda view: _guard(view, label, check)


def check_site(site_id: UUID, *roles: str, operators: bool = True) -> Caller:
    """Do what `site_member` does, where the site is known only from what the view has read."""
    found = _admit()
    if operators and Role.OPERATOR in found.roles:
        return found
    there = found.site_roles(site_id)
    if not there:
        raise NotFound
    if roles and not there & set(roles):
        raise Forbidden(f"This needs the role {' or '.join(sorted(roles))} at the site.")
    return found


def school_member(*, operators: bool = True) -> Callable[[View], View]:
    """Let in coordinators of the school in the view's argument `school_id`; else nothing is there.

    Operators pass, unless `operators` is False.
    """

    def check(arguments: dict[str, Any]) -> None:
        check_school(arguments["school_id"], operators=operators)

    return lambda view: _guard(view, "school", check)


def check_school(school_id: UUID, *, operators: bool = True) -> Caller:
    """Do what `school_member` does, where the school is known only from what the view has read."""
    found = _admit()
    if operators and Role.OPERATOR in found.roles:
        return found
    if school_id not in found.school_ids:
        raise NotFound
    return found


def check_csrf() -> None:
    """Refuse an unsafe request without the session's CSRF token (field or `X-CSRFToken`)."""
    if request.method in SAFE_METHODS:
        return
    try:
        current_app.extensions["csrf"].protect()
    except CSRFError as error:
        raise CsrfRefused(error.description) from error


def csrf_token() -> str:
    """Return the token that forms and scripts of this session send back."""
    return cast("str", generate_csrf())


def begin_session(account: Account) -> None:
    """Sign `account` in by cookie; the caller has checked the password."""
    impersonating.forget()
    login_user(cast("Any", account), remember=False, authn_via=["password"])
    g.identity_caller = Caller(account.id, Credential.SESSION, lambda: account)


def end_session() -> None:
    """Forget the signed-in session of this browser."""
    impersonating.forget()
    logout_user()
    g.identity_caller = None


def init_app(app: Flask, settings: Settings) -> None:
    """Set up sessions, CSRF and Flask-Security, and who owns an idempotency key."""
    if isinstance(app, TransactionalFlask):
        app.caller = caller_id
    setting.init_app(app, settings)


def _guard(view: View, access: str, check: Callable[[dict[str, Any]], object]) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            check(kwargs)
            return view(*args, **kwargs)

        return answer() if impersonating.carried() is None else _carried(answer)

    marked = cast("View", guarded)
    _document(marked, access)
    return declare(marked, access)


def _carried(view: Callable[[], Any]) -> Any:
    """Answer a browser that sees the pages as somebody else, or did until now."""
    found = current_caller()
    return impersonating.looking(view) if found is not None and found.seen else view()


def _document(view: Any, access: str) -> None:
    """Tell the OpenAPI document (smorest's notes on the view) who may call."""
    notes = {**getattr(view, "_apidoc", {})}
    anybody = access == "public"
    by_hand = {"security": [] if anybody else [{"bearer": []}], "x-access": access}
    notes["manual_doc"] = {**notes.get("manual_doc", {}), **by_hand}
    view._apidoc = notes  # noqa: SLF001 - the library has no public way from a plain decorator


def _admit() -> Caller:
    """Return the caller, checked for what its credential may do in this request."""
    found = caller()
    after_this_request(_keep_private)
    if found.via is Credential.SESSION:
        check_csrf()
    wanted = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
    if wanted not in found.scopes:
        raise ScopeMissing(f"This needs the scope {wanted.value}.")
    return found


def _keep_private(response: Response) -> Response:
    if not response.cache_control:
        response.cache_control.private = True
        response.cache_control.no_cache = True
    response.vary.update(("Authorization", "Cookie"))
    return response


def _resolve() -> Caller | None:
    if "Authorization" not in request.headers:
        return _by_session()
    shown = request.authorization
    if shown is None or shown.type != "bearer" or not shown.token:
        raise NotSignedIn("Send the token as: Authorization: Bearer <token>.")
    if shown.token.startswith(api_keys.MARK):
        return _by_api_key(shown.token)
    return _by_token(shown.token)


def _by_session() -> Caller | None:
    # Flask-Security knows an account by its session cookie only: see `init_app`.
    if not current_user or get_request_attr("fs_authn_via") != Credential.SESSION:
        return None
    person: Account = current_user._get_current_object()  # noqa: SLF001 - a proxy
    seen = impersonating.seen_by(person)
    account = person if seen is None else seen.account
    return Caller(account.id, Credential.SESSION, lambda: account, seen=seen)


def _by_token(token: str) -> Caller:
    try:
        data = parse_auth_token(token)
    except (BadSignature, ValueError, TypeError) as error:
        raise NotSignedIn("The token is not valid, or has expired.") from error
    found = callers.caller_by_token(context.session(), str(data["uid"]), idempotency.pending())
    if found is None or not found.active:
        raise NotSignedIn("The token has been revoked.")
    return Caller(found.account_id, Credential.TOKEN, found.account, _grants=found.grants)


def _by_api_key(text: str) -> Caller:
    found = api_keys.verify(context.session(), text, context.now(), idempotency.pending())
    if found is None or found.key is None:
        raise NotSignedIn("The API key is not valid, or has been revoked.")
    scopes = frozenset(found.key.scopes)
    return Caller(found.account_id, Credential.API_KEY, found.account, scopes, found.grants)


def _known(roles: tuple[str, ...]) -> frozenset[str]:
    """Return the roles, checked for spelling when the view is defined."""
    return frozenset(Role(role).value for role in roles)
