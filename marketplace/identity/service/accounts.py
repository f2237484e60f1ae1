"""Registering, confirming, signing in. No answer here tells whether an address has an account.

Passwords and tokens are Flask-Security's: argon2, signed and timed tokens. Where an address is
unknown the password is hashed all the same, so that the answer takes as long.
"""

import hmac
import secrets
import uuid
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from flask_security import hash_password, uia_email_mapper
from flask_security.confirmable import confirm_email_token_status, generate_confirmation_token
from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.errors import (
    AddressTaken,
    BadCredentials,
    EmailNotConfirmed,
    SecondFactorNeeded,
    TokenExpired,
    TokenInvalid,
)
from marketplace.identity.events import AccountChanged
from marketplace.identity.models import Account
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships, notices, passwords, second_factor
from marketplace.identity.service.passwords import acceptable, normalized

# A longer way to go on is not put into a mail.
LONGEST_WAY = 1000


def normalize_address(text: str) -> str:
    """Return the address as accounts keep it: checked, normalised, in lower case."""
    address: str | None = uia_email_mapper(text)
    if address is None:
        raise Invalid(fields={"email": ["Not a valid e-mail address."]})
    return address.lower()


def register(
    session: Session,
    *,
    email: str,
    password: str,
    name: str,
    now: datetime,
    locale: str = "en",
    time_zone: str = "UTC",
    going_to: str = "/",
) -> str:
    """Make a trainee's account and send the link that confirms its address.

    The link leads on to the page `going_to`, in whichever browser it is opened.

    Returns a mark of this very registration, for the browser that it was made in: `is_marked` knows
    it once the link is opened there. An address that had an account gives one that nobody knows.

    For an address that has a confirmed account, only its owner is told, by e-mail. One that was
    never confirmed is taken over whole, password included: whoever confirms gets what was asked
    for with that very message, and older links are void. One with a role beyond a trainee's gets a
    link that sets a password.
    """
    address, normal = _acceptable(email, password)
    digest = hash_password(normal)
    account = _insert(session, address, digest, name, locale, time_zone)
    if account is not None:
        memberships.grant(session, account.id, Role.TRAINEE, granted_by=None, now=now)
        send_confirmation(session, account, now, going_to)
        return _mark(account)
    unknown = sha256(secrets.token_bytes()).hexdigest()
    known = queries.account_by_email(session, address)
    if known is None or not known.active:
        return unknown
    if known.confirmed_at is not None:
        notices.notify(session, known.id, "already_registered", {}, now=now)
        return unknown
    if any(role.role != Role.TRAINEE for role in queries.live_memberships(session, known.id)):
        # Made for somebody by somebody: whoever registers must not choose its password.
        passwords.recover(session, address, now)
        return unknown
    known.password, known.name, known.locale, known.time_zone = digest, name, locale, time_zone
    end_all_sign_ins(known)
    send_confirmation(session, known, now, going_to)
    return _mark(known)


def is_marked(account: Account, mark: str | None) -> bool:
    """Whether that mark is of the registration that the account's password was chosen in."""
    return mark is not None and hmac.compare_digest(_mark(account), mark)


def _mark(account: Account) -> str:
    # Whoever registers the address anew, or ends all sign-ins, makes another one of it.
    return sha256(f"registered:{account.fs_uniquifier}".encode()).hexdigest()


def _acceptable(email: str, password: str) -> tuple[str, str]:
    """Address and password as they are kept; what is wrong with either is said at once."""
    try:
        address = normalize_address(email)
    except Invalid as refused:
        try:
            acceptable(password)
        except Invalid as as_well:
            raise Invalid(fields={**refused.fields, **as_well.fields}) from None
        raise
    return address, acceptable(password)


def create_account(
    session: Session,
    email: str,
    password: str,
    name: str,
    *,
    confirmed: bool,
    now: datetime,
    locale: str = "en",
    time_zone: str = "UTC",
) -> Account:
    """Make an account without sending anything, for commands and the demo; `AddressTaken`."""
    address = normalize_address(email)
    digest = hash_password(acceptable(password))
    account = _insert(session, address, digest, name, locale, time_zone)
    if account is None:
        raise AddressTaken
    account.confirmed_at = now if confirmed else None
    session.flush()
    return account


def send_confirmation(
    session: Session, account: Account, now: datetime, going_to: str = "/"
) -> None:
    """Mail the link that confirms the account's address, and leads on to `going_to`."""
    # An invitation's address is a key as well.
    far = going_to if 1 < len(going_to) <= LONGEST_WAY else ""
    secret = {"token": generate_confirmation_token(account), "going_to": quote(far, safe="")}
    notices.notify(session, account.id, "confirm", {}, now=now, secret=secret)


def resend_confirmation(session: Session, email: str, now: datetime, going_to: str = "/") -> None:
    """Send the link again to an address that waits for confirmation; else do nothing."""
    account = queries.account_by_email(session, normalize_address(email))
    if account is not None and account.active and account.confirmed_at is None:
        send_confirmation(session, account, now, going_to)


def confirm(session: Session, token: str, now: datetime) -> Account:
    """Confirm the address that `token` was mailed to; twice is once.

    `TokenExpired`, or `TokenInvalid` for one that is forged, replaced or of another address.
    """
    expired, invalid, account = confirm_email_token_status(token)
    if expired:
        raise TokenExpired
    if invalid or not isinstance(account, Account) or not account.active:
        raise TokenInvalid
    if account.confirmed_at is None:
        account.confirmed_at = now
        session.flush()
    return account


def authenticate(session: Session, email: str, password: str, code: str | None = None) -> Account:
    """Return the account that address and password (and code, where asked for) belong to.

    `BadCredentials` for all that an outsider may not tell apart; `EmailNotConfirmed` and
    `SecondFactorNeeded` only to those who know the password.
    """
    address: str | None = uia_email_mapper(email)
    account = queries.account_by_email(session, address.lower()) if address else None
    if account is None or account.password is None:
        hash_password(normalized(password))
        raise BadCredentials
    if not account.verify_and_update_password(normalized(password)) or not account.active:
        raise BadCredentials
    if account.confirmed_at is None:
        raise EmailNotConfirmed
    if second_factor.is_on(account):
        if code is None:
            raise SecondFactorNeeded
        if not second_factor.check(session, account, code):
            raise BadCredentials
    session.flush()
    return account


def sign_out_everywhere(session: Session, account: Account) -> None:
    """Revoke every token and session of the account."""
    end_all_sign_ins(account)
    session.flush()


def end_all_sign_ins(account: Account) -> None:
    """Give the account new marks: what carries the old ones (tokens, sessions, links) is void."""
    account.fs_uniquifier = uuid.uuid4().hex
    account.fs_token_uniquifier = uuid.uuid4().hex


def end_tokens(session: Session, account: Account) -> None:
    """Revoke every bearer token of the account, and leave its sessions."""
    account.fs_token_uniquifier = uuid.uuid4().hex
    session.flush()


def update(session: Session, account: Account, changes: dict[str, str]) -> Account:
    """Change the name, locale or time zone by which the account is addressed."""
    for field in ("name", "locale", "time_zone"):
        if field in changes:
            setattr(account, field, changes[field])
    session.flush()
    return account


def set_active(
    session: Session,
    account: Account,
    *,
    active: bool,
    by: uuid.UUID,
    reason: str,
    now: datetime,
) -> Account:
    """Close or reopen an account; closing revokes its tokens, sessions and links at once.

    `LastOperator` for the one who could open others again. Who did it and why goes into the audit
    trail; nothing does where it is so already.
    """
    if account.active == active:
        return account
    if not active:
        if queries.has_role(session, account.id, Role.OPERATOR):
            memberships.refuse_last_operator(session, account.id)
        end_all_sign_ins(account)
    account.active = active
    session.flush()
    publish(
        session,
        AccountChanged(
            account_id=account.id,
            actor_id=by,
            what="reopened" if active else "closed",
            reason=reason,
            at=now,
        ),
    )
    return account


def _insert(
    session: Session, address: str, digest: str, name: str, locale: str, time_zone: str
) -> Account | None:
    """Insert and return the account; None if the address has one, whoever else is inserting."""
    made = session.execute(
        insert(Account)
        .values(
            id=new_id(),
            email=address,
            name=name,
            password=digest,
            locale=locale,
            time_zone=time_zone,
            fs_uniquifier=uuid.uuid4().hex,
            fs_token_uniquifier=uuid.uuid4().hex,
            fs_webauthn_user_handle=uuid.uuid4().hex,
        )
        .on_conflict_do_nothing(index_elements=[Account.email])
        .returning(Account.id)
    ).scalar_one_or_none()
    return None if made is None else session.get_one(Account, made)
