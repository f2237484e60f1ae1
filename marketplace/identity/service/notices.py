"""E-mails: a row and a job in the transaction of their cause, rendered from a template of ours.

A template is `templates/notices/<name>.<locale>.txt`: its first line is the subject, the rest the
text, from which the HTML is made. Other packages add theirs as files. English is required, other
languages fall back to it.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError, select_autoescape

from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer, deferred
from marketplace.identity import queries
from marketplace.identity.errors import NoticeNotFailed, NoticeStale, TemplateUnknown
from marketplace.identity.models import Notice
from marketplace.identity.service.wording import FILTERS

SEND = "identity.send_notice"
FOLDER = "templates/notices"
FALLBACK = "en"


@dataclass(frozen=True)
class Rendered:
    """A message in words."""

    subject: str
    text: str
    html: str


def notify(
    session: Session,
    account_id: uuid.UUID,
    template: str,
    data: Mapping[str, Any],
    attachments: Sequence[str] = (),
    *,
    now: datetime,
    secret: Mapping[str, Any] | None = None,
) -> Notice:
    """Have `template` sent to the account once this transaction has committed.

    `data` are JSON values that the template names; `secret` the same, erased once sent;
    `attachments` object keys, whose last part is the file's name. A template that is unknown, or
    names what is not given, is an error here and not in the job.
    """
    contact = queries.contact(session, account_id)
    if contact is None:
        raise NotFound
    return _queue(
        session,
        Notice(
            account_id=account_id,
            to_address=contact.email,
            template=template,
            locale=contact.locale,
            data={"name": contact.name, **data},
            secret=dict(secret) if secret else None,
            attachments=list(attachments),
        ),
        now,
    )


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
    made = [
        Notice(
            id=new_id(),
            account_id=contact.account_id,
            to_address=contact.email,
            template=template,
            locale=contact.locale,
            data={"name": contact.name, **data},
            attachments=[],
            queued_at=now,
        )
        for contact in contacts
    ]
    for notice in made:
        render(notice.template, notice.locale, notice.data, "")
    session.add_all(made)
    jobs = [{"notice_id": str(notice.id)} for notice in made]
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
    locale: str = FALLBACK,
    secret: Mapping[str, Any] | None = None,
) -> Notice:
    """Do the same for somebody without an account, such as a letter's author."""
    return _queue(
        session,
        Notice(
            account_id=None,
            to_address=address,
            template=template,
            locale=locale,
            data={"name": name, **data},
            secret=dict(secret) if secret else None,
            attachments=list(attachments),
        ),
        now,
    )


def send_again(session: Session, notice_id: uuid.UUID) -> Notice:
    """Queue a notice that has failed once more, under the message-id that it had."""
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFound
    if notice.state != "failed":
        raise NoticeNotFailed
    try:
        render(notice.template, notice.locale, {**notice.data, **(notice.secret or {})}, "")
    except UndefinedError as error:
        raise NoticeStale from error
    notice.state, notice.attempts = "queued", 0
    session.flush()
    defer(session, SEND, notice_id=str(notice.id))
    return notice


def templates() -> dict[str, frozenset[str]]:
    """Return every template's name and its languages."""
    found: dict[str, set[str]] = {}
    for entry in resources.files("marketplace.identity").joinpath(FOLDER).iterdir():
        if entry.name.endswith(".txt"):
            name, locale = entry.name.removesuffix(".txt").rsplit(".", 1)
            found.setdefault(name, set()).add(locale)
    return {name: frozenset(locales) for name, locales in found.items()}


def render(template: str, locale: str, data: Mapping[str, Any], public_url: str) -> Rendered:
    """Set the message; `TemplateUnknown`, or jinja2's `UndefinedError` for data not given."""
    languages = templates_once().get(template)
    if languages is None:
        raise TemplateUnknown(f"there is no notice {template!r}")
    language = locale if locale in languages else FALLBACK
    environment = _environment()
    whole = environment.get_template(f"{template}.{language}.txt").render(
        {**data, "public_url": public_url.rstrip("/"), "locale": language}
    )
    subject, _, text = whole.partition("\n")
    # A name with a line break in it must not become a header of its own.
    subject = re.sub(r"\s+", " ", subject).strip()
    text = text.strip() + "\n"
    paragraphs = re.split(r"\n{2,}", text.strip())
    layout = environment.get_template("_layout.html")
    html = layout.render(subject=subject, paragraphs=paragraphs, language=language)
    return Rendered(subject, text, html)


@cache
def templates_once() -> dict[str, frozenset[str]]:
    """Return what `templates` does, read from disk once a process."""
    return templates()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("marketplace.identity", FOLDER),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def _queue(session: Session, notice: Notice, now: datetime) -> Notice:
    render(notice.template, notice.locale, {**notice.data, **(notice.secret or {})}, "")
    notice.id = new_id()
    notice.queued_at = now
    session.add(notice)
    session.flush()
    defer(session, SEND, notice_id=str(notice.id))
    return notice
