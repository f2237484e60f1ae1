"""A school with students, and what its coordinator does with cohorts through the services."""

from datetime import timedelta

from marketplace.booking import queries as bookings
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.service.cohorts import holding, paying
from marketplace.payments import queries as payments
from marketplace.payments.queries import invoices
from marketplace.payments.service import invoicing
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_coordinator, a_school, link

ENTITY = "Rotation Marketplace, Inc."
PRICE = 224000


class Desk:
    """A school with students, and what its coordinator does through the services."""

    def __init__(self, stage, students=3, name="Grant Medical College") -> None:
        self.stage = stage
        self.school = a_school(stage, name)
        self.coordinator = a_coordinator(stage, self.school)
        self.trainees = [stage.trainee(f"Student {number}") for number in range(students)]
        self.students = link(stage, self.school, *self.trainees, sees=[])

    def hold(self, place, students=None, first_day=FIRST_DAY):
        with self.stage.transaction() as session:
            wanted = holding.Wanted(
                self.school, "Sixth year", place.listing_id, first_day, 4,
                self.students if students is None else students)  # fmt: skip
            return holding.hold(
                session, wanted, actor_id=self.coordinator, terms=self.stage.terms,
                now=self.stage.now).id  # fmt: skip

    def places(self, cohort_id):
        with self.stage.transaction() as session:
            return {one.student_name: one for one in queries.places(session, cohort_id)}

    def answer(self, cohort_id, *, agreed=True, only=None):
        for name, one in self.places(cohort_id).items():
            if only is None or name in only:
                with self.stage.transaction() as session:
                    booking = bookings.find(session, one.booking.id)
                    holding.answer(session, booking, agreed=agreed, now=self.stage.now)

    def invoice(self, cohort_id, without=()):
        with self.stage.transaction() as session:
            paying.lock_money(session, cohort_id)
            found = queries.lock(session, cohort_id)
            return paying.invoice(
                session, found, without=without, legal_entity=ENTITY,
                actor_id=self.coordinator, now=self.stage.now)  # fmt: skip

    def transfer(self, invoice_id, amount=None):
        with self.stage.transaction() as session:
            whole = invoices.find(session, invoice_id).amount
            transfer = invoicing.Transfer("WIRE 17", self.stage.now.date(), amount or whole)
            operator = self.coordinator
            invoicing.received(session, invoice_id, transfer, actor_id=operator, now=self.stage.now)

    def cohort(self, cohort_id):
        with self.stage.transaction() as session:
            return queries.find(session, cohort_id, self.school)

    def found(self, invoice_id):
        with self.stage.transaction() as session:
            return invoices.find(session, invoice_id)

    def states(self, cohort_id):
        return sorted(one.booking.state for one in self.places(cohort_id).values())

    def balances(self):
        with self.stage.transaction() as session:
            rows = payments.trial_balance(session)
            return {row.kind: row.balance.minor for row in rows if row.owner_id is None}


def ask_page(desk, invoice_id):
    with desk.stage.transaction() as session:
        found = invoices.find(session, invoice_id)
        return invoicing.pay(
            session, found, payer_id=desk.coordinator, expires_in=timedelta(minutes=30),
            now=desk.stage.now).id  # fmt: skip
