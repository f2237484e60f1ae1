"""Sites, listings with seats, trainees and bookings, made through the product's own services.

`stage` (rolled back after the test) and `live_stage` (a database of the test's own, real commits)
are fixtures; a module's conftest imports them. Outside them nothing can be made.
"""

import csv
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from marketplace.booking import queries
from marketplace.booking.models import Booking
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import applications, cancellations, deadlines, holds, payment
from marketplace.booking.service.cancellations import Quote, Wish
from marketplace.booking.service.checks import Finding, check
from marketplace.booking.states import BookingState
from marketplace.catalog.models import Listing, SeatPool, SeatWeek, Site
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.queries import sites as site_queries
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import calendars, publishing, verifying
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.importing import import_listings
from marketplace.core.clock import FixedClock
from marketplace.core.db import EdgeSession, edge
from marketplace.core.ids import new_id
from marketplace.identity.service import memberships
from marketplace.identity.service.profiles import ProfileData, save
from marketplace.payments import queries as payment_queries
from marketplace.payments.gateway import CheckoutSession
from marketplace.payments.service import arrivals

FIRST_DAY = date(2027, 3, 1)
ROW = {
    "site_name": "Lakeview Community Hospital",
    "address": "100 Chicago Medical Way",
    "city": "Chicago",
    "state": "IL",
    "country": "US",
    "timezone": "America/Chicago",
    "preceptor": "Dr. Amara Okafor",
    "npi": "2000871097",
    "specialty": "Internal Medicine",
    "title": "Internal Medicine Externship",
    "setting": "inpatient",
    "duties": "history_taking;physical_examination;case_presentation",
    "audience": "graduates",
    "weeks_min": "1",
    "weeks_max": "12",
    "price_per_week": "500.00",
    "currency": "USD",
    "seats_per_week": "1",
    "first_start": "2027-01-04",
    "last_start": "2027-12-06",
    "blackout_weeks": "",
    "visa_types": "B1/B2",
    "step1_required": "no",
    "step2_min": "",
    "letter_policy": "on_merit",
    "cancellation_policy": "tiered_days",
    "approval": "instant",
    "notes": "",
}
GRADUATE = {
    "school_country": "IN",
    "citizenship": "other",
    "needs_visa": True,
    "visa_type": "b1_b2",
    "graduation_date": date(2025, 3, 31),
    "step1_result": "passed",
    "step2_ck_score": 245,
}
_numbers = itertools.count(1)


def verify_sites(session: EdgeSession, owner_id: UUID, now: datetime) -> None:
    """Let every site of an owner be verified, as an operator would have done."""
    evidence = verifying.Evidence("npi_registry", "1234567893")
    for site_id in site_queries.of_owner(session, owner_id):
        if session.get_one(Site, site_id).verification == "verified":
            continue
        verifying.verify(session, site_id, evidence, note="", account_id=None, now=now)


@dataclass(frozen=True)
class Place:
    """A published listing, its site, and the one pool that it draws on."""

    listing_id: UUID
    site_id: UUID
    pool_id: UUID
    owner_id: UUID


class Stage:
    """Makes what a booking needs, each in a transaction of its own."""

    def __init__(self, sessions: sessionmaker[EdgeSession], clock: FixedClock) -> None:
        self._sessions: sessionmaker[EdgeSession] | None = sessions
        self.clock = clock
        self.terms = Terms()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def transaction(self) -> Iterator[EdgeSession]:
        if self._sessions is None:
            raise RuntimeError("the test that this stage belongs to is over")
        with self._sessions() as session, edge(session):
            yield session

    def account(self, name: str = "Somebody") -> UUID:
        """An account that never signs in: no password is hashed for it."""
        account_id = new_id()
        with self.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO account (id, email, name, active, fs_uniquifier,"
                    " fs_token_uniquifier, confirmed_at)"
                    " VALUES (:id, :email, :name, true, :key, :key, now())"
                ),
                {
                    "id": account_id,
                    "email": f"{account_id}@example.org",
                    "name": name,
                    "key": str(account_id),
                },
            )
        return account_id

    def trainee(self, name: str = "Asha Rao", **changes: Any) -> UUID:
        """A graduate from India with a B-1/B-2 visa."""
        account_id = self.account(name)
        with self.transaction() as session:
            profile = ProfileData(**{**GRADUATE, **changes})
            save(session, account_id, profile, recorded_by=account_id, now=self.now)
        return account_id

    def member(self, site_id: UUID, role: str = "coordinator", name: str = "Cora Diaz") -> UUID:
        account_id = self.account(name)
        with self.transaction() as session:
            memberships.grant_role(session, account_id, role, site_id=site_id, now=self.now)
        return account_id

    def beside(self, place: Place, *, seats_per_week: int = 1, **row: str) -> Place:
        """Another published listing of the same host, at the same site if `row` says no other."""
        return self.place(seats_per_week=seats_per_week, owner_id=place.owner_id, **row)

    def place(self, *, seats_per_week: int = 1, owner_id: UUID | None = None, **row: str) -> Place:
        """A published listing with so many seats in each week of 2027; `row` as in the sheet."""
        owner_id = owner_id or self.account("Host Owner")
        with self.transaction() as session:
            asked = self._asked(session, owner_id, seats_per_week, row)
            assert [one.state for one in asked] == ["published"], asked
            listing = session.get_one(Listing, asked[0].listing_id)
            (pool,) = seat_queries.pools(session, listing.id)
            return Place(listing.id, listing.site_id, pool.id, owner_id)

    def in_review(self, owner_id: UUID, **row: str) -> UUID:
        """A listing whose words contradict its duties, so that it waits for an operator; its id."""
        with self.transaction() as session:
            (asked,) = self._asked(session, owner_id, 1, row)
            assert asked.state == "in_review", asked
            return asked.listing_id

    def _asked(self, session: EdgeSession, owner_id: UUID, seats: int, row: dict[str, str]):
        """What became of a sheet of one listing, its site verified, once it was asked to be public."""
        number = next(_numbers)
        values = {**ROW, "external_id": f"T-{number}", "seats_per_week": str(seats)}
        sheet = io.StringIO()
        writer = csv.DictWriter(sheet, ["external_id", *{**ROW, **row}])
        writer.writeheader()
        writer.writerow({**values, **row})
        import_listings(session, sheet.getvalue(), owner_id, True, self.now)
        verify_sites(session, owner_id, self.now)
        return publishing.request_all(session, owner_id, owner_id, self.now)

    def set_seats(self, place: Place, capacity: int, first: date = FIRST_DAY, weeks: int = 4):
        with self.transaction() as session:
            pool = session.get_one(SeatPool, place.pool_id)
            calendars.set_capacity(
                session,
                place.pool_id,
                run_of_weeks(first, weeks),
                capacity,
                expected_version=pool.version,
                author=Author(None, self.now),
            )

    def hold(
        self, trainee_id: UUID, place: Place, first_day: date = FIRST_DAY, weeks: int = 4
    ) -> UUID:
        with self.transaction() as session:
            return holds.hold(
                session,
                trainee_id=trainee_id,
                listing_id=place.listing_id,
                first_day=first_day,
                weeks=weeks,
                terms=self.terms,
                now=self.now,
            ).id

    def pay(self, booking_id: UUID, *, whole: bool = False) -> UUID:
        """Ask for what is due; the id of the payment."""
        with self.transaction() as session:
            booking = queries.find(session, booking_id)
            return payment.pay(session, booking, whole=whole, terms=self.terms, now=self.now)

    def settle(self, payment_id: UUID) -> str:
        """Let the money of a payment arrive, as the processor would tell of it."""
        return self.arrive(payment_id, paid=True)

    def arrive(self, payment_id: UUID, *, paid: bool = False, failed: bool = False) -> str:
        """Tell of the payment's page: paid, failed for good, or closed unpaid."""
        with self.transaction() as session:
            found = payment_queries.payment(session, payment_id)
            seen = CheckoutSession(
                id=f"cs_{payment_id}",
                url=None,
                status="complete" if paid or failed else "expired",
                paid=paid,
                amount=found.amount,
                live=False,
                payment_id=payment_id,
                intent_id=f"pi_{payment_id}" if paid or failed else None,
                intent_failed=failed,
                failure="Declined." if failed else None,
                charge_id=f"ch_{payment_id}" if paid else None,
                captured=found.amount if paid else None,
                balance=None,
                expires_at=found.expires_at,
            )
            return arrivals.arrive(
                session, payment_id, seen, live=False, now=self.now, told_by="test"
            ).value

    def confirmed(
        self,
        place: Place,
        trainee_id: UUID | None = None,
        first_day: date = FIRST_DAY,
        weeks: int = 4,
        *,
        whole: bool = False,
    ) -> UUID:
        """A booking whose deposit (or whole price) has settled."""
        booking_id = self.hold(trainee_id or self.trainee(), place, first_day, weeks)
        assert self.settle(self.pay(booking_id, whole=whole)) == "settled"
        return booking_id

    def cancel(self, booking_id: UUID, reason: str = "Other plans.") -> Quote:
        """The trainee cancels by the quote that was shown, which is returned."""
        with self.transaction() as session:
            booking = queries.find(session, booking_id)
            shown = cancellations.quote(session, booking, Wish(), self.now)
            cancellations.cancel(
                session,
                booking,
                Wish(),
                mark=shown.mark,
                to=BookingState.CANCELLED_BY_TRAINEE,
                actor_id=booking.trainee_id,
                reason=reason,
                now=self.now,
            )
        return shown

    def submitted(self, place: Place, trainee_id: UUID | None = None) -> UUID:
        booking_id = self.hold(trainee_id or self.trainee(), place)
        with self.transaction() as session:
            booking = queries.find(session, booking_id)
            applications.submit(session, booking, message="Please.", now=self.now)
        return booking_id

    def booking(self, booking_id: UUID) -> Booking:
        with self.transaction() as session:
            return queries.find(session, booking_id)

    def state(self, booking_id: UUID) -> str:
        return self.booking(booking_id).state

    def steps(self, booking_id: UUID) -> list[str]:
        with self.transaction() as session:
            return [step.to_state for step in queries.history(session, booking_id)]

    def taken(self, place: Place) -> dict[date, int]:
        """Seats taken in the place's pool, by week, where there are any."""
        with self.transaction() as session:
            rows = seat_queries.taken_by_pool(session)
        return {week: seats for (pool, week), seats in rows.items() if pool == place.pool_id}

    def capacity(self, place: Place, week: date) -> int:
        with self.transaction() as session:
            return session.get_one(SeatWeek, (place.pool_id, week)).capacity

    def refunded(self, payment_id: UUID) -> int:
        """Minor units that are going, or have gone, back."""
        with self.transaction() as session:
            return payment_queries.payment(session, payment_id).refunded.minor

    def expire_due(self) -> int:
        with self.transaction() as session:
            return deadlines.expire_due(session, self.now)

    def start_due(self) -> int:
        with self.transaction() as session:
            return deadlines.start_due(session, self.now).begun

    def remind_due(self) -> int:
        with self.transaction() as session:
            return deadlines.remind_due(session, self.now)

    def told(self, account_id: UUID) -> list[str]:
        """The notices to an account, oldest first, by template."""
        with self.transaction() as session:
            rows = session.execute(
                text("SELECT template FROM notice WHERE account_id = :id ORDER BY id"),
                {"id": account_id},
            )
            return list(rows.scalars())

    def findings(self) -> list[Finding]:
        with self.transaction() as session:
            return check(session, self.now)

    def close(self) -> None:
        self._sessions = None


@pytest.fixture
def stage(sessions: sessionmaker[EdgeSession], clock: FixedClock) -> Iterator[Stage]:
    made = Stage(sessions, clock)
    yield made
    made.close()


@pytest.fixture
def live_stage(live: Any) -> Iterator[Stage]:
    made = Stage(live.sessions, live.clock)
    yield made
    made.close()
