"""What searches read, kept by triggers in the transaction of each change (`migrations`).

`listing_search` has a row for each published listing and nothing else. Its `free` weeks are the
one thing that is followed later, by a job: while `stale_weeks` names a listing or a pool of it,
the seats themselves are looked at, so that an answer is right whenever the job runs.
"""

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    CheckConstraint,
    Double,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import BIT, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base

# What samples are filtered and counted by: read from the index, not page by page from the table.
# Not the free weeks: an index that had them would be written whenever a week fills up.
COVERED = (
    *("listing_id", "last_week", "weeks_min", "weeks_max", "price_minor", "price_currency"),
    *("rank_any", "rank_student", "rank_graduate", "specialty", "us_state", "setting"),
    *("letter_policy", "tier_student", "tier_graduate", "visa_types"),
)


def _sampled(*keys: str) -> Index:
    besides = [column for column in COVERED if column not in keys]
    return Index(f"ix_listing_search_{'_'.join(keys)}", *keys, postgresql_include=besides)


def _indexes() -> tuple[Index, ...]:
    return (
        _sampled("sample"),
        _sampled("specialty", "sample"),
        _sampled("us_state", "sample"),
        _sampled("specialty", "us_state", "sample"),
        Index("ix_listing_search_price_minor", "price_minor", "listing_id"),
        Index("ix_listing_search_specialty_price_minor", "specialty", "price_minor", "listing_id"),
        Index("ix_listing_search_us_state_price_minor", "us_state", "price_minor", "listing_id"),
        Index("ix_listing_search_rank_any", "rank_any", "price_minor", "listing_id"),
        Index("ix_listing_search_rank_student", "rank_student", "price_minor", "listing_id"),
        Index("ix_listing_search_rank_graduate", "rank_graduate", "price_minor", "listing_id"),
        Index("ix_listing_search_soonest_week", "soonest_week", "listing_id"),
        Index("ix_listing_search_us_state_soonest_week", "us_state", "soonest_week", "listing_id"),
        Index(
            "ix_listing_search_specialty_soonest_week", "specialty", "soonest_week", "listing_id"
        ),
        Index("ix_listing_search_latitude", "latitude", "longitude"),
        Index("ix_listing_search_site_id", "site_id"),
        Index("ix_listing_search_title_words", "title_words", postgresql_using="gin"),
        Index(
            "ix_listing_search_words",
            "words",
            text("search_marks(specialty, us_state, sample)"),
            postgresql_using="gin",
        ),
    )


class ListingSearch(Base):
    """A published listing as searches see it.

    Weeks are numbered from Monday, 3 January 2000. Bit n of `free` is the n-th week from
    `first_week` on; `soonest_week` is no later than the first start that its least weeks are free
    from. Ranks are 0 for an elective to 3 for none. `sample` orders listings at random. The point
    is that of the site itself, else of its postal code, else of its city: `point_of` says which.
    """

    __tablename__ = "listing_search"
    __table_args__ = (
        CheckConstraint(
            "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (point_of IS NULL)",
            name="point",
        ),
        CheckConstraint("point_of IN ('site', 'zip', 'city')", name="point_of"),
        *_indexes(),
        {"postgresql_with": {"fillfactor": "90", "autovacuum_vacuum_scale_factor": "0.02"}},
    )

    # No foreign key: the table is exchanged for a copy of itself without a lock on the listings.
    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sample: Mapped[int]
    price_minor: Mapped[int] = mapped_column(BigInteger)
    first_week: Mapped[int]
    last_week: Mapped[int]
    weeks_min: Mapped[int] = mapped_column(SmallInteger)
    weeks_max: Mapped[int] = mapped_column(SmallInteger)
    lead_days: Mapped[int] = mapped_column(SmallInteger)
    rank_any: Mapped[int] = mapped_column(SmallInteger)
    rank_student: Mapped[int] = mapped_column(SmallInteger)
    rank_graduate: Mapped[int] = mapped_column(SmallInteger)
    step1_required: Mapped[bool]
    site_id: Mapped[uuid.UUID]
    price_currency: Mapped[str] = mapped_column(CHAR(3))
    specialty: Mapped[str]
    us_state: Mapped[str]
    setting: Mapped[str]
    letter_policy: Mapped[str]
    tier_student: Mapped[str | None]
    tier_graduate: Mapped[str | None]
    step2_min: Mapped[int | None] = mapped_column(SmallInteger)
    english_native: Mapped[bool] = mapped_column(server_default=false())
    toefl_ibt_min: Mapped[int | None] = mapped_column(SmallInteger)
    ielts_min: Mapped[Decimal | None] = mapped_column(Numeric(2, 1))
    oet_min: Mapped[int | None] = mapped_column(SmallInteger)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    point_of: Mapped[str | None]
    soonest_week: Mapped[int | None]
    free: Mapped[str | None] = mapped_column(BIT(varying=True))
    visa_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    changed_at: Mapped[datetime]
    title_words: Mapped[str] = mapped_column(TSVECTOR, deferred=True)
    words: Mapped[str] = mapped_column(TSVECTOR, deferred=True)


class StaleWeeks(Base):
    """A note that a listing's free weeks, or those of all that draw on a pool, may have changed.

    Rows are only added, in the transaction of the change, and taken away by the job: two bookings
    never wait for each other here. No foreign keys, which would lock what they point to.
    """

    __tablename__ = "stale_weeks"
    __table_args__ = (CheckConstraint("num_nonnulls(listing_id, pool_id) = 1", name="one"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    listing_id: Mapped[uuid.UUID | None]
    pool_id: Mapped[uuid.UUID | None]


class SearchWord(Base):
    """A word of the published listings, for typing errors: its stem, its trigrams, how common."""

    __tablename__ = "search_word"
    __table_args__ = (
        CheckConstraint("listings > 0", name="listings"),
        Index("ix_search_word_lexeme", "lexeme"),
        Index("ix_search_word_grams", "grams", postgresql_using="gin"),
    )

    word: Mapped[str] = mapped_column(primary_key=True)
    lexeme: Mapped[str]
    listings: Mapped[int]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))
    gathered_at: Mapped[datetime]


class Place(Base):
    """The centre of a postal code area (by its five digits) or of a city (in lower case)."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("kind IN ('zip', 'city')", name="kind"),
        CheckConstraint("us_state ~ '^[A-Z]{2}$'", name="us_state"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    us_state: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    latitude: Mapped[float] = mapped_column(Double)
    longitude: Mapped[float] = mapped_column(Double)
