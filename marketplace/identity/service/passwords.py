"""Setting, changing and recovering passwords. Each of them ends every token and session."""

from datetime import datetime
from typing import Any, cast

from flask_security import hash_password
from flask_security.changeable import change_user_password
from flask_security.proxies import _security  # how its own functions find the application's
from flask_security.recoverable import generate_reset_password_token, reset_password_token_status

from marketplace.core.db import Session
from marketplace.identity import queries
from marketplace.identity.errors import (
    BadCredentials,
    PasswordRefused,
    TokenExpired,
    TokenInvalid,
)
from marketplace.identity.models import Account
from marketplace.identity.service import notices


def acceptable(password: str) -> str:
    """Return the password normalised, or raise `PasswordRefused` with what is wrong with it."""
    faults, normal = _security.password_util.validate(password, is_register=False)
    if faults:
        said = [f"{str(fault).rstrip('.')}." for fault in faults]
        raise PasswordRefused(fields={"password": said})
    return normal


def normalized(password: str) -> str:
    """Return the password as it is hashed: two keyboards may spell one letter differently."""
    normal: str = _security.password_util.normalize(password)
    return normal


def change(session: Session, account: Account, *, current: str, new: str, now: datetime) -> Account:
    """Set a new password for who knows the current one, and tell the owner by e-mail."""
    if account.password is None:
        hash_password(normalized(current))
        raise BadCredentials
    if not account.verify_and_update_password(normalized(current)):
        raise BadCredentials
    _set(session, account, new)
    notices.notify(session, account.id, "password_changed", {}, now=now)
    return account


def recover(session: Session, address: str, now: datetime) -> None:
    """Mail a link that sets a new password, if there is an account; else do nothing."""
    account = queries.account_by_email(session, address)
    if account is None or not account.active:
        return
    token = generate_reset_password_token(account)
    notices.notify(session, account.id, "reset_password", {}, now=now, secret={"token": token})


def reset(session: Session, token: str, new: str, now: datetime) -> Account:
    """Set the password by a mailed token, which is good once; the address is confirmed by it."""
    expired, invalid, account = reset_password_token_status(token)
    if expired:
        raise TokenExpired
    if invalid or not isinstance(account, Account) or not account.active:
        raise TokenInvalid
    _set(session, account, new)
    if account.confirmed_at is None:
        account.confirmed_at = now
    session.flush()
    notices.notify(session, account.id, "password_changed", {}, now=now)
    return account


def set_by_command(session: Session, account: Account, new: str) -> None:
    """Set a password without asking for the old one, for commands."""
    _set(session, account, new)


def _set(session: Session, account: Account, new: str) -> None:
    change_user_password(cast("Any", account), acceptable(new), notify=False, autologin=False)
    # The library renews the mark of sessions and links; tokens have one of their own.
    account.fs_token_uniquifier = account.fs_uniquifier
    session.flush()
