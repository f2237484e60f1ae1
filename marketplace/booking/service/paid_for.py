"""Tells those who are paid for bookings which these are; serves `payments.gateway.paid_for`."""

from collections.abc import Collection, Mapping
from uuid import UUID

from marketplace.booking.queries import hosts
from marketplace.core.db import Session
from marketplace.payments.gateway.paid_for import PaidFor


class BookedThings:
    """Knows bookings by what was booked, by whom and when."""

    def named(self, session: Session, payable_ids: Collection[UUID]) -> Mapping[UUID, PaidFor]:
        return {
            row.id: PaidFor(row.listing_title, row.trainee_name, row.first_day, row.last_day)
            for row in hosts.booked(session, payable_ids)
        }
