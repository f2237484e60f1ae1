"""What entries of the audit trail name: each by its own name, with the page that it has."""

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from marketplace.booking import queries as booking
from marketplace.booking.queries import bookings
from marketplace.catalog.queries import listings, sites
from marketplace.compliance.queries import documents
from marketplace.core.db import Session
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools, site_people
from marketplace.identity.rules import ERASED_NAME
from marketplace.outcomes.queries import letters, papers
from marketplace.pages.view import Reader
from marketplace.payments.queries import desk, invoices, vouchers
from marketplace.reporting.queries import exports
from marketplace.webhooks import queries as webhooks

# What has a page and no name of its own.
PAGES = {
    "contract": "/desk/contracts",
    "force_majeure": "/desk/force-majeure",
    "grant": "/desk/credit",
    "payment_event": "/desk/events",
    "quarantine": "/desk/quarantine",
}
Named = Mapping[UUID, tuple[str, str | None]]


class Subjects:
    """Knows the names of what entries name: few questions of the database a kind, however many.

    `named`: each thing by its kind and id.
    """

    def __init__(self, session: Session, who: Reader, named: Iterable[tuple[str, UUID]]) -> None:
        self.session, self.who = session, who
        ids: dict[str, set[UUID]] = {}
        for kind, one in named:
            ids.setdefault(kind, set()).add(one)
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
            "listing": self._listings,
            "message_file": lambda ids: self._of_bookings(bookings.of_files(session, ids)),
            "refund": self._refunds,
            "export": self._exports,
            "webhook_endpoint": lambda ids: _no_page(webhooks.addresses(session, ids)),
            "invitation": lambda ids: _no_page(site_people.invited(session, ids)),
        }
        self.names = {kind: name(ids[kind]) for kind, name in known.items() if kind in ids}

    def of(self, kind: str, one: UUID) -> tuple[str | None, str | None]:
        """What it is called, if it has a name, and the address of its page, if it has one."""
        if kind in PAGES:
            return self.who.say("Open it"), f"{PAGES[kind]}/{one}"
        return self.names.get(kind, {}).get(one, (None, None))

    def _accounts(self, ids: set[UUID]) -> Named:
        found = identity.contacts(self.session, sorted(ids))
        return {
            one: (self._called(person), f"/desk/accounts/{one}") for one, person in found.items()
        }

    def _called(self, person: identity.Contact) -> str:
        erased = person.name == ERASED_NAME
        return self.who.say("Erased account") if erased else person.name

    def _sites(self, ids: set[UUID]) -> Named:
        found = sites.names(self.session, ids)
        return {one: (name, f"/desk/sites/{one}") for one, name in found.items()}

    def _listings(self, ids: set[UUID]) -> Named:
        found = listings.titles(self.session, ids)
        return {one: (title, f"/listings/{one}") for one, title in found.items()}

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
                f"{self.who.label(one.kind)}, {self._called(holders[one.holder_id])}",
                f"/desk/documents/{one.id}",
            )
            for one in found
        }

    def _refunds(self, ids: set[UUID]) -> Named:
        return {
            one: (
                self.who.told(description),
                f"/desk/bookings/{of.id}" if of.kind == "booking" else None,
            )
            for one, (description, of) in desk.refunded(self.session, ids).items()
        }

    def _exports(self, ids: set[UUID]) -> Named:
        # Exports are analysts' to open.
        opens = "analyst" in self.who.roles
        return {
            one: (
                self.who.say("%(year)s Match", year=year) if year else self.who.say("All years"),
                f"/desk/exports/{one}" if opens else None,
            )
            for one, year in exports.years(self.session, ids).items()
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


def _no_page(names: Mapping[UUID, str]) -> Named:
    return {one: (name, None) for one, name in names.items()}
