"""A site's statement of a month: what was due at its beginning, each movement, what is due at its end.

It is read from the books: opening plus lines is closing, and the closing of one month is the
opening of the next. Months are in UTC.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.gateway.paid_for import PaidFor, PaidThings
from marketplace.payments.models import HostTransfer, ShareClaim
from marketplace.payments.queries import statements
from marketplace.payments.queries.statements import Movement
from marketplace.payments.service.hosts import books

OURS, CLAIM = "transfer:", "claim:"
WORDS = {
    books.SHARE_EARNED: "Share of a rotation",
    books.SHARE_TAKEN_BACK: "Taken back: the payer was refunded, or the booking was changed",
    books.TRANSFER_SENT: "Sent to your account",
    books.TRANSFER_REVERSED: "Taken back from your account",
}
COLUMNS = (
    "date",
    "kind",
    "text",
    "booking",
    "part",
    "share",
    "fee",
    "amount",
    "currency",
    "reference",
    "rotation",
    "trainee",
    "first_day",
    "last_day",
)
Named = Mapping[UUID, PaidFor]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement. `amount` is signed from the host's side; `share` and `fee` explain it."""

    at: datetime
    kind: str
    text: str
    payable_id: UUID | None
    tranche: int | None
    share: Money | None
    fee: Money | None
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class Account:
    """A month in one currency; what is due to the host is positive, what they owe negative."""

    currency: str
    opening: Money
    lines: Sequence[StatementLine]
    closing: Money


@dataclass(frozen=True, slots=True)
class Statement:
    site_id: UUID
    month: str
    accounts: Sequence[Account]


def statement(session: Session, site_id: UUID, month: date) -> Statement:
    """Return the statement of the month that begins on `month`; in a fixed number of queries."""
    since = datetime(month.year, month.month, 1, tzinfo=UTC)
    before = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
    opened = statements.opening(session, site_id, since)
    lines = _lines(session, statements.movements(session, site_id, since, before))
    currencies = sorted({*opened, *(line.amount.currency for line in lines)})
    accounts = []
    for currency in currencies:
        own = [line for line in lines if line.amount.currency == currency]
        opening = opened.get(currency, Money.zero(currency))
        closing = sum((line.amount for line in own), opening)
        if own or opening:
            accounts.append(Account(currency, opening, own, closing))
    return Statement(site_id, f"{month:%Y-%m}", accounts)


def paid_for(session: Session, found: Statement, things: PaidThings) -> Named:
    """Return what the lines are about, by its id."""
    lines = [line for account in found.accounts for line in account.lines]
    about = {line.payable_id for line in lines if line.payable_id}
    return things.named(session, about) if about else {}


def as_csv(found: Statement, named: Named) -> str:
    """Return the lines as a table; amounts in decimals, with the balances as lines of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for account in found.accounts:
        _balance(writer, "opening", account.opening)
        for line in account.lines:
            writer.writerow(
                [
                    line.at.date().isoformat(),
                    line.kind,
                    line.text,
                    line.payable_id or "",
                    line.tranche or "",
                    _decimal(line.share),
                    _decimal(line.fee),
                    _decimal(line.amount),
                    account.currency,
                    line.reference,
                    *_told(named, line),
                ]
            )
        _balance(writer, "closing", account.closing)
    return out.getvalue()


def as_document(
    found: Statement, named: Named, *, site_name: str, legal_entity: str
) -> dict[str, Any]:
    """Return what the PDF's template prints; amounts come formatted."""
    return {
        "legal_entity": legal_entity,
        "site": site_name,
        "month": found.month,
        "accounts": [
            {
                "opening": str(account.opening),
                "closing": str(account.closing),
                "lines": [
                    {
                        "date": line.at.date().isoformat(),
                        "text": _with_fee(line),
                        "about": _about(named, line),
                        "amount": str(line.amount),
                    }
                    for line in account.lines
                ],
            }
            for account in found.accounts
        ],
    }


def _lines(session: Session, moved: Sequence[Movement]) -> list[StatementLine]:
    named = [one.source for one in moved]
    ours = _ids(named, OURS)
    transfers = statements.transfers_by(session, ours, named)
    by_source = {f"{OURS}{row.id}": row for row in transfers}
    by_source |= {row.processor_transfer: row for row in transfers if row.processor_transfer}
    by_source |= statements.transfers_reversed(session, named)
    claims = {f"{CLAIM}{row.id}": row for row in statements.claims_by(session, _ids(named, CLAIM))}
    return [_line(one, by_source.get(one.source) or claims.get(one.source)) for one in moved]


def _line(moved: Movement, about: HostTransfer | ShareClaim | None) -> StatementLine:
    explained = moved.reason in {books.SHARE_EARNED, books.SHARE_TAKEN_BACK} and about is not None
    return StatementLine(
        at=moved.at,
        kind=moved.reason,
        text=WORDS.get(moved.reason, moved.reason.replace("_", " ").capitalize()),
        payable_id=about.payable_id if about else None,
        tranche=about.tranche if isinstance(about, HostTransfer) else None,
        share=about.gross if explained and about else None,
        fee=about.fee if explained and about else None,
        amount=moved.amount,
        reference=moved.source,
    )


def _with_fee(line: StatementLine) -> str:
    if line.share is None or line.fee is None or not line.fee:
        return line.text
    return f"{line.text} ({line.share} less a fee of {line.fee})"


def _told(named: Named, line: StatementLine) -> list[str]:
    one = named.get(line.payable_id) if line.payable_id else None
    if one is None:
        return [""] * 4
    return [one.title, one.trainee, one.first_day.isoformat(), one.last_day.isoformat()]


def _about(named: Named, line: StatementLine) -> str:
    title, trainee, first_day, last_day = _told(named, line)
    return f"{title}, {trainee}, {first_day} – {last_day}" if title else ""


def _ids(sources: Sequence[str], mark: str) -> list[UUID]:
    return [UUID(source.removeprefix(mark)) for source in sources if source.startswith(mark)]


def _balance(writer: Any, kind: str, amount: Money) -> None:
    words = "Due to you at the beginning" if kind == "opening" else "Due to you at the end"
    writer.writerow(["", kind, words, "", "", "", "", _decimal(amount), amount.currency, *[""] * 5])


def _decimal(amount: Money | None) -> str:
    return "" if amount is None else str(amount.as_decimal())
