"""Messages about a booking: written by its people, told by mail in a job, never changed.

Its people are the trainee, those who decide for the site, coordinators of the trainee's school as
long as the trainee lets it read, and operators who have joined, which the thread says. A message is
numbered under the booking's lock; who is told of it is worked out by the job, so that writing costs
the same however many they are.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from marketplace.booking import queries
from marketplace.booking.errors import FileNotThere, NotOpenForThis, TooManyMessages
from marketplace.booking.gateway import ReplySigner
from marketplace.booking.models import (
    Booking,
    BookingMessage,
    MessageAttachment,
    MessageFile,
    MessageReader,
)
from marketplace.booking.queries import messages as kept
from marketplace.booking.rules.deadlines import day_begins
from marketplace.booking.service.notices import DECIDERS, tell_people
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.identity import queries as identity
from marketplace.identity.queries import notices as wishes
from marketplace.identity.queries import schools
from marketplace.identity.rules import NoticeKind, Role, Seen

TELL = "booking.tell_message"
# After the rotation there are letters and questions; then the thread is a record.
OPEN_AFTER = timedelta(days=183)
MOST_AN_HOUR = 30
HOUR = timedelta(hours=1)
MOST_FILES = 10


def post(
    session: Session,
    booking: Booking,
    *,
    author_id: UUID,
    role: str,
    body: str,
    file_ids: Sequence[UUID] = (),
    mail_id: str | None = None,
    now: datetime,
) -> BookingMessage:
    """Write a message, with files that its author has put there. Raises what `_check_open` does.

    `TooManyMessages` after thirty in an hour, `FileNotThere` for a file that is not the author's
    own, is in another thread or went with a message already.
    """
    _check_open(session, booking, now)
    if file_ids and kept.unsent_files(session, booking.id, author_id, file_ids) != len(
        set(file_ids)
    ):
        raise FileNotThere(fields={"file_ids": ["Put each file there first; send it once."]})
    message = _add(session, booking, author_id, role, "text", body, mail_id, now)
    session.add_all(
        MessageAttachment(file_id=one, message_id=message.id) for one in dict.fromkeys(file_ids)
    )
    session.flush()
    defer(session, TELL, lock=f"messages:{booking.id}", message_id=str(message.id))
    return message


def join(session: Session, booking: Booking, operator_id: UUID, now: datetime) -> BookingMessage:
    """Have an operator join the thread, which it says from here on; twice is once."""
    queries.lock(session, booking.id)
    before = kept.joining(session, booking.id, operator_id)
    if before is not None:
        return before
    message = _add(session, booking, operator_id, "operator", "joined", "", None, now)
    _gather(session, booking.id, [operator_id], now)
    session.flush()
    return message


def read(session: Session, booking: Booking, account_id: UUID, number: int, now: datetime) -> None:
    """Note that the account has read up to `number`; what was read stays read."""
    rows = insert(MessageReader).values(_row(booking.id, account_id, now) | {"read_number": number})
    session.execute(
        rows.values(read_at=now).on_conflict_do_update(
            index_elements=["booking_id", "account_id"],
            set_={"read_number": rows.excluded.read_number, "read_at": now},
            where=MessageReader.read_number < number,
        )
    )


def tell(session: Session, signer: ReplySigner, message_id: UUID, now: datetime) -> None:
    """Tell the thread's other people of a message, each once however often this runs."""
    message = kept.find(session, message_id)
    booking = queries.find(session, message.booking_id)
    people = participants(session, booking)
    _gather(session, booking.id, people, now)
    told = session.execute(
        update(MessageReader)
        .where(
            MessageReader.booking_id == booking.id,
            MessageReader.account_id.in_(people - {message.author_id}),
            MessageReader.told_number < message.number,
        )
        .values(told_number=message.number)
        .returning(MessageReader.id, MessageReader.account_id)
    ).all()
    if not told:
        return
    author = identity.contact(session, message.author_id)
    choices = wishes.choices(session, [row.account_id for row in told], NoticeKind.MESSAGES)
    files = [
        sent.file.filename for sent in kept.files_of(session, [message.id]).get(message.id, ())
    ]
    for row in sorted(told):
        address = signer.address(row.id)
        brief = choices[row.account_id] == "brief"
        tell_people(
            session,
            booking,
            [row.account_id],
            "message_received",
            now=now,
            headers={"Reply-To": address} if address else None,
            author_name=author.name if author else "",
            author_role=message.role,
            text=None if brief else message.body,
            files=[] if brief else files,
            can_reply=address is not None,
        )


def participants(session: Session, booking: Booking) -> set[UUID]:
    """Return whose thread it is now: accounts that lost their role are not among them."""
    hosts = identity.site_contacts(session, booking.site_id, *DECIDERS)
    joined = kept.joined(session, booking.id)
    operators = (
        {one.account_id for one in identity.role_contacts(session, Role.OPERATOR)}
        if joined
        else set()
    )
    return {
        booking.trainee_id,
        *(one.account_id for one in hosts),
        *(one.account_id for one in _school_people(session, booking)),
        *(joined & operators),
    }


def role_in(session: Session, booking: Booking, account_id: UUID) -> str | None:
    """Return as whom the account writes in the thread now; None if it does not."""
    if account_id == booking.trainee_id:
        return "trainee"
    if identity.has_role(session, account_id, *DECIDERS, site_id=booking.site_id):
        return "host"
    if account_id in kept.joined(session, booking.id) and identity.has_role(
        session, account_id, Role.OPERATOR
    ):
        return "operator"
    if account_id in {one.account_id for one in _school_people(session, booking)}:
        return "school"
    return None


def _school_people(session: Session, booking: Booking) -> list[identity.Contact]:
    """The coordinators of the trainee's school, while the trainee lets it read."""
    link = schools.own_link(session, booking.trainee_id)
    if link is None or Seen.MESSAGES not in link.sees:
        return []
    return schools.coordinators(session, link.school_id)


def _check_open(session: Session, booking: Booking, now: datetime) -> None:
    """Raise `NotOpenForThis` before the host knows of the booking, and long after its end."""
    if not kept.host_knows(session, booking):
        raise NotOpenForThis(
            "The host is not told of a seat that is only held. It is once you have applied or paid."
        )
    if now >= day_begins(booking.last_day + OPEN_AFTER, booking.time_zone):
        raise NotOpenForThis("The rotation ended half a year ago; its messages are a record now.")


def _add(
    session: Session,
    booking: Booking,
    author_id: UUID,
    role: str,
    kind: str,
    body: str,
    mail_id: str | None,
    now: datetime,
) -> BookingMessage:
    # Of two who write at once the second gets the next number.
    queries.lock(session, booking.id)
    head = kept.head(session, booking.id, author_id, now - HOUR)
    if head.lately >= MOST_AN_HOUR:
        raise TooManyMessages
    message = BookingMessage(
        id=new_id(),
        booking_id=booking.id,
        number=head.last + 1,
        author_id=author_id,
        role=role,
        kind=kind,
        body=body,
        mail_id=mail_id,
        sent_at=now,
    )
    session.add(message)
    session.flush()
    return message


def _gather(session: Session, booking_id: UUID, accounts: Collection[UUID], now: datetime) -> None:
    rows = [_row(booking_id, one, now) for one in sorted(accounts)]
    session.execute(insert(MessageReader).values(rows).on_conflict_do_nothing())


def _row(booking_id: UUID, account_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "booking_id": booking_id,
        "account_id": account_id,
        "read_number": 0,
        "told_number": 0,
        "joined_at": now,
    }


def keep_file(session: Session, file: MessageFile) -> bool:
    """Keep a file that stands sealed in the store; False if its id is there already."""
    names = [column.name for column in MessageFile.__table__.columns]
    row = insert(MessageFile).values({name: getattr(file, name) for name in names})
    made = session.execute(row.on_conflict_do_nothing().returning(MessageFile.id))
    return made.scalar_one_or_none() is not None
