"""Sites, preceptors and listings with their histories, and runs of the import.

A listing carries copies of its site's words (`site_name`, `city`, `us_state`) and what it is
found by besides (`search_text`), so that its row in `listing_search` follows from it.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.catalog.rules.deposits import DepositKind, DepositRule
from marketplace.catalog.rules.english import EnglishTerms
from marketplace.catalog.rules.tiers import Tier
from marketplace.catalog.rules.vocabulary import (
    CLAIMABLE,
    CREDENTIALS,
    Approval,
    Audience,
    Document,
    LetterPolicy,
    Setting,
)
from marketplace.catalog.states import ListingState, ReviewState, Verification, Waiting
from marketplace.core.db import Base, created_at, money_column, pk
from marketplace.core.money import Money


def _one_of(column: str, values: type[Any]) -> str:
    return f"{column} IN ({', '.join(repr(member.value) for member in values)})"


class Site(Base):
    """A hospital or practice of one owner; `time_zone` is an IANA name, `state` a postal code."""

    __tablename__ = "site"
    __table_args__ = (
        UniqueConstraint("owner_account_id", "name"),
        UniqueConstraint("id", "owner_account_id"),
        CheckConstraint("state ~ '^[A-Z]{2}$'", name="state"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="point"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        CheckConstraint(_one_of("verification", Verification), name="verification"),
        CheckConstraint("verification <> 'pending' OR waiting_since IS NOT NULL", name="waiting"),
        Index(
            "ix_site_waiting_since",
            "waiting_since",
            "id",
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    owner_account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    address: Mapped[str]
    city: Mapped[str]
    state: Mapped[str]
    country: Mapped[str]
    time_zone: Mapped[str]
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(8, 6))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    residency_affiliation: Mapped[str | None]
    verification: Mapped[str] = mapped_column(
        server_default=Verification.UNVERIFIED, default=Verification.UNVERIFIED
    )
    verification_evidence: Mapped[str | None]
    # Since when an operator has something to look at: evidence, or a change of what was verified.
    waiting_since: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime] = created_at()


class Preceptor(Base):
    """A physician who teaches at a site; the NPI's check digit is a rule of `rules.npi`."""

    __tablename__ = "preceptor"
    __table_args__ = (
        UniqueConstraint("site_id", "npi"),
        UniqueConstraint("id", "site_id"),
        CheckConstraint("npi ~ '^[12][0-9]{9}$'", name="npi"),
        CheckConstraint(
            f"credentials <@ ARRAY[{', '.join(map(repr, CREDENTIALS))}]::text[]",
            name="credentials",
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    npi: Mapped[str]
    name: Mapped[str]
    # A code of `rules.specialties`; none where only a sheet has named the preceptor so far.
    specialty: Mapped[str | None]
    credentials: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime] = created_at()


class Listing(Base):
    """What may be booked. `version` counts the changes; `fingerprint` is what was classified.

    `tier_student` and `tier_graduate` are null where the audience does not admit that status.
    """

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("owner_account_id", "external_id"),
        ForeignKeyConstraint(
            ["site_id", "owner_account_id"],
            ["site.id", "site.owner_account_id"],
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(["preceptor_id", "site_id"], ["preceptor.id", "preceptor.site_id"]),
        CheckConstraint(_one_of("state", ListingState), name="state"),
        CheckConstraint(_one_of("setting", Setting), name="setting"),
        CheckConstraint(_one_of("audience", Audience), name="audience"),
        CheckConstraint(_one_of("letter_policy", LetterPolicy), name="letter_policy"),
        CheckConstraint(_one_of("approval", Approval), name="approval"),
        CheckConstraint(_one_of("tier_student", Tier), name="tier_student"),
        CheckConstraint(_one_of("tier_graduate", Tier), name="tier_graduate"),
        CheckConstraint(
            "(tier_student IS NULL) = (audience = 'graduates')"
            " AND (tier_graduate IS NULL) = (audience = 'students')",
            name="tier_audience",
        ),
        CheckConstraint(
            "state IN ('draft', 'retired')"
            " OR coalesce(tier_student, tier_graduate) <> 'unclassified'",
            name="classified",
        ),
        CheckConstraint(
            "weeks_min >= 1 AND weeks_min <= weeks_max AND weeks_max <= 52", name="weeks"
        ),
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("seats_per_week >= 0", name="seats_per_week"),
        CheckConstraint("lead_days >= 0", name="lead_days"),
        CheckConstraint("toefl_ibt_min BETWEEN 1 AND 120", name="toefl_ibt_min"),
        CheckConstraint("ielts_min BETWEEN 0.5 AND 9", name="ielts_min"),
        CheckConstraint("oet_min BETWEEN 10 AND 500", name="oet_min"),
        CheckConstraint(
            f"documents <@ ARRAY[{', '.join(repr(one.value) for one in Document)}]::text[]",
            name="documents",
        ),
        CheckConstraint(
            "deposit_kind IN ('standard', 'whole', 'share', 'amount')"
            " AND (deposit_kind = 'share') = (deposit_basis_points IS NOT NULL)"
            " AND (deposit_kind = 'amount') = (deposit_minor IS NOT NULL)",
            name="deposit_kind",
        ),
        CheckConstraint("deposit_basis_points BETWEEN 1 AND 9999", name="deposit_basis_points"),
        CheckConstraint("deposit_minor > 0", name="deposit_minor"),
        CheckConstraint(
            f"claimed_tier IN ({', '.join(map(repr, CLAIMABLE))})", name="claimed_tier"
        ),
        CheckConstraint("step2_min BETWEEN 1 AND 300", name="step2_min"),
        CheckConstraint(
            "first_start <= last_start AND extract(isodow FROM first_start) = 1"
            " AND extract(isodow FROM last_start) = 1",
            name="starts",
        ),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint(
            "(state = 'in_review') = (cardinality(waits_for) > 0)"
            f" AND waits_for <@ ARRAY[{', '.join(repr(one.value) for one in Waiting)}]::text[]",
            name="waits_for",
        ),
        Index("ix_listing_site_id", "site_id"),
        Index("ix_listing_preceptor_id", "preceptor_id"),
        Index("ix_listing_id", "id", postgresql_where=text("state = 'published'")),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID]
    owner_account_id: Mapped[uuid.UUID]
    preceptor_id: Mapped[uuid.UUID]
    external_id: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    state: Mapped[str] = mapped_column(
        server_default=ListingState.DRAFT, default=ListingState.DRAFT
    )
    title: Mapped[str]
    specialty: Mapped[str]
    setting: Mapped[str]
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    audience: Mapped[str]
    weeks_min: Mapped[int] = mapped_column(SmallInteger)
    weeks_max: Mapped[int] = mapped_column(SmallInteger)
    price: Mapped[Money] = money_column("price")
    seats_per_week: Mapped[int] = mapped_column(SmallInteger)
    first_start: Mapped[date]
    last_start: Mapped[date]
    blackout_weeks: Mapped[list[date]] = mapped_column(ARRAY(Date))
    visa_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    step1_required: Mapped[bool]
    step2_min: Mapped[int | None] = mapped_column(SmallInteger)
    letter_policy: Mapped[str]
    cancellation_policy: Mapped[str]
    approval: Mapped[str]
    lead_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("14"), default=14)
    english_native: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    toefl_ibt_min: Mapped[int | None] = mapped_column(SmallInteger)
    ielts_min: Mapped[Decimal | None] = mapped_column(Numeric(2, 1))
    oet_min: Mapped[int | None] = mapped_column(SmallInteger)
    documents: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    deposit_kind: Mapped[str] = mapped_column(
        server_default=DepositKind.STANDARD, default=DepositKind.STANDARD
    )
    deposit_basis_points: Mapped[int | None] = mapped_column(SmallInteger)
    # In the currency of the price.
    deposit_minor: Mapped[int | None] = mapped_column(BigInteger)
    residency_affiliation: Mapped[str] = mapped_column(server_default="", default="")
    claimed_tier: Mapped[str | None]
    notes: Mapped[str] = mapped_column(server_default="", default="")
    # What stands between a listing in review and its publication.
    waits_for: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    tier_student: Mapped[str | None]
    tier_graduate: Mapped[str | None]
    classifier: Mapped[str]
    reasons: Mapped[dict[str, Any]] = mapped_column(JSONB)
    conflicts: Mapped[list[Any]] = mapped_column(JSONB)
    fingerprint: Mapped[str]
    drift_at: Mapped[datetime | None]
    site_name: Mapped[str]
    city: Mapped[str]
    us_state: Mapped[str]
    search_text: Mapped[str]
    first_published_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_at()

    site: Mapped[Site] = relationship(
        lazy="raise", viewonly=True, primaryjoin="Site.id == foreign(Listing.site_id)"
    )
    preceptor: Mapped[Preceptor] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin="Preceptor.id == foreign(Listing.preceptor_id)",
    )

    @property
    def english(self) -> EnglishTerms:
        return EnglishTerms(self.english_native, self.toefl_ibt_min, self.ielts_min, self.oet_min)

    @property
    def deposit(self) -> DepositRule:
        return DepositRule(
            DepositKind(self.deposit_kind),
            self.deposit_basis_points,
            None if self.deposit_minor is None else Money(self.deposit_minor, self.price.currency),
        )


class ListingVersion(Base):
    """A listing's terms as they were from one change to the next. Append-only by trigger.

    `terms` are those of the host's sheet, so that a booking can show what it was made on;
    `difference` maps each changed column to what it was and is. `import_id` is the import that
    wrote it, if one did.
    """

    __tablename__ = "listing_version"
    __table_args__ = (
        Index("ix_listing_version_account_id", "account_id"),
        Index(
            "ix_listing_version_import_id",
            "import_id",
            postgresql_where=text("import_id IS NOT NULL"),
        ),
    )

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]
    source: Mapped[str]
    difference: Mapped[dict[str, Any]] = mapped_column(JSONB)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    import_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("import_run.id"))


class ListingTransition(Base):
    """Every change of a listing's state: from, to, who, when, why. Append-only by trigger."""

    __tablename__ = "listing_transition"
    __table_args__ = (
        Index("ix_listing_transition_listing_id", "listing_id", "recorded_at"),
        Index("ix_listing_transition_account_id", "account_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]
    why: Mapped[str]


class ListingReview(Base):
    """An operator's reading of a listing whose words contradict its duties; one open at a time."""

    __tablename__ = "listing_review"
    __table_args__ = (
        CheckConstraint(_one_of("state", ReviewState), name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="decided"),
        Index(
            "uq_listing_review_listing_id",
            "listing_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_listing_review_listing_id", "listing_id", "fingerprint"),
        Index("ix_listing_review_state", "state", "requested_at", "id"),
        Index("ix_listing_review_requested_by", "requested_by"),
        Index("ix_listing_review_decided_by", "decided_by"),
    )

    id: Mapped[uuid.UUID] = pk()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    listing_version: Mapped[int]
    fingerprint: Mapped[str]
    conflicts: Mapped[list[Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(
        server_default=ReviewState.PENDING, default=ReviewState.PENDING
    )
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    requested_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
