"""Selects of messages: a thread, its people, and what of it somebody has not read."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true

from marketplace.booking.models import (
    Booking,
    BookingMessage,
    BookingTransition,
    MessageAttachment,
    MessageFile,
    MessageReader,
)
from marketplace.booking.states import BookingState
from marketplace.compliance.queries import scans
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.identity.rules import Seen
from marketplace.web.pagination import Page, paginate

# Ends, and a payment that may never come, which a seat can reach without a word to its host.
_S = BookingState
MAYBE_UNKNOWN = frozenset({_S.AWAITING_PAYMENT, _S.EXPIRED, _S.WITHDRAWN, _S.DECLINED})
TOLD = (BookingState.SUBMITTED.value, BookingState.CONFIRMED.value)


@dataclass(frozen=True)
class Head:
    """What a new message must know of its thread."""

    last: int
    lately: int


@dataclass(frozen=True)
class Thread:
    """A booking's thread as one of its people sees it in a list."""

    booking_id: UUID
    listing_title: str
    site_name: str
    first_day: date
    messages: int
    unread: int


@dataclass(frozen=True)
class Unanswered:
    """The last word of a thread, which is not the host's."""

    booking_id: UUID
    listing_title: str
    first_day: date
    author_name: str
    body: str
    sent_at: datetime


@dataclass(frozen=True)
class SentFile:
    """A file of a message, and what the virus scanner said of it."""

    file: MessageFile
    looked_at: bool
    virus: str | None


@dataclass(frozen=True)
class Whose:
    """Who lists threads, and by what they may be in one now: who lost that sees it no more."""

    account_id: UUID
    sites: frozenset[UUID]
    schools: frozenset[UUID]
    operator: bool


def head(session: Session, booking_id: UUID, author_id: UUID, since: datetime) -> Head:
    """Return the last number of a thread, and how many messages its author wrote since."""
    last = (
        select(func.coalesce(func.max(BookingMessage.number), 0))
        .where(BookingMessage.booking_id == booking_id)
        .scalar_subquery()
    )
    lately = (
        select(func.count())
        .select_from(BookingMessage)
        .where(BookingMessage.author_id == author_id, BookingMessage.sent_at > since)
        .scalar_subquery()
    )
    row = session.execute(select(last, lately)).one()
    return Head(row[0], row[1])


def host_knows(session: Session, booking: Booking) -> bool:
    """Whether the host was ever told of a booking: applied for, paid, or called off by somebody.

    A seat that was held and then given up, by its trainee, their school or the clock, was nobody's
    business at the site. One query where the state does not say it.
    """
    if booking.state == BookingState.HELD:
        return False
    if booking.state not in MAYBE_UNKNOWN:
        return True
    told = exists().where(
        BookingTransition.booking_id == booking.id,
        BookingTransition.to_state.in_(TOLD),
    )
    return bool(session.execute(select(told)).scalar_one())


def page(
    session: Session, booking_id: UUID, *, limit: int, cursor: str | None
) -> Page[BookingMessage]:
    """Return a thread's messages, the newest first."""
    return paginate(
        session,
        select(BookingMessage).where(BookingMessage.booking_id == booking_id),
        key=[BookingMessage.number],
        key_of=lambda row: [row.number],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def find(session: Session, message_id: UUID) -> BookingMessage:
    found = session.get(BookingMessage, message_id)
    if found is None:
        raise NotFound
    return found


def of_mail(session: Session, booking_id: UUID, mail_id: str) -> BookingMessage | None:
    """Return the message that a mail has become, if it has."""
    return session.execute(
        select(BookingMessage).where(
            BookingMessage.booking_id == booking_id, BookingMessage.mail_id == mail_id
        )
    ).scalar_one_or_none()


def files_of(session: Session, message_ids: Collection[UUID]) -> Mapping[UUID, Sequence[SentFile]]:
    """Return the files of messages, by message; one query."""
    said = scans.looked_at()
    rows = session.execute(
        select(
            MessageAttachment.message_id, MessageFile, said.c.subject_id.is_not(None), said.c.virus
        )
        .join(MessageFile, MessageFile.id == MessageAttachment.file_id)
        .join(said, said.c.subject_id == MessageFile.id, isouter=True)
        .where(MessageAttachment.message_id.in_(message_ids))
        .order_by(MessageFile.id)
    )
    found: dict[UUID, list[SentFile]] = defaultdict(list)
    for message_id, *sent in rows:
        found[message_id].append(SentFile(*sent))
    return found


def unsent_files(
    session: Session, booking_id: UUID, account_id: UUID, file_ids: Collection[UUID]
) -> int:
    """Return how many of these the account has put there and has sent with no message."""
    sent = exists().where(MessageAttachment.file_id == MessageFile.id)
    query = select(func.count()).where(
        MessageFile.id.in_(file_ids),
        MessageFile.booking_id == booking_id,
        MessageFile.uploaded_by == account_id,
        MessageFile.gone_at.is_(None),
        ~sent,
    )
    return session.execute(query).scalar_one()


def unsent_of(session: Session, booking_id: UUID, account_id: UUID, but: UUID) -> int:
    """Return how many files an account has in a thread that went with no message, besides one."""
    query = select(func.count()).where(
        MessageFile.booking_id == booking_id,
        MessageFile.uploaded_by == account_id,
        MessageFile.gone_at.is_(None),
        MessageFile.id != but,
        ~exists().where(MessageAttachment.file_id == MessageFile.id),
    )
    return session.execute(query).scalar_one()


def left_unsent(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return files that were put there before then and went with no message."""
    query = select(MessageFile.id).where(
        MessageFile.uploaded_at < before,
        MessageFile.gone_at.is_(None),
        ~exists().where(MessageAttachment.file_id == MessageFile.id),
    )
    return session.execute(query.order_by(MessageFile.id).limit(limit)).scalars().all()


def unscanned(session: Session, file_id: UUID) -> MessageFile | None:
    """Return a file that is there and the virus scanner has not looked at; None for any other."""
    looked_at = scans.looked_at()
    return session.execute(
        select(MessageFile).where(
            MessageFile.id == file_id,
            MessageFile.gone_at.is_(None),
            ~exists().where(looked_at.c.subject_id == MessageFile.id),
        )
    ).scalar_one_or_none()


def files_to_scan(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return files that were put there before then and not looked at, the oldest first."""
    looked_at = scans.looked_at()
    return (
        session.execute(
            select(MessageFile.id)
            .join(looked_at, looked_at.c.subject_id == MessageFile.id, isouter=True)
            .where(
                looked_at.c.subject_id.is_(None),
                MessageFile.gone_at.is_(None),
                MessageFile.uploaded_at < before,
            )
            .order_by(MessageFile.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def file(session: Session, file_id: UUID) -> MessageFile | None:
    return session.get(MessageFile, file_id)


def readable_file(
    session: Session, booking_id: UUID, account_id: UUID, file_id: UUID
) -> MessageFile:
    """Return a file of the thread: one that was sent, or one's own; `NotFound` for any other."""
    sent = exists().where(MessageAttachment.file_id == file_id)
    row = session.execute(
        select(MessageFile, sent).where(
            MessageFile.id == file_id, MessageFile.booking_id == booking_id
        )
    ).one_or_none()
    if row is None or not (row[1] or row[0].uploaded_by == account_id):
        raise NotFound
    found: MessageFile = row[0]
    return found


def readers(session: Session, booking_id: UUID) -> Sequence[MessageReader]:
    """Return the people of a thread, in the order in which they came to it."""
    return (
        session.execute(
            select(MessageReader)
            .where(MessageReader.booking_id == booking_id)
            .order_by(MessageReader.id)
        )
        .scalars()
        .all()
    )


def reader(session: Session, reader_id: UUID) -> MessageReader | None:
    return session.get(MessageReader, reader_id)


def joined(session: Session, booking_id: UUID) -> frozenset[UUID]:
    """Return the operators who have joined a thread."""
    rows = session.execute(
        select(BookingMessage.author_id).where(
            BookingMessage.booking_id == booking_id, BookingMessage.kind == "joined"
        )
    )
    return frozenset(rows.scalars())


def threads(
    session: Session, whose: Whose, *, unread: bool, limit: int, cursor: str | None
) -> Page[Thread]:
    """Return the threads that the account is in now, the newest first; two queries."""
    account_id = whose.account_id
    news = (
        select(BookingMessage.booking_id)
        .where(
            BookingMessage.booking_id == MessageReader.booking_id,
            BookingMessage.number > MessageReader.read_number,
            BookingMessage.author_id != account_id,
        )
        .correlate(MessageReader)
    )
    query = select(MessageReader).where(MessageReader.account_id == account_id)
    if not whose.operator:
        query = query.join(Booking, Booking.id == MessageReader.booking_id).where(_may(whose))
    found = paginate(
        session,
        query.where(news.exists()) if unread else query,
        key=[MessageReader.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
    ids = [one.booking_id for one in found.items]
    counts = _counts(session, account_id, ids) if ids else {}
    return Page([counts[one] for one in ids], found.next_cursor)


def _may(whose: Whose) -> ColumnElement[bool]:
    """The condition that the account is one of the booking's people now."""
    ways = [Booking.trainee_id == whose.account_id]
    if whose.sites:
        ways.append(Booking.site_id.in_(whose.sites))
    if whose.schools:
        shown = schools.showing(Seen.MESSAGES)
        ways.append(
            exists().where(
                shown.c.account_id == Booking.trainee_id, shown.c.school_id.in_(whose.schools)
            )
        )
    return or_(*ways)


def _counts(
    session: Session, account_id: UUID, booking_ids: Collection[UUID]
) -> dict[UUID, Thread]:
    unread = (BookingMessage.number > MessageReader.read_number) & (
        BookingMessage.author_id != account_id
    )
    rows = session.execute(
        select(
            Booking.id,
            Booking.listing_title,
            Booking.site_name,
            Booking.first_day,
            func.count(),
            func.count().filter(unread),
        )
        .join(MessageReader, MessageReader.booking_id == Booking.id)
        .join(BookingMessage, BookingMessage.booking_id == Booking.id)
        .where(MessageReader.account_id == account_id, Booking.id.in_(booking_ids))
        .group_by(Booking.id)
    )
    return {row[0]: Thread(*row) for row in rows}


def unanswered(site_id: UUID, since: date) -> Select[Any]:
    """Ask for a site's threads whose last word is a trainee's or a school's, longest waiting first.

    Of rotations that begin or began from `since` on; its rows are `Unanswered`.
    """
    last = (
        select(BookingMessage)
        .where(BookingMessage.booking_id == Booking.id, BookingMessage.kind == "text")
        .order_by(BookingMessage.number.desc())
        .limit(1)
        .lateral("last")
    )
    person = identity.names()
    return (
        select(
            Booking.id,
            Booking.listing_title,
            Booking.first_day,
            person.c.name,
            last.c.body,
            last.c.sent_at,
        )
        .select_from(Booking)
        .join(last, true())
        .join(person, person.c.id == last.c.author_id)
        .where(
            Booking.site_id == site_id,
            Booking.first_day >= since,
            last.c.role.in_(["trainee", "school"]),
        )
        .order_by(last.c.sent_at)
    )


def joining(session: Session, booking_id: UUID, account_id: UUID) -> BookingMessage | None:
    """Return where an operator joined the thread, if they did."""
    return session.execute(
        select(BookingMessage).where(
            BookingMessage.booking_id == booking_id,
            BookingMessage.author_id == account_id,
            BookingMessage.kind == "joined",
        )
    ).scalar_one_or_none()
