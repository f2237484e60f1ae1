"""What entries of the audit trail are about: each by its name, with the page that it has."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol
from uuid import UUID

from marketplace.booking import queries as booking
from marketplace.catalog.queries import sites
from marketplace.compliance.queries import documents
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.outcomes.queries import letters, papers
from marketplace.pages.view import Reader
from marketplace.payments.queries import invoices, vouchers

# What has a page and no name of its own.
PAGES = {
    "force_majeure": "/desk/force-majeure",
    "payment_event": "/desk/events",
    "quarantine": "/desk/quarantine",
}
Named = Mapping[UUID, tuple[str, str | None]]


class About(Protocol):
    """What an entry is about."""

    @property
    def subject_kind(self) -> str: ...

    @property
    def subject_id(self) -> UUID: ...


class Subjects:
    """Knows the names of what entries are about: one question of the database a kind."""

    def __init__(self, session: Session, who: Reader, entries: Iterable[About]) -> None:
        self.session, self.who = session, who
        ids: dict[str, set[UUID]] = {}
        for one in entries:
            ids.setdefault(one.subject_kind, set()).add(one.subject_id)
        known: Mapping[str, Callable[[set[UUID]], Named]] = {
            "account": self._accounts,
            "site": self._sites,
            "school": self._schools,
            "booking": self._bookings,
            "document": self._documents,
            "letter": lambda ids: self._of_bookings(letters.bookings(session, ids)),
            "paper": lambda ids: self._of_bookings(papers.bookings(session, ids)),
            "invoice": self._invoices,
            "voucher_code": self._codes,
        }
        self.names = {kind: named(ids[kind]) for kind, named in known.items() if kind in ids}

    def of(self, one: About) -> tuple[str | None, str | None]:
        """What the subject is called, if it has a name, and the address of its page, if it has one."""
        if one.subject_kind in PAGES:
            return self.who.say("Open it"), f"{PAGES[one.subject_kind]}/{one.subject_id}"
        return self.names.get(one.subject_kind, {}).get(one.subject_id, (None, None))

    def _accounts(self, ids: set[UUID]) -> Named:
        found = identity.contacts(self.session, sorted(ids))
        return {one: (person.name, f"/desk/accounts/{one}") for one, person in found.items()}

    def _sites(self, ids: set[UUID]) -> Named:
        found = sites.names(self.session, ids)
        return {one: (name, f"/desk/sites/{one}") for one, name in found.items()}

    def _schools(self, ids: set[UUID]) -> Named:
        found = schools.names(self.session, ids)
        return {one: (name, f"/desk/schools/{one}") for one, name in found.items()}

    def _bookings(self, ids: set[UUID]) -> Named:
        return self._of_bookings({one: one for one in ids})

    def _of_bookings(self, of: Mapping[UUID, UUID]) -> Named:
        found = booking.spans(self.session, set(of.values()))
        return {
            one: (
                f"{span.listing_title}, {self.who.day(span.first_day)} – {self.who.day(span.last_day)}",
                f"/desk/bookings/{of[one]}",
            )
            for one in of
            if (span := found.get(of[one])) is not None
        }

    def _documents(self, ids: set[UUID]) -> Named:
        found = documents.of_ids(self.session, ids)
        holders = identity.contacts(self.session, sorted({one.holder_id for one in found}))
        return {
            one.id: (
                f"{self.who.label(one.kind)}, {holders[one.holder_id].name}",
                f"/desk/documents/{one.id}",
            )
            for one in found
        }

    def _invoices(self, ids: set[UUID]) -> Named:
        found = invoices.numbers(self.session, ids)
        return {
            one: (self.who.say("Invoice %(number)s", number=number), f"/desk/invoices/{one}")
            for one, number in found.items()
        }

    def _codes(self, ids: set[UUID]) -> Named:
        found = vouchers.names(self.session, ids)
        return {one: (code, f"/desk/codes/{one}") for one, code in found.items()}
