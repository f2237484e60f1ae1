"""What a row of a host's sheet amounts to once every cell is understood."""

from dataclasses import dataclass
from datetime import date

from marketplace.catalog.rules.deposits import STANDARD, DepositRule
from marketplace.catalog.rules.english import NOT_ASKED, EnglishTerms
from marketplace.core.money import Money

LEAD_DAYS = 14


@dataclass(frozen=True)
class SiteDraft:
    """`state` is a postal code, `time_zone` an IANA name."""

    name: str
    address: str
    city: str
    state: str
    country: str
    time_zone: str


@dataclass(frozen=True)
class PreceptorDraft:
    name: str
    npi: str


@dataclass(frozen=True)
class ListingDraft:
    """`price` is for one week and one seat; starts and blackout weeks are Mondays.

    The terms with a default are those of the sheet's newer columns, which a sheet may lack.
    `documents` are asked for before the first day; `lead_days` lie between booking and start.
    """

    external_id: str
    site: SiteDraft
    preceptor: PreceptorDraft
    specialty: str
    title: str
    setting: str
    duties: tuple[str, ...]
    audience: str
    weeks_min: int
    weeks_max: int
    price: Money
    seats_per_week: int
    first_start: date
    last_start: date
    blackout_weeks: tuple[date, ...]
    visa_types: tuple[str, ...]
    step1_required: bool
    step2_min: int | None
    letter_policy: str
    cancellation_policy: str
    approval: str
    notes: str
    english: EnglishTerms = NOT_ASKED
    documents: tuple[str, ...] = ()
    deposit: DepositRule = STANDARD
    lead_days: int = LEAD_DAYS
    residency_affiliation: str = ""
    claimed_tier: str | None = None
