"""One row of a host's sheet: every cell is read, and every problem is told, not the first only."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from marketplace.catalog.rules import cells, deposits, english, neutral, places
from marketplace.catalog.rules.drafts import (
    LEAD_DAYS,
    ListingDraft,
    PreceptorDraft,
    SiteDraft,
)
from marketplace.catalog.rules.findings import Caution, Fix, Problem, shown
from marketplace.catalog.rules.people import upright_name
from marketplace.catalog.rules.policies import SELECTABLE, fee_currency
from marketplace.catalog.rules.sheet import Record
from marketplace.catalog.rules.vocabulary import NO_VISA, Setting
from marketplace.core.money import Money

T = TypeVar("T")
_LONGEST = {
    "external_id": 64,
    "site_name": 200,
    "address": 300,
    "city": 100,
    "preceptor": 200,
    "title": 200,
    "residency_affiliation": 200,
    "notes": 2000,
}
LONGEST_CELL = 2000
# Control characters, and marks that turn the direction of what follows.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STEP_2 = cells.integer(1, cells.HIGHEST_SCORE, "score_out_of_range")
_WEEKS = cells.integer(1, cells.MOST_WEEKS, "weeks_out_of_range")
_LEAD_DAYS = cells.integer(0, cells.MOST_LEAD_DAYS, "days_out_of_range")
_SEATS = cells.integer(0, cells.MOST_SEATS, "seats_out_of_range")


@dataclass
class RowReader:
    """Reads the cells of one row and keeps what is to be said about them."""

    record: Record
    problems: list[Problem] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)

    def raw(self, column: str) -> str:
        return self.record.cells.get(column, "")

    def refuse(self, column: str | None, code: str, expected: str, value: str = "") -> None:
        value = value or (self.raw(column) if column else "")
        self.problems.append(Problem(self.record.row, column, shown(value), code, expected))

    def caution(self, column: str, code: str, text: str) -> None:
        self.cautions.append(Caution(self.record.row, column, shown(self.raw(column)), code, text))

    def fixed(self, column: str, now: str) -> None:
        self.fixes.append(Fix(self.record.row, column, shown(self.raw(column)), now))

    def cell(
        self, column: str, read: Callable[[str], cells.Read[T]], missing: str = "a value"
    ) -> T | None:
        """The value of a cell that is required, or none after a problem was noted."""
        text = self.raw(column).strip()
        if not text:
            self.refuse(column, "missing", missing)
            return None
        return self._read(column, text, read)

    def optional(self, column: str, read: Callable[[str], cells.Read[T]]) -> T | None:
        """The value of a cell that may be empty."""
        text = self.raw(column).strip()
        return self._read(column, text, read) if text else None

    def text(self, column: str, *, required: bool = True) -> str | None:
        """Free text with its quotes and dashes as typed; never a formula or control characters."""
        raw = self.raw(column)
        if neutral.DANGEROUS.match(raw):
            expected = (
                "text that does not begin with = + - @ or a tab; an apostrophe before it says"
            )
            self.refuse(column, "formula", f"{expected} that it is text")
            return None
        stripped = neutral.whole(raw.strip())
        if not stripped:
            if required:
                self.refuse(column, "missing", "some text")
            return None if required else ""
        if len(stripped) > _LONGEST[column]:
            self.refuse(column, "too_long", f"at most {_LONGEST[column]} characters")
            return None
        if _HIDDEN.search(stripped):
            self.refuse(column, "control_character", "text without control characters")
            return None
        return unicodedata.normalize("NFC", stripped)

    def _read(self, column: str, text: str, read: Callable[[str], cells.Read[T]]) -> T | None:
        if text.startswith("="):
            self.refuse(column, "formula", "a value, not a formula; copy it, then paste as value")
            return None
        if len(text) > LONGEST_CELL:
            self.refuse(column, "too_long", f"at most {LONGEST_CELL} characters")
            return None
        try:
            found = read(text)
        except cells.CellFault as fault:
            self.refuse(column, fault.code, fault.expected)
            return None
        if found.now is not None:
            self.fixed(column, found.now)
        return found.value


def read_row(record: Record) -> tuple[ListingDraft | None, RowReader]:
    """The row as a draft, or none; the reader holds all that is to be said about it."""
    reader = RowReader(record)
    if any(cell.strip() for cell in record.surplus) or record.missing:
        _refuse_shape(reader)
        return None, reader
    site = read_site(reader)
    preceptor = read_preceptor(reader)
    price = _price(reader)
    values: dict[str, Any] = {
        "external_id": reader.text("external_id"),
        "title": reader.text("title"),
        "specialty": reader.cell("specialty", cells.specialty, "a specialty"),
        "setting": reader.cell("setting", cells.word("setting"), "a setting"),
        "duties": reader.cell(
            "duties", cells.words("duty"), "at least one duty; without any there is no tier"
        ),
        "audience": reader.cell("audience", cells.word("audience")),
        "weeks_min": reader.cell("weeks_min", _WEEKS),
        "weeks_max": reader.cell("weeks_max", _WEEKS),
        "seats_per_week": reader.cell("seats_per_week", _SEATS, "a number of seats, perhaps 0"),
        "first_start": reader.cell("first_start", cells.monday, "a Monday as YYYY-MM-DD"),
        "last_start": reader.cell("last_start", cells.monday, "a Monday as YYYY-MM-DD"),
        "blackout_weeks": reader.optional("blackout_weeks", cells.mondays) or (),
        "visa_types": reader.cell("visa_types", cells.visas, "visa types, any or none_needed"),
        "step1_required": reader.cell("step1_required", cells.yes_no, "yes or no"),
        "letter_policy": reader.cell("letter_policy", cells.word("letter_policy")),
        "cancellation_policy": reader.cell("cancellation_policy", _policy),
        "approval": reader.cell("approval", cells.word("approval")),
        "notes": reader.text("notes", required=False),
        **_newer_terms(reader, price),
    }
    step2_min = reader.optional("step2_min", _STEP_2)
    _check_order(reader, values)
    _check_fees(reader, price, values["cancellation_policy"])
    if reader.problems and record.surplus:
        # An empty last cell that was pushed out leaves every cell in its neighbour's column.
        _refuse_shape(reader)
    # Without problems none of the required values is none.
    if reader.problems or site is None or preceptor is None or price is None:
        return None, reader
    draft = ListingDraft(
        site=site,
        preceptor=preceptor,
        price=price,
        step2_min=step2_min,
        **values,
    )
    _warn(reader, draft)
    return draft, reader


def read_site(reader: RowReader) -> SiteDraft | None:
    """The site of a row, or none after its problems were noted."""
    name, address, city = (reader.text(column) for column in ("site_name", "address", "city"))
    state = reader.cell("state", cells.state, "a state's postal code")
    country = reader.cell("country", cells.country, "US")
    zone = reader.cell("timezone", lambda text: cells.time_zone(text, state), "an IANA time zone")
    if not (name and address and city and state and country and zone):
        return None
    return SiteDraft(name, address, city, state, country, zone)


def _newer_terms(reader: RowReader, price: Money | None) -> dict[str, Any]:
    """The terms whose columns a sheet may lack; each then has its default."""
    currency = price.currency if price else "USD"
    lead_days = reader.optional("lead_days", _LEAD_DAYS)
    return {
        "english": reader.optional("english", english.read) or english.NOT_ASKED,
        "documents": reader.optional("documents", cells.words("document")) or (),
        "deposit": reader.optional("deposit", lambda text: deposits.read(text, currency))
        or deposits.STANDARD,
        "lead_days": LEAD_DAYS if lead_days is None else lead_days,
        "residency_affiliation": reader.text("residency_affiliation", required=False) or "",
        "claimed_tier": reader.optional("claimed_tier", cells.word("tier")),
    }


def read_preceptor(reader: RowReader) -> PreceptorDraft | None:
    """The preceptor of a row, or none after the problems were noted."""
    name = reader.text("preceptor")
    number = reader.cell("npi", cells.npi_number, "an NPI of ten digits")
    if name is None or number is None:
        return None
    upright = upright_name(name)
    if upright != name:
        reader.fixed("preceptor", upright)
    return PreceptorDraft(upright, number)


def _price(reader: RowReader) -> Money | None:
    currency = reader.cell("currency", cells.currency, "a currency such as USD")
    # A price is judged even where its currency is not known, so that both are told at once.
    price = reader.cell("price_per_week", lambda text: cells.price(text, currency or "USD"))
    return price if currency else None


def _policy(text: str) -> cells.Read[str]:
    key = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")
    if key not in SELECTABLE:
        raise cells.CellFault("unknown_policy", f"one of: {', '.join(SELECTABLE)}")
    return cells.Read(key, None if key == text else key)


def _refuse_shape(reader: RowReader) -> None:
    record = reader.record
    if record.surplus:
        reader.refuse(
            None,
            "too_many_cells",
            "as many cells as headings; a comma inside a cell needs quotes around the cell",
            "; ".join(record.surplus),
        )
    else:
        reader.refuse(None, "too_few_cells", f"cells for {', '.join(record.missing)}")


def _check_order(reader: RowReader, values: Mapping[str, Any]) -> None:
    """What no cell can tell by itself: a minimum above a maximum, a last day before a first."""
    least, most = values["weeks_min"], values["weeks_max"]
    if isinstance(least, int) and isinstance(most, int) and least > most:
        reader.refuse("weeks_min", "min_above_max", f"at most weeks_max, which is {most}")
    first, last = values["first_start"], values["last_start"]
    if first and last and str(first) > str(last):
        reader.refuse("last_start", "last_before_first", f"a Monday from first_start, {first}, on")


def _check_fees(reader: RowReader, price: Money | None, policy: str | None) -> None:
    """A fee can't be taken from a payment in another currency: no such booking could be cancelled."""
    fees = fee_currency(policy) if policy else None
    if price is None or fees in (None, price.currency):
        return
    fitting = [key for key in SELECTABLE if fee_currency(key) in (None, price.currency)]
    reader.refuse(
        "cancellation_policy",
        "fee_currency",
        f"fees in the price's currency; those of {policy} are in {fees}, the price is in"
        f" {price.currency}: choose {' or '.join(fitting)}, or a price in {fees}",
    )


def _warn(reader: RowReader, draft: ListingDraft) -> None:
    if draft.seats_per_week == 0:
        reader.caution(
            "seats_per_week",
            "no_seats",
            "Kept as a draft; it can't be published before a week has a seat.",
        )
    if draft.price.currency != "USD":
        reader.caution(
            "currency",
            "unusual_currency",
            f"A site in the United States with a price in {draft.price.currency}.",
        )
    if draft.site.time_zone not in places.zones_of(draft.site.state):
        reader.caution("timezone", "unusual_time_zone", f"Not a zone in use in {draft.site.state}.")
    if NO_VISA in draft.visa_types and draft.setting != Setting.REMOTE:
        reader.caution(
            "visa_types",
            "visa_in_person",
            "A trainee from abroad needs a visa to be there in person.",
        )
