"""Jobs of identity: sending notices, and forgetting what unsent ones kept secret."""

import mimetypes
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import null, update

from marketplace.core.errors import DomainError
from marketplace.core.jobs import JobContext, RetryPolicy, Task, defer
from marketplace.core.ports import (
    AddressRefused,
    Attachment,
    Mailer,
    MailMessage,
    ObjectStore,
)
from marketplace.core.settings import Settings
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Notice
from marketplace.identity.rules import ERASURE_STEPS
from marketplace.identity.service import (
    bounces,
    digests,
    erasing,
    notices,
    preferences,
    templating,
)

# Together about four hours of a mail server's absence.
SENDING = RetryPolicy(attempts=12, first=5, longest=3600)
# Three days are more than any mail server is waited for: whoever asks again is sent another link.
KEEP_SECRETS = timedelta(days=3)
MOST_BATCHES = 100
MOST_ERASURES = 500


@dataclass(frozen=True)
class Letter:
    """What was read of a notice before the transaction was closed."""

    to: str
    content: templating.Rendered
    attachments: tuple[str, ...]
    files: Sequence[Mapping[str, str]]
    headers: Mapping[str, str]
    unsubscribe: str | None


def send_notice(job: JobContext, notice_id: str) -> None:
    """Send one notice, unless it has been sent.

    The message-id is the notice's id: a message that was sent twice, because the process died
    before it wrote that down, is one message to the reader's program. No transaction is open while
    the mail server is spoken to. An address that is refused for good is not tried again.
    """
    key = uuid.UUID(notice_id)
    settings = job.parts.get(Settings)
    letter = _read(job, key, settings.public_url)
    if letter is None:
        return
    host = urlsplit(settings.public_url).hostname or "localhost"
    try:
        message = MailMessage(
            to=letter.to,
            subject=letter.content.subject,
            text=letter.content.text,
            html=letter.content.html,
            message_id=f"<{key}@{host}>",
            attachments=_attachments(job.parts.get(ObjectStore), letter),
            unsubscribe=letter.unsubscribe,
            headers=letter.headers,
        )
        job.parts.get(Mailer).send(message)
    except AddressRefused as error:
        _note_refusal(job, key, error)
        return
    except (DomainError, OSError) as error:
        _note_failure(job, key, error)
        raise
    with job.transaction() as session:
        notice = session.get_one(Notice, key, with_for_update=True)
        notice.state, notice.sent_at = "sent", job.clock.now()
        notice.version = letter.content.version
        notice.secret, notice.failure = None, None
        notice.attempts += 1
        preferences.takes_mail(session, letter.to)


def forget_secrets(job: JobContext) -> None:
    """Erase what notices that could not be sent were to carry: it is good for nothing any more."""
    with job.transaction() as session:
        session.execute(
            update(Notice)
            .where(
                Notice.state != "sent",
                Notice.secret.is_not(None),
                Notice.queued_at < job.clock.now() - KEEP_SECRETS,
            )
            .values(secret=null(), state="failed")
        )


def send_digests(job: JobContext) -> None:
    """Write the daily mails of those whose day has come to it; hourly, for all the zones."""
    signer = job.parts.get(LinkSigner)
    base = job.parts.get(Settings).public_url.rstrip("/")
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            found = digests.send_due(session, signer, base, job.clock.now())
        if found < digests.BATCH:
            return


def erase_accounts(job: JobContext) -> None:
    """Have accounts erased whose waiting time is over; hourly. One that is blocked waits on."""
    with job.transaction() as session:
        for erasure_id in erasing.due(session, job.clock.now(), MOST_ERASURES):
            key = str(erasure_id)
            defer(session, erasing.ERASE, lock=f"erasure:{key}", erasure_id=key)


def erase_account(job: JobContext, erasure_id: str) -> None:
    """Erase an account, a transaction a step; wherever it was stopped, it goes on from there."""
    key = uuid.UUID(erasure_id)
    with job.transaction() as session:
        if not erasing.close(session, key, job.clock.now()):
            return
    for step in ERASURE_STEPS:
        with job.transaction() as session:
            erasing.take(session, key, step, job.clock.now())


def _read(job: JobContext, key: uuid.UUID, public_url: str) -> Letter | None:
    with job.transaction() as session:
        notice = session.get(Notice, key)
        if notice is None or notice.state != "queued":
            return None
        data = {**notice.data, **(notice.secret or {})}
        base = public_url.rstrip("/")
        own, stop = data.get("unsubscribe"), None
        if own is None and preferences.can_end(notice):
            signer = job.parts.get(LinkSigner)
            stop = f"{base}{preferences.link(signer, notice, job.clock.now())}"
        reader = templating.Reader(notice.locale, notice.time_zone)
        return Letter(
            to=notice.to_address,
            content=templating.render(notice.template, reader, data, base, stop=stop),
            attachments=tuple(notice.attachments),
            files=tuple(notice.files or ()),
            headers=notice.headers or {},
            unsubscribe=f"{base}{own}" if own else stop,
        )


def _attachments(store: ObjectStore, letter: Letter) -> tuple[Attachment, ...]:
    stored = [
        Attachment(
            filename=key.rpartition("/")[2],
            media_type=mimetypes.guess_type(key)[0] or "application/octet-stream",
            content=store.get(key),
        )
        for key in letter.attachments
    ]
    written = [
        Attachment(file["name"], file["media_type"], file["text"].encode()) for file in letter.files
    ]
    return (*stored, *written)


def _note_refusal(job: JobContext, key: uuid.UUID, error: AddressRefused) -> None:
    """Keep that the address is refused: what need not be sent to it is not, until it takes mail."""
    with job.transaction() as session:
        notice = session.get_one(Notice, key, with_for_update=True)
        notice.attempts += 1
        notice.state, notice.secret, notice.failure = "refused", None, str(error)[:500]
        bounces.note_refused(session, notice.to_address, str(error), job.clock.now())
        bounces.tell(session, notice, job.clock.now())


def _note_failure(job: JobContext, key: uuid.UUID, error: Exception) -> None:
    with job.transaction() as session:
        notice = session.get_one(Notice, key, with_for_update=True)
        notice.attempts += 1
        notice.failure = f"{type(error).__name__}: {error}"[:500]
        if notice.attempts >= SENDING.attempts:
            notice.state = "failed"


TASKS = (
    Task(notices.SEND, send_notice, retry=SENDING),
    Task("identity.send_digests", send_digests, cron="17 * * * *"),
    Task("identity.forget_secrets", forget_secrets, cron="23 4 * * *"),
    Task("identity.erase_accounts", erase_accounts, cron="41 * * * *"),
    Task(erasing.ERASE, erase_account),
)
