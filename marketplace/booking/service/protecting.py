"""Price protection: who pays what a rescue costs more, told when it is taken, posted when it is due.

A trainee whose host called off pays no more than before. The difference becomes due when the rotation
in its place has been completed; until then a cancellation leaves nobody anything to give back.
"""

from dataclasses import dataclass
from datetime import datetime

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.rules import changes as rules
from marketplace.booking.rules.changes import ChangeKind, Protection
from marketplace.booking.service import change_notices
from marketplace.core.db import Session
from marketplace.payments.events import Payable
from marketplace.payments.service import protection


@dataclass(frozen=True)
class Owed:
    """What was called off, and how the difference divides."""

    called_off: Booking
    shares: Protection


def announce(session: Session, old: Booking, new: Booking, now: datetime) -> None:
    """Tell the host that called off what it will bear of the difference, if anything."""
    shares = rules.protection(old.price_lines, new.price_lines)
    if shares is not None and shares.by_host:
        change_notices.difference_borne(session, old, new, shares.by_host, now)


def settle(session: Session, booking: Booking, now: datetime) -> None:
    """Post the difference for a rotation that was completed; once, and nothing where there is none."""
    owed = _owed(session, booking)
    if owed is not None:
        protection.grant(
            session,
            Payable(queries.PAYABLE, booking.id),
            from_site=owed.called_off.site_id,
            by_host=owed.shares.by_host,
            to_site=booking.site_id,
            to_host=owed.shares.to_host,
            now=now,
        )


def _owed(session: Session, booking: Booking) -> Owed | None:
    """The rescue that the booking's price was protected by, however often it was handed on since."""
    if not any(line.kind == rules.PROTECTION for line in booking.price_lines):
        return None
    change = queries.change_to(session, booking.id)
    while change is not None and change.kind != ChangeKind.RESCUE:
        change = queries.change_to(session, change.replaced_id)
    if change is None:
        return None
    old = queries.find(session, change.replaced_id)
    shares = rules.protection(old.price_lines, booking.price_lines)
    return None if shares is None else Owed(old, shares)
