"""One-time codes of an authenticator app (RFC 6238) as a second factor, by Flask-Security.

The shared secret is stored encrypted, recovery codes as argon2 hashes. A code is good once: the
time step of the last one accepted is kept, and neither it nor an older one is taken again.
"""

from typing import Any, cast

from flask_security import Totp, hash_password, verify_password
from flask_security.proxies import _security  # the library's own way to its factory in a service

from marketplace.core.db import Session
from marketplace.identity.errors import SecondFactorOn, SecondFactorWrong
from marketplace.identity.models import Account

METHOD = "authenticator"
RECOVERY_CODES = 8
# How far a phone's clock may be off, in seconds; a code lives for 30.
CLOCK_DRIFT = 30


class OnceTotp(Totp):
    """Flask-Security's factory, with the last accepted time step kept on the account."""

    def get_last_counter(self, user: Any) -> int | None:
        return cast("Account", user).tf_last_counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        cast("Account", user).tf_last_counter = tmatch.counter


def is_on(account: Account) -> bool:
    """Tell whether signing in asks for a code."""
    return account.tf_primary_method is not None


def prepare(session: Session, account: Account) -> tuple[str, str]:
    """Make a new shared secret; return its `otpauth` URI and the key to type in.

    Nothing is asked for at sign-in until `turn_on` has seen a code made from it.
    """
    if is_on(account):
        raise SecondFactorOn
    factory = _security.totp_factory
    account.tf_totp_secret = factory.generate_totp_secret()
    account.tf_last_counter = None
    session.flush()
    uri: str = factory.get_totp_uri(account.email, account.tf_totp_secret)
    return uri, factory.get_totp_pretty_key(account.tf_totp_secret)


def turn_on(session: Session, account: Account, code: str) -> list[str]:
    """Ask for codes from now on; return recovery codes, each good once, shown this once."""
    if is_on(account):
        raise SecondFactorOn
    if not _matches(session, account, code):
        raise SecondFactorWrong
    codes: list[str] = _security.totp_factory.generate_recovery_codes(RECOVERY_CODES)
    account.mf_recovery_codes = [hash_password(recovery) for recovery in codes]
    account.tf_primary_method = METHOD
    session.flush()
    return codes


def turn_off(session: Session, account: Account, code: str) -> None:
    """Ask for codes no more; a code or a recovery code is needed once again."""
    if is_on(account) and not check(session, account, code):
        raise SecondFactorWrong
    account.tf_primary_method = account.tf_totp_secret = None
    account.tf_last_counter = account.mf_recovery_codes = None
    session.flush()


def check(session: Session, account: Account, code: str) -> bool:
    """Tell whether `code` is the app's present one or an unused recovery code, and use it up."""
    text = code.strip().replace(" ", "")
    if text.isdigit():
        return _matches(session, account, text)
    return _recovers(session, account, text)


def _matches(session: Session, account: Account, code: str) -> bool:
    # Two sign-ins with one code at once: the second waits, and then finds the code used.
    session.refresh(account, with_for_update=True)
    if account.tf_totp_secret is None or not (code.isascii() and code.isdigit()):
        return False
    matched: bool = _security.totp_factory.verify_totp(
        token=code,
        totp_secret=account.tf_totp_secret,
        user=cast("Any", account),
        window=CLOCK_DRIFT,
    )
    session.flush()
    return matched


def _recovers(session: Session, account: Account, code: str) -> bool:
    session.refresh(account, with_for_update=True)
    for digest in account.mf_recovery_codes or []:
        if verify_password(code, digest):
            left = [other for other in account.mf_recovery_codes or [] if other != digest]
            account.mf_recovery_codes = left
            session.flush()
            return True
    return False
