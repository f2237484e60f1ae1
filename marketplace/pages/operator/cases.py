"""What the cases of the quarantine are about: whose payment for what, or which host's transfer."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from marketplace.booking import queries as booking
from marketplace.catalog.queries import sites
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.pages.view import Reader
from marketplace.payments.queries import desk, hosts

Said = tuple[str, str | None]


class Case(Protocol):
    """Something about money that does not fit."""

    @property
    def payment_id(self) -> UUID | None: ...

    @property
    def details(self) -> Mapping[str, Any]: ...


class Cases:
    """Knows what cases are about: a few questions of the database, however many there are."""

    def __init__(self, session: Session, who: Reader, cases: Sequence[Case]) -> None:
        self.who = who
        ids = {found for one in cases if (found := _transfer(one)) is not None}
        self.transfers = {one.id: one for one in hosts.transfers(session, ids)} if ids else {}
        paid = {one.payment_id for one in cases if one.payment_id is not None}
        self.paid = desk.paid_for(session, paid) if paid else {}
        self.people = identity.contacts(session, sorted({one[0] for one in self.paid.values()}))
        moved = self.transfers.values()
        self.sites = sites.names(session, {one.site_id for one in moved})
        self.booked = booking.spans(
            session, {one.payable_id for one in moved if one.payable_kind == booking.PAYABLE}
        )

    def transfer(self, case: Case) -> Any:
        """The transfer to a host that a case is about, if it is about one of ours."""
        found = _transfer(case)
        return self.transfers.get(found) if found is not None else None

    def of(self, case: Case) -> list[Said]:
        """What a case is about, each with the page that it has; nothing where nobody knows."""
        moved = self.transfer(case)
        if moved is not None:
            site = self.sites.get(moved.site_id, "–")
            return [
                (self.who.money(moved.amount), None),
                (site, f"/desk/sites/{moved.site_id}"),
                *self._booked(moved.payable_kind, moved.payable_id),
            ]
        if case.payment_id not in self.paid:
            return []
        payer, description, payable = self.paid[case.payment_id]
        link = f"/desk/bookings/{payable.id}" if payable.kind == booking.PAYABLE else None
        return [
            (self.people[payer].name, f"/desk/accounts/{payer}"),
            (self.who.told(description), link),
        ]

    def _booked(self, kind: str, of: UUID) -> list[Said]:
        span = self.booked.get(of)
        if kind != booking.PAYABLE or span is None:
            return []
        days = self.who.days(span.first_day, span.last_day)
        return [(f"{span.listing_title}, {days}", f"/desk/bookings/{of}")]


def _transfer(case: Case) -> UUID | None:
    try:
        return UUID(case.details.get("transfer"))
    except (ValueError, TypeError, AttributeError):
        return None
