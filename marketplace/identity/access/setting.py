"""Flask-Security's setting: sessions and tokens, without its own views and its own commits."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flask import Flask
from flask_principal import Principal
from flask_security import RoleMixin, Security
from flask_security.datastore import SQLAlchemySessionUserDatastore
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import scoped_session

from marketplace.core.settings import Settings
from marketplace.identity.models import Account, WebAuthnCredential
from marketplace.identity.service import second_factor
from marketplace.identity.service.second_factor import OnceTotp
from marketplace.web import context

# The least that argon2 can do: tests make hundreds of accounts.
TEST_COST = {"argon2__rounds": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
TOKEN_LIFE = timedelta(hours=12)
CONFIRM_WITHIN = timedelta(days=2)
RESET_WITHIN = timedelta(hours=2)


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
    CSRFProtect(app)
    security = Security(app, AccountDatastore(), register_blueprint=False, totp_cls=OnceTotp)
    # Flask-Principal would look for a session in every request; its identities are not used here.
    app.before_request_funcs[None] = [
        hook
        for hook in app.before_request_funcs[None]
        if not isinstance(getattr(hook, "__self__", None), Principal)
    ]
    # No template asks the library who is signed in; for the page that says that the database is away
    # it would ask that very database.
    app.template_context_processors[None] = [
        each
        for each in app.template_context_processors[None]
        if not each.__module__.startswith("flask_login")
    ]
    # Tokens come in `Authorization` only: the library would also take them from the query string,
    # which ends up in logs and histories.
    security.login_manager.request_loader(lambda _: None)
