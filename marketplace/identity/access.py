"""Who calls, and whether they may: the guards that every view wears, and Flask-Security's setting.

A caller shows one credential: a bearer token or an API key in `Authorization`, else the signed
session cookie of the pages. A credential that is sent and not good is refused, never ignored. A
session is believed in an unsafe request only with a CSRF token; a bearer needs none, since no
browser adds it by itself.

401: not signed in. 403: you may know of this, but not do it. 404: you may not know of it; the
guard of a site's routes answers so to whoever has no membership there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Flask, Response, after_this_request, current_app, g, request
from flask_principal import Principal
from flask_security import RoleMixin, Security, current_user, login_user, logout_user
from flask_security.datastore import SQLAlchemySessionUserDatastore
from flask_security.utils import get_request_attr, parse_auth_token
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import BadSignature
from sqlalchemy.orm import scoped_session

from marketplace.core.errors import Forbidden, NotFound
from marketplace.core.settings import Settings
from marketplace.identity.errors import CsrfRefused, KeyNotEnough, NotSignedIn, ScopeMissing
from marketplace.identity.models import Account, WebAuthnCredential
from marketplace.identity.queries import callers
from marketplace.identity.queries.callers import Grant
from marketplace.identity.rules import Role, Scope
from marketplace.identity.service import api_keys, second_factor
from marketplace.identity.service.second_factor import OnceTotp
from marketplace.web import context, idempotency
from marketplace.web.guards import declare
from marketplace.web.transaction import TransactionalFlask

View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
API = "/api/"
# The least that argon2 can do: tests make hundreds of accounts.
TEST_COST = {"argon2__rounds": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
TOKEN_LIFE = timedelta(hours=12)
CONFIRM_WITHIN = timedelta(days=2)
RESET_WITHIN = timedelta(hours=2)


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
    """Return the calling account's id as text: the owner of idempotency keys and log lines."""
    found = current_caller()
    return None if found is None else str(found.account_id)


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
    login_user(cast("Any", account), remember=False, authn_via=["password"])
    g.identity_caller = Caller(account.id, Credential.SESSION, lambda: account)


def end_session() -> None:
    """Forget the signed-in session of this browser."""
    logout_user()
    g.identity_caller = None


class AccountDatastore(SQLAlchemySessionUserDatastore):
    """Flask-Security's accounts in the request's session; its commits are flushes of ours."""

    def __init__(self) -> None:
        # The proxy is resolved at each use: one datastore serves all requests.
        session = cast("scoped_session[Any]", _RequestSession())
        account, webauthn = cast("Any", Account), cast("Any", WebAuthnCredential)
        super().__init__(session, account, RoleMixin, webauthn)

    def commit(self) -> None:
        context.session().flush()


class _RequestSession:
    """Stands for the session of whichever request is served."""

    def __getattr__(self, name: str) -> Any:
        return getattr(context.session(), name)


def init_app(app: Flask, settings: Settings) -> None:
    """Set up sessions, CSRF and Flask-Security without its own views: ours speak problems."""
    app.config.update(
        SECURITY_PASSWORD_SALT=settings.password_salt,
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of the algorithm
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=TEST_COST if settings.environment == "test" else {},
        # Marks inside signed links, not passwords: no reason to be slow.
        SECURITY_HASHING_SCHEMES=["hex_sha256"],
        SECURITY_DEPRECATED_HASHING_SCHEMES=[],
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_ENABLED_METHODS=[second_factor.METHOD],
        SECURITY_TOTP_ISSUER="Rotation Marketplace",
        # The secret that never changes: passwords hang from it too.
        SECURITY_TOTP_SECRETS={"1": settings.password_salt},
        # Nothing is asked of the network; tests may use the domains that are reserved for them.
        SECURITY_EMAIL_VALIDATOR_ARGS={
            "check_deliverability": False,
            "test_environment": not settings.production,
        },
        SECURITY_CONFIRMABLE=True,
        SECURITY_RECOVERABLE=True,
        SECURITY_CHANGEABLE=True,
        SECURITY_REGISTERABLE=True,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_DATETIME_FACTORY=lambda: datetime.now(UTC),
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
        SECURITY_CSRF_PROTECT_MECHANISMS=["session"],
        WTF_CSRF_CHECK_DEFAULT=False,
        # A form lives as long as its session: a trainee reads a listing for more than an hour.
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.config.setdefault("SECURITY_PASSWORD_LENGTH_MIN", 12)
    app.config.setdefault("SECURITY_TOKEN_MAX_AGE", TOKEN_LIFE)
    app.config.setdefault("SECURITY_CONFIRM_EMAIL_WITHIN", CONFIRM_WITHIN)
    app.config.setdefault("SECURITY_RESET_PASSWORD_WITHIN", RESET_WITHIN)
    if isinstance(app, TransactionalFlask):
        app.caller = caller_id
    CSRFProtect(app)
    security = Security(app, AccountDatastore(), register_blueprint=False, totp_cls=OnceTotp)
    # Flask-Principal would look for a session in every request; its identities are not used here.
    app.before_request_funcs[None] = [
        hook
        for hook in app.before_request_funcs[None]
        if not isinstance(getattr(hook, "__self__", None), Principal)
    ]
    # Tokens come in `Authorization` only: the library would also take them from the query string,
    # which ends up in logs and histories.
    security.login_manager.request_loader(lambda _: None)


def _guard(view: View, access: str, check: Callable[[dict[str, Any]], object]) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check(kwargs)
        return view(*args, **kwargs)

    marked = cast("View", guarded)
    _document(marked, access)
    return declare(marked, access)


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
    return Caller(person.id, Credential.SESSION, lambda: person)


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
