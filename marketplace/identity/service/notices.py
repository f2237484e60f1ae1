"""E-mails: a row and a job in the transaction of their cause, sent from a template of ours.

What its kind lets people end is not sent to those who did; the record says so. The words are
`service.templating`'s.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jinja2 import UndefinedError

from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer, deferred
from marketplace.identity import queries
from marketplace.identity.errors import NoticeNotFailed, NoticeStale
from marketplace.identity.models import Notice
from marketplace.identity.queries import notices as kept
from marketplace.identity.rules import is_erased
from marketplace.identity.service import templating

SEND = "identity.send_notice"
FALLBACK = templating.FALLBACK


@dataclass(frozen=True)
class TextFile:
    """A short file written out, such as a calendar; its media type may have parameters."""

    name: str
    media_type: str
    text: str


@dataclass(frozen=True)
class Letter:
    """Who of several without an account is written to, and what only they may see."""

    address: str
    name: str
    locale: str
    secret: Mapping[str, Any]
    time_zone: str = "UTC"


def notify(
    session: Session,
    account_id: uuid.UUID,
    template: str,
    data: Mapping[str, Any],
    attachments: Sequence[str] = (),
    *,
    now: datetime,
    secret: Mapping[str, Any] | None = None,
    files: Sequence[TextFile] = (),
    headers: Mapping[str, str] | None = None,
) -> Notice:
    """Have `template` sent to the account once this transaction has committed.

    `data` are JSON values that the template names; `secret` the same, erased once sent;
    `attachments` object keys, whose last part is the file's name; `headers` further ones of the
    mail. A template that is unknown, or names what is not given, is an error here and not in the
    job. If the account wants none of its kind, the row says so and nothing is sent.
    """
    contact = queries.contact(session, account_id)
    if contact is None:
        raise NotFound
    notice = _notice(contact, template, data, now)
    notice.secret = dict(secret) if secret else None
    notice.had_secret = bool(secret)
    notice.attachments = list(attachments)
    notice.files = [asdict(file) for file in files] or None
    notice.headers = dict(headers) if headers else None
    kind = _checked(notice).kind
    notice.state = kept.instead(session, [account_id], kind).get(account_id, "queued")
    if is_erased(contact.email):
        notice.state = "off"
    if notice.state == "waiting" and (secret or attachments or files):
        # What a list of subjects can't carry comes by itself.
        notice.state = "queued"
    if notice.state == "off":
        notice.secret = None
    return _queue(session, notice)


def notify_all(
    session: Session,
    contacts: Sequence[queries.Contact],
    template: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Have `template` sent to several accounts, with the same data for each.

    The notices and their jobs are written together with whatever the session has to write, in one
    statement.
    """
    made = [_notice(contact, template, data, now) for contact in contacts]
    for notice in made:
        _checked(notice)
    with session.no_autoflush:
        accounts = [contact.account_id for contact in contacts]
        wished = kept.instead(session, accounts, templating.template(template).kind)
    for notice in made:
        account_id = notice.account_id
        notice.state = wished.get(account_id, "queued") if account_id else "queued"
        if is_erased(notice.to_address):
            notice.state = "off"
    session.add_all(made)
    jobs = [{"notice_id": str(notice.id)} for notice in made if notice.state == "queued"]
    rows.flush(session, *([deferred(session, SEND, jobs)] if jobs else []))


def notify_address(
    session: Session,
    address: str,
    template: str,
    data: Mapping[str, Any],
    attachments: Sequence[str] = (),
    *,
    now: datetime,
    name: str,
    locale: str = templating.FALLBACK,
    time_zone: str = "UTC",
    secret: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Notice:
    """Do the same for somebody without an account, such as a letter's author."""
    notice = Notice(
        id=new_id(),
        account_id=None,
        to_address=address,
        template=template,
        locale=locale,
        time_zone=time_zone,
        data={"name": name, **data},
        secret=dict(secret) if secret else None,
        had_secret=bool(secret),
        attachments=list(attachments),
        headers=dict(headers) if headers else None,
        queued_at=now,
    )
    _checked(notice)
    return _queue(session, notice)


def notify_addresses(
    session: Session,
    letters: Sequence[Letter],
    template: str,
    data: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Do the same for many addresses, each with a secret of its own, in one statement."""
    made = [
        Notice(
            id=new_id(),
            account_id=None,
            to_address=letter.address,
            template=template,
            locale=letter.locale,
            time_zone=letter.time_zone,
            data={"name": letter.name, **data},
            secret=dict(letter.secret),
            had_secret=True,
            attachments=[],
            state="queued",
            queued_at=now,
        )
        for letter in letters
    ]
    for notice in made:
        _checked(notice)
    session.add_all(made)
    jobs = [{"notice_id": str(notice.id)} for notice in made]
    rows.flush(session, *([deferred(session, SEND, jobs)] if jobs else []))


def send_again(session: Session, notice_id: uuid.UUID) -> Notice:
    """Queue a notice that has failed once more, under the message-id that it had."""
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFound
    if notice.state not in {"failed", "refused"}:
        raise NoticeNotFailed
    try:
        _checked(notice)
    except UndefinedError as error:
        raise NoticeStale from error
    notice.state, notice.attempts = "queued", 0
    session.flush()
    defer(session, SEND, notice_id=str(notice.id))
    return notice


def _notice(
    contact: queries.Contact, template: str, data: Mapping[str, Any], now: datetime
) -> Notice:
    return Notice(
        id=new_id(),
        account_id=contact.account_id,
        to_address=contact.email,
        template=template,
        locale=contact.locale,
        time_zone=contact.time_zone,
        data={"name": contact.name, **data},
        attachments=[],
        state="queued",
        queued_at=now,
    )


def _checked(notice: Notice) -> templating.Template:
    found = templating.template(notice.template)
    found.check({**notice.data, **(notice.secret or {})})
    return found


def _queue(session: Session, notice: Notice) -> Notice:
    session.add(notice)
    session.flush()
    if notice.state == "queued":
        defer(session, SEND, notice_id=str(notice.id))
    return notice
