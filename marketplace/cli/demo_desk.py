"""What the demo's desk has to do: sites, schools and documents to look at, a survey under way.

A listing asks for documents, and there is a text from which an agreement is drafted.

It all comes about as it would in use: the same services, at the times when it is said to have
happened. Past rotations are paid for with credit that an operator gave, so that no payment is
invented which the processor would not know of. Each part is left alone where it is there already.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking.rules.less import Less
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import holds, payment, rotations
from marketplace.catalog.queries import listings, sites
from marketplace.catalog.rules.vocabulary import EvidenceKind
from marketplace.catalog.service import importing, publishing, verifying
from marketplace.compliance.gateway import DocumentVault
from marketplace.compliance.queries import agreements as texts
from marketplace.compliance.queries import documents
from marketplace.compliance.queries import requirements as asked_for
from marketplace.compliance.rules.validity import Facts
from marketplace.compliance.service import agreements, files, requirements, uploads
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.parts import Parts
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from marketplace.embedded import alumni, people
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role
from marketplace.identity.service import memberships, profiles, schools
from marketplace.identity.service.accounts import create_account
from marketplace.identity.service.profiles import ProfileData
from marketplace.outcomes.gateway import LinkSigner
from marketplace.outcomes.queries import responses
from marketplace.outcomes.queries import survey as surveyed
from marketplace.outcomes.service import campaigns, records, survey
from marketplace.outcomes.service.rotations import rotation
from marketplace.payments.rules.credit import GrantReason
from marketplace.payments.service.credit import granting
from marketplace.reporting.queries import runs
from marketplace.reporting.service import framing, reports

WEEK = timedelta(weeks=1)
BLOCK = 4  # weeks of a past rotation
SEATS = 2
# Before and after now: when the past site came, when the survey opened, and how long it is open.
PAST = 44 * WEEK
ASKED = (timedelta(days=40), timedelta(days=20))
OPEN_FOR = timedelta(days=45)
FREEZE = timedelta(days=100)
MATCH_DAY = (4, 1)  # from then on it is the Match of the same year that is asked about
REPORT_YEAR = 2024
SCHOOL = ("Universidad de los Andes", "CO")
CREDIT = "Part of the demo: paid for by us."
# Who it is, of what kind, and when it was issued, in days before now.
PAPERS = (("student@demo.test", "bls", 40), (alumni.LAST, "tb_test", 420))


@dataclass
class Desk:
    """Plays the parts, each in a transaction of its own."""

    parts: Parts
    transaction: Callable[[], AbstractContextManager[Session]]
    now: datetime
    told: list[str] = field(default_factory=list)

    def load(self) -> Sequence[str]:
        """Do what has not been done yet; return in words what was."""
        with self.transaction() as session:
            ids = {who.email: account_of(session, who.email) for who in people.PEOPLE}
            owner, operator = ids["owner@demo.test"], ids["operator@demo.test"]
            analyst = ids["analyst@demo.test"]
            named = sites.names(session, sites.of_owner(session, owner)).values()
            if alumni.NEW.name not in named:
                self._site_to_verify(session, owner)
            if identity.school(session, *SCHOOL) is None:
                self._school_to_verify(session, operator)
            if not runs.report_runs(session, REPORT_YEAR, limit=1, cursor=None).items:
                self._report(session, analyst)
            if alumni.PAST.name not in named:
                self._past_rotations(session, owner, operator)
                self._survey(session)
            self._documents_asked_for(session, owner)
            if not texts.templates(session):
                self._agreement_text(session, operator)
        for email, kind, days in PAPERS:
            self.document(ids[email], kind, self.now - timedelta(days=days))
        return self.told

    def _site_to_verify(self, session: Session, owner: UUID) -> None:
        site_id = self._listed(session, owner, alumni.NEW, self.now)
        evidence = verifying.Evidence(EvidenceKind.NPI_REGISTRY.value, alumni.NEW.npi)
        note = "Our practice's entry in the registry."
        verifying.submit(session, site_id, evidence, note=note, account_id=owner, now=self.now)
        publishing.request_all(session, owner, owner, self.now)
        self.told.append("a site to verify")

    def _school_to_verify(self, session: Session, operator: UUID) -> None:
        school = memberships.ensure_school(session, *SCHOOL)
        schools.add_coordinator(
            session, school.id, people.SCHOOL.email, actor_id=operator, now=self.now
        )
        self.told.append("a school to verify")

    def _documents_asked_for(self, session: Session, owner: UUID) -> None:
        """Have the host of the past rotations ask for documents from now on, where it asks for none."""
        named = sites.names(session, sites.of_owner(session, owner))
        (site_id,) = (one for one, name in named.items() if name == alumni.PAST.name)
        listing = listings.site_listings(session, site_id)[0]
        if asked_for.current(session, listing.id) is not None:
            return
        requirements.adopt(
            session,
            site_id=site_id,
            listing_id=listing.id,
            keys=alumni.ASKED_FOR,
            read=0,
            actor_id=owner,
            now=self.now,
        )
        self.told.append(f"documents asked for at {alumni.PAST.name}")

    def _agreement_text(self, session: Session, operator: UUID) -> None:
        agreements.make_template(
            session,
            name="affiliation",
            title=alumni.AGREEMENT,
            body=alumni.AGREED,
            fields=alumni.LEFT_OPEN,
            actor_id=operator,
            now=self.now,
        )
        self.told.append("a text to draft agreements from")

    def _report(self, session: Session, analyst: UUID) -> None:
        """Ask for it as an analyst does; the worker makes and publishes it."""
        reports.ask(
            session,
            match_year=REPORT_YEAR,
            as_of=self.now,
            public=True,
            k=self.parts.get(Settings).smallest_published_cell,
            asked_by=analyst,
            now=self.now,
        )
        self.told.append(f"a report on the {REPORT_YEAR} Match, published by the first worker")

    def document(self, holder: UUID, kind: str, issued: datetime) -> None:
        """Have somebody upload a first document."""
        with self.transaction() as session:
            if documents.count_of(session, holder):
                return
        content, upload_id = _a_pdf(kind), new_id()
        wish = uploads.Wish(
            kind=kind,
            filename=f"{kind}.pdf",
            media_type="application/pdf",
            size=len(content),
            facts=Facts(issued_on=issued.date()),
        )
        store, vault = self.parts.get(ObjectStore), self.parts.get(DocumentVault)
        stored = files.put_away(store, vault, upload_id, wish.media_type, [content])
        with self.transaction() as session:
            uploads.take_sent(
                session,
                upload_id,
                wish,
                stored,
                holder_id=holder,
                document_id=None,
                now=self.now,
            )
        self.told.append(f"a document to look at: {kind}")

    def _past_rotations(self, session: Session, owner: UUID, operator: UUID) -> None:
        begun = self.now - PAST
        site_id = self._listed(session, owner, alumni.PAST, begun)
        evidence = verifying.Evidence(EvidenceKind.NPI_REGISTRY.value, alumni.PAST.npi)
        verifying.verify(session, site_id, evidence, note="", account_id=operator, now=begun)
        publishing.request_all(session, owner, owner, begun)
        (listing,) = listings.site_listings(session, site_id)
        terms = Terms.of(self.parts.get(Settings))
        for number, who in enumerate(alumni.ALUMNI):
            first = monday(begun) + (4 + number // SEATS * BLOCK) * WEEK
            trainee = alumnus(session, who, begun)
            booking = holds.hold(
                session,
                trainee_id=trainee,
                listing_id=listing.id,
                first_day=first,
                weeks=BLOCK,
                terms=terms,
                now=begun,
            )
            paid(session, booking, operator, terms, begun)
            ended = noon(first + BLOCK * WEEK)
            session.refresh(booking)
            rotations.complete(session, booking, actor_id=owner, now=ended)
            if who.duties:
                records.attest(
                    session,
                    rotation(session, booking.id),
                    duties=who.duties,
                    in_person=True,
                    remarks="",
                    now=ended + WEEK,
                )
        self.told.append(f"{len(alumni.ALUMNI)} past rotations")

    def _survey(self, session: Session) -> None:
        year = self.now.year - ((self.now.month, self.now.day) < MATCH_DAY)
        if any(one.campaign.match_year == year for one in responses.campaigns(session)):
            return
        opened = self.now - ASKED[0]
        campaign = campaigns.make(
            session,
            match_year=year,
            opens_on=opened.date(),
            closes_on=(self.now + OPEN_FOR).date(),
            freeze_on=(self.now + FREEZE).date(),
            now=opened,
        )
        framing.frame_campaign(session, campaign.id, opened)
        for wave, before in enumerate(ASKED, start=1):
            self._wave(session, campaign.id, wave, self.now - before)
        self.told.append(f"the survey of the {year} Match, under way")

    def _wave(self, session: Session, campaign_id: UUID, wave: int, at: datetime) -> None:
        """Send a wave, and let those answer by their links who do."""
        signer = Remembering(self.parts.get(LinkSigner))
        asked = surveyed.to_invite(session, campaign_id, wave, campaigns.BATCH)
        campaigns.invite(session, campaign_id, wave=wave, signer=signer, now=at)
        tokens = dict(zip((one.account_id for one in asked), signer.tokens, strict=True))
        for who in alumni.ALUMNI:
            if who.wave != wave or who.answers is None:
                continue
            survey.save(
                session,
                signer,
                tokens[account_of(session, who.email)],
                answers=who.answers,
                version=0,
                complete=who.answers is not alumni.HALF,
                now=at + timedelta(days=1),
            )

    def _listed(self, session: Session, owner: UUID, place: alumni.Place, at: datetime) -> UUID:
        """A site with one listing, as its host's spreadsheet brings it; the site's id."""
        first, last = monday(at) + WEEK, monday(self.now) + 30 * WEEK
        sheet = place.sheet(first, last)
        before = set(sites.of_owner(session, owner))
        importing.import_listings(session, sheet, owner, commit=True, now=at)
        (site_id,) = set(sites.of_owner(session, owner)) - before
        return site_id


class Remembering:
    """A signer that keeps what it has signed: the demo answers links that are mailed to others."""

    def __init__(self, signer: LinkSigner) -> None:
        self.signer, self.tokens = signer, list[str]()

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        """Sign, and remember it."""
        self.tokens.append(self.signer.sign(purpose, link_id, expires_at))
        return self.tokens[-1]

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        """Read what was signed."""
        return self.signer.read(purpose, token, now)

    def is_over(self, purpose: str, token: str, now: datetime) -> bool:
        """Whether the token has expired."""
        return self.signer.is_over(purpose, token, now)


def alumnus(session: Session, who: alumni.Alumnus, at: datetime) -> UUID:
    """The account of somebody of the demo, who has finished school."""
    account = create_account(
        session,
        who.email,
        people.PASSWORD,
        who.name,
        time_zone="America/New_York",
        confirmed=True,
        now=at,
    )
    memberships.grant_role(session, account.id, Role.TRAINEE, now=at)
    profile = ProfileData(
        school_country=who.country,
        school_name=who.school,
        citizenship=who.citizenship,
        needs_visa=False,
        graduation_date=(at - timedelta(days=500)).date(),
        step1_result="passed",
        step2_ck_score=who.score,
        target_specialty="family_medicine",
    )
    profiles.save(session, account.id, profile, recorded_by=account.id, now=at)
    return account.id


def paid(session: Session, booking: Any, operator: UUID, terms: Terms, at: datetime) -> None:
    """Pay for a booking with credit that an operator gave."""
    granting.give(
        session,
        booking.trainee_id,
        booking.total,
        reason=GrantReason.GOODWILL,
        note=CREDIT,
        granted_by=operator,
        expires_at=None,
        transferable=False,
        now=at,
    )
    payment.pay(session, booking, whole=True, terms=terms, now=at, less=Less(booking.total))


def account_of(session: Session, email: str) -> UUID:
    """The id of an account of the demo."""
    account = identity.account_by_email(session, email)
    if account is None:
        raise LookupError(f"{email} is no account of the demo")
    return account.id


def monday(at: datetime) -> date:
    """The Monday of that day's week."""
    return at.date() - timedelta(days=at.weekday())


def noon(day: date) -> datetime:
    """The middle of a day."""
    return datetime.combine(day, time(12), UTC)


def _a_pdf(title: str) -> bytes:
    """One page that says what it is, as small as a PDF can be."""
    words = f"BT /F1 24 Tf 72 700 Td (Demo: {title}) Tj ET".encode()
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"
        ),
        b"<</Length %d>>stream\n%b\nendstream" % (len(words), words),
    )
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    return made + head + table + tail % (len(objects) + 1, len(made))
