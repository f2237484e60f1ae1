"""Another address for an account: asked for with the password, taken once it is confirmed there.

The link goes to the new address, and a word of warning to the present one. A new password, or any
other end of all sign-ins, makes the link void; so does the change itself.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from flask_security.proxies import _security  # how its own functions find the application's
from flask_security.utils import check_and_get_token_status

from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.events import publish
from marketplace.identity import queries
from marketplace.identity.errors import BadCredentials, TokenExpired, TokenInvalid
from marketplace.identity.events import AccountChanged
from marketplace.identity.models import Account
from marketplace.identity.service import accounts, notices, passwords

WITHIN = timedelta(days=2)
KIND = "change_email"


def ask(session: Session, account: Account, *, email: str, password: str, now: datetime) -> str:
    """Mail a link to the new address, and return it as it is kept; nothing changes by this alone.

    `BadCredentials` where the password is another. Of an address that has an account only its owner
    is told, there.
    """
    address = accounts.normalize_address(email)
    given = passwords.normalized(password)
    if account.password is None or not account.verify_and_update_password(given):
        raise BadCredentials
    if address == account.email:
        raise Invalid(fields={"email": ["This is your address already."]})
    known = queries.account_by_email(session, address)
    if known is None:
        token = cast("Any", _security).change_email_serializer.dumps(
            [account.fs_uniquifier, address]
        )
        notices.notify_address(
            session,
            address,
            "address_confirm",
            {},
            now=now,
            name=account.name,
            locale=account.locale,
            time_zone=account.time_zone,
            secret={"token": token},
        )
    elif known.active:
        notices.notify(session, known.id, "address_wanted", {}, now=now)
    notices.notify(session, account.id, "address_changing", {"address": address}, now=now)
    return address


def confirm(session: Session, token: str, now: datetime) -> Account:
    """Give the account the address that `token` was mailed to; every session and token ends.

    `TokenExpired`; `TokenInvalid` for a link that is forged, used or void; `AddressTaken`, by the
    constraint, where the address has an account by now.
    """
    expired, invalid, found = check_and_get_token_status(token, KIND, WITHIN)
    if expired:
        raise TokenExpired
    account = None if invalid else queries.account_by_uniquifier(session, found[0])
    if account is None or not account.active:
        raise TokenInvalid
    before, account.email = account.email, found[1]
    account.confirmed_at = now
    accounts.end_all_sign_ins(account)
    session.flush()
    notices.notify_address(
        session,
        before,
        "address_changed",
        {"address": account.email},
        now=now,
        name=account.name,
        locale=account.locale,
        time_zone=account.time_zone,
    )
    publish(
        session,
        AccountChanged(
            account_id=account.id,
            actor_id=account.id,
            what="address_changed",
            reason="Confirmed by the link that was mailed to the new address.",
            at=now,
        ),
    )
    return account
