"""`/auth`: registering, signing in and out, passwords, the second factor."""

from datetime import timedelta
from typing import Any, cast

from flask import current_app

from marketplace.identity.access import (
    Credential,
    begin_session,
    caller,
    csrf_token,
    current_account,
    current_caller,
    end_session,
    in_person,
    public,
)
from marketplace.identity.models import Account
from marketplace.identity.routes.limited import guessing, writing_to_strangers
from marketplace.identity.schemas.auth import (
    AcknowledgementSchema,
    AddressChangeSchema,
    BearerTokenSchema,
    BrowserSessionSchema,
    EmailAddressSchema,
    LoginSchema,
    MailedTokenSchema,
    PasswordChangeSchema,
    RecoveryCodesSchema,
    RegisterSchema,
    SecondFactorCodeSchema,
    SecondFactorSchema,
)
from marketplace.identity.service import accounts, addresses, passwords, second_factor
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint("auth", __name__, url_prefix="/auth", description="Accounts and signing in")
SECRET = {"Cache-Control": "no-store"}
WRITTEN = {"message": "If this address can be written to, a message is on its way."}


@blueprint.route("/register", methods=["POST"])
@public
@blueprint.arguments(RegisterSchema)
@blueprint.response(202, AcknowledgementSchema)
@guessing
def register(data: dict[str, Any]) -> dict[str, str]:
    """Register as a trainee.

    The answer is the same whether or not the address has an account; the message that is sent
    there says what to do.
    """
    accounts.register(context.session(), now=context.now(), **data)
    return WRITTEN


@blueprint.route("/confirmations", methods=["POST"])
@public
@blueprint.arguments(EmailAddressSchema)
@blueprint.response(202, AcknowledgementSchema)
@guessing
def send_confirmation_again(data: dict[str, str]) -> dict[str, str]:
    """Send the link that confirms an address again."""
    accounts.resend_confirmation(context.session(), data["email"], context.now())
    return WRITTEN


@blueprint.route("/login", methods=["POST"])
@public
@blueprint.arguments(LoginSchema)
@blueprint.response(200, BearerTokenSchema)
@guessing
def login(data: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Sign in and get a bearer token.

    401 `bad_credentials` whatever is wrong; 403 `email_not_confirmed` and 401
    `second_factor_needed` only where the password is right.
    """
    account = accounts.authenticate(context.session(), **data)
    return _token(account), 200, SECRET


@blueprint.route("/logout", methods=["POST"])
@in_person
@blueprint.response(204)
def logout() -> None:
    """Sign out: a session ends; a bearer token is revoked with all others of the account."""
    found = caller()
    if found.via is Credential.SESSION:
        end_session()
    else:
        accounts.end_tokens(context.session(), found.account)


@blueprint.route("/session", methods=["GET"])
@public
@blueprint.response(200, BrowserSessionSchema)
def show_session() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Read who is signed in here, and the CSRF token that changes by cookie must carry."""
    found = current_caller()
    account = found.account if found is not None else None
    return {"account": account, "csrf_token": csrf_token()}, 200, SECRET


@blueprint.route("/session", methods=["POST"])
@public
@blueprint.arguments(LoginSchema)
@blueprint.response(200, BrowserSessionSchema)
@guessing
def begin(data: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Sign in by a session cookie, as the pages do."""
    account = accounts.authenticate(context.session(), **data)
    begin_session(account)
    return {"account": account, "csrf_token": csrf_token()}, 200, SECRET


@blueprint.route("/password", methods=["POST"])
@in_person
@blueprint.arguments(PasswordChangeSchema)
@blueprint.response(200, BearerTokenSchema)
@guessing
def change_password(data: dict[str, str]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Change the password. Every token and session ends; the answer has a new token."""
    session, account = context.session(), current_account()
    passwords.change(session, account, current=data["current"], new=data["new"], now=context.now())
    if caller().via is Credential.SESSION:
        begin_session(account)
    return _token(account), 200, SECRET


@blueprint.route("/address", methods=["POST"])
@in_person
@blueprint.arguments(AddressChangeSchema)
@blueprint.response(202, AcknowledgementSchema)
@guessing
@writing_to_strangers
def ask_for_another_address(data: dict[str, str]) -> dict[str, str]:
    """Ask for another address. It is the account's once the link that is mailed there is confirmed."""
    addresses.ask(context.session(), current_account(), **data, now=context.now())
    return WRITTEN


@blueprint.route("/address/confirmation", methods=["POST"])
@public
@blueprint.arguments(MailedTokenSchema)
@blueprint.response(200, AcknowledgementSchema)
@guessing
def confirm_another_address(data: dict[str, str]) -> dict[str, str]:
    """Take the address that the token was mailed to. Every token and session ends."""
    addresses.confirm(context.session(), data["token"], context.now())
    return {"message": "The address is changed. Sign in with it at /api/v1/auth/login."}


@blueprint.route("/second-factor", methods=["POST"])
@in_person
@blueprint.response(200, SecondFactorSchema)
def prepare_second_factor() -> tuple[dict[str, str], int, dict[str, str]]:
    """Get a secret for an authenticator app; PUT one of its codes to turn the factor on."""
    uri, key = second_factor.prepare(context.session(), current_account())
    return {"uri": uri, "key": key}, 200, SECRET


@blueprint.route("/second-factor", methods=["PUT"])
@in_person
@blueprint.arguments(SecondFactorCodeSchema)
@blueprint.response(200, RecoveryCodesSchema)
@guessing
def turn_on_second_factor(
    data: dict[str, str],
) -> tuple[dict[str, list[str]], int, dict[str, str]]:
    """Ask for a code at every sign-in from now on."""
    codes = second_factor.turn_on(context.session(), current_account(), data["code"])
    return {"recovery_codes": codes}, 200, SECRET


@blueprint.route("/second-factor", methods=["DELETE"])
@in_person
@blueprint.arguments(SecondFactorCodeSchema)
@blueprint.response(204)
@guessing
def turn_off_second_factor(data: dict[str, str]) -> None:
    """Ask for codes no more; a code is needed once again."""
    second_factor.turn_off(context.session(), current_account(), data["code"])


def _token(account: Account) -> dict[str, Any]:
    life = cast("timedelta", current_app.config["SECURITY_TOKEN_MAX_AGE"])
    return {
        "token": account.get_auth_token(),
        "expires_in": int(life.total_seconds()),
        "account": account,
    }
