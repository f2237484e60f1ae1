"""What the demo's host has to do in the week in which it is loaded, at the site of the past rotations.

Two apply, somebody comes whose papers are to be read, somebody is there with hours to sign and a
question, a rotation is to be closed, a letter is owed. By the services, as at the desk.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking.queries import of_trainee
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import applications, clearances, holds, messages, rotations
from marketplace.booking.service.rotations import Day
from marketplace.catalog.queries import listings, sites
from marketplace.catalog.service import importing, publishing
from marketplace.cli.demo_desk import (
    WEEK,
    Desk,
    account_of,
    alumnus,
    monday,
    noon,
    paid,
)
from marketplace.compliance.queries import documents
from marketplace.core.db import Session
from marketplace.core.settings import Settings
from marketplace.embedded import alumni
from marketplace.identity import queries as identity
from marketplace.outcomes.service import hours, letters
from marketplace.outcomes.service.hours import Worked
from marketplace.outcomes.service.rotations import rotation

BLOCK = 4
A_DAY = timedelta(days=1)
# Before now: when those were booked who are there, and when the others applied.
BOOKED = timedelta(days=60)
ASKED_BEFORE = (timedelta(days=3), timedelta(days=1))
WORKED = 8 * 60
# Who does a rotation was there on so many days of its first week, and has logged as many hours.
DAYS = 3


class Week(Desk):
    """The desk's work, and then the host's."""

    def load(self) -> Sequence[str]:
        """Do what has not been done yet; return in words what was."""
        super().load()
        with self.transaction() as session:
            if identity.account_by_email(session, alumni.HERE.email) is not None:
                return self.told
            owner = account_of(session, "owner@demo.test")
            asked = self._second_listing(session, owner)
            first = monday(self.now)
            here = self._booked(session, asked, alumni.HERE, first - 2 * WEEK)
            ending = self._booked(session, asked, alumni.ENDING, first - BLOCK * WEEK)
            self._there(session, here, first - 2 * WEEK, owner)
            self._there(session, ending, first - BLOCK * WEEK, owner)
            self._question(session, here)
            for who, words, before in zip(
                alumni.APPLYING, alumni.APPLIED, ASKED_BEFORE, strict=True
            ):
                self._applies(session, asked, who, words, first + 9 * WEEK, before)
            self._letter(session)
        coming = self._comes()
        self.document(coming, "bls", self.now - timedelta(days=30))
        self._hands_over(coming)
        self.told.append(f"a week's work at {alumni.PAST.name}")
        return self.told

    def _second_listing(self, session: Session, owner: UUID) -> UUID:
        """A listing at the same site, on whose trainees its host decides."""
        at = self.now - BOOKED - WEEK
        sheet = alumni.ASKED.sheet(monday(at) + WEEK, monday(self.now) + 30 * WEEK)
        importing.import_listings(session, sheet, owner, commit=True, now=at)
        publishing.request_all(session, owner, owner, at)
        return self._listing(session, owner, "BOS-FM-02")

    def _listing(self, session: Session, owner: UUID, external_id: str) -> UUID:
        named = sites.names(session, sites.of_owner(session, owner))
        (site_id,) = (one for one, name in named.items() if name == alumni.PAST.name)
        found = listings.site_listings(session, site_id)
        return next(one.id for one in found if one.external_id == external_id)

    def _held(
        self, session: Session, listing_id: UUID, trainee: UUID, first: date, before: timedelta
    ) -> Any:
        return holds.hold(
            session,
            trainee_id=trainee,
            listing_id=listing_id,
            first_day=first,
            weeks=BLOCK,
            terms=self._terms,
            now=self.now - before,
        )

    def _booked(self, session: Session, listing_id: UUID, who: alumni.Alumnus, first: date) -> Any:
        """Somebody who applied, was approved, and has paid."""
        at = self.now - BOOKED
        owner = account_of(session, "owner@demo.test")
        booking = self._held(session, listing_id, alumnus(session, who, at), first, BOOKED)
        applications.submit(session, booking, message=None, now=at)
        applications.approve(session, booking, actor_id=owner, now=at)
        paid(session, booking, account_of(session, "operator@demo.test"), self._terms, at)
        session.refresh(booking)
        return booking

    def _there(self, session: Session, booking: Any, first: date, owner: UUID) -> None:
        """Somebody who has begun: present on the first days, with hours logged."""
        days = [first + number * A_DAY for number in range(DAYS)]
        at = noon(days[-1]) + A_DAY
        marks = [Day(day, "present") for day in days]
        rotations.mark_attendance(session, booking, marks, actor_id=owner, now=at)
        worked = [Worked(day, WORKED, "Seeing patients") for day in days]
        hours.write(session, booking.id, worked, at)

    def _question(self, session: Session, booking: Any) -> None:
        messages.post(
            session,
            booking,
            author_id=booking.trainee_id,
            role="trainee",
            body=alumni.QUESTION,
            now=self.now - timedelta(hours=3),
        )

    def _applies(
        self,
        session: Session,
        listing_id: UUID,
        who: alumni.Alumnus,
        words: str,
        first: date,
        before: timedelta,
    ) -> None:
        at = self.now - before
        booking = self._held(session, listing_id, alumnus(session, who, at), first, before)
        applications.submit(session, booking, message=words, now=at)

    def _letter(self, session: Session) -> None:
        """A letter that the last of the past trainees asks for."""
        trainee = account_of(session, alumni.ALUMNI[-1].email)
        booking = of_trainee(session, trainee, limit=1, cursor=None).items[0]
        letters.ask(
            session,
            rotation(session, booking.id),
            waived=True,
            message=alumni.WISH,
            packet={},
            specialty="family_medicine",
            due_on=(self.now + timedelta(days=30)).date(),
            now=self.now - 2 * A_DAY,
        )

    def _comes(self) -> UUID:
        """Somebody who comes next week, and is asked for papers."""
        with self.transaction() as session:
            owner = account_of(session, "owner@demo.test")
            listing_id = self._listing(session, owner, "BOS-FM-01")
            before = timedelta(days=25)
            at = self.now - before
            trainee = alumnus(session, alumni.COMING, at)
            first = monday(self.now) + WEEK
            booking = self._held(session, listing_id, trainee, first, before)
            paid(session, booking, account_of(session, "operator@demo.test"), self._terms, at)
        return trainee

    def _hands_over(self, trainee: UUID) -> None:
        with self.transaction() as session:
            booking = of_trainee(session, trainee, limit=1, cursor=None).items[0]
            found = documents.of_holder(session, trainee, self.now.date(), limit=1, cursor=None)
            held = [one.document.id for one in found.items]
            clearances.release(session, booking, held, self.now)

    @property
    def _terms(self) -> Terms:
        return Terms.of(self.parts.get(Settings))
