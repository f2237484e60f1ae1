"""What a row of a host's sheet amounts to once every cell is understood."""

from dataclasses import dataclass
from datetime import date

from marketplace.core.money import Money


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
    """`price` is for one week and one seat; starts and blackout weeks are Mondays."""

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
