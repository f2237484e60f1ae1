"""A payer's statement: what was paid and what went back, and their credit, from a day to another.

It is read from the books: opening plus lines is closing, and the closing on one day is the opening
from then on. Days are in UTC.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import AccountKind
from marketplace.payments.queries import payer_statements as found
from marketplace.payments.queries.payer_statements import Moved, Sides
from marketplace.payments.service import ledger, losses
from marketplace.payments.service.credit import books

PAID, CREDIT = "paid", "credit"
_K = AccountKind
# A dispute that paid a refund is told of once, as the refund.
OF_PAYER: Sides = {
    (ledger.PAYMENT_SETTLED, _K.PROCESSOR_CLEARING): 1,
    (ledger.PAYMENT_SETTLED, _K.BANK): 1,
    (books.PAID_BY_CREDIT, _K.TRAINEE_CREDIT): 1,
    (ledger.REFUND_SENT, _K.REFUNDS_PAYABLE): -1,
    (ledger.REFUND_RETURNED, _K.REFUNDS_PAYABLE): -1,
    (ledger.REFUND_BY_DISPUTE, _K.REFUNDS_PAYABLE): -1,
    (ledger.REFUND_OWED_AGAIN, _K.REFUNDS_PAYABLE): -1,
    (books.REFUND_CREDITED, _K.REFUNDS_PAYABLE): -1,
    (losses.LOST, _K.DISPUTES): 1,
    (losses.REGAINED, _K.DISPUTES): 1,
}
WORDS = {
    ledger.PAYMENT_SETTLED: "Paid",
    books.PAID_BY_CREDIT: "Paid by credit",
    ledger.REFUND_SENT: "Refunded",
    ledger.REFUND_RETURNED: "Your bank handed the refund back; it is still owed to you",
    ledger.REFUND_BY_DISPUTE: "Refunded by your bank",
    ledger.REFUND_OWED_AGAIN: "Your bank took that refund back; it is owed to you again",
    books.REFUND_CREDITED: "Refunded as credit",
    losses.LOST: "Given back by your bank",
    losses.REGAINED: "Taken back by your bank",
    books.CREDIT_GIVEN: "Credit given",
    books.CREDIT_ENDED: "Credit that expired or was taken back",
    books.CREDIT_HANDED_ON: "Credit handed on",
}
COLUMNS = ("account", "date", "kind", "text", "payment", "receipt", "amount", "currency")


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: positive where more was paid, or more credit came."""

    at: datetime
    kind: str
    text: str
    payment_id: UUID | None
    receipt: str | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Account:
    """What was `paid`, less what went back, or the `credit`, in one currency."""

    kind: str
    currency: str
    opening: Money
    lines: Sequence[Line]
    closing: Money


@dataclass(frozen=True, slots=True)
class PayerStatement:
    """`until` is the first day that is not in it; none, and it goes to the last posting."""

    since: date | None
    until: date | None
    accounts: Sequence[Account]


def statement(
    session: Session, account_id: UUID, *, since: date | None, until: date | None
) -> PayerStatement:
    """Return an account's statement; in four queries."""
    begins = _midnight(since, datetime.min.replace(tzinfo=UTC))
    ends = _midnight(until, datetime.max.replace(tzinfo=UTC))
    paid_before = found.paid_before(session, account_id, OF_PAYER, begins)
    paid = found.paid(session, account_id, OF_PAYER, begins, ends)
    credit_before = found.credit_before(session, account_id, begins)
    credit = found.credit(session, account_id, begins, ends)
    accounts = [*_accounts(PAID, paid_before, paid), *_accounts(CREDIT, credit_before, credit)]
    return PayerStatement(since, until, accounts)


def as_csv(read: PayerStatement) -> str:
    """Return it as a table; amounts in decimals, with the balances as lines of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for account in read.accounts:
        _balance(writer, account, "opening", account.opening)
        for line in account.lines:
            writer.writerow(
                [
                    account.kind,
                    line.at.date().isoformat(),
                    line.kind,
                    line.text,
                    line.payment_id or "",
                    line.receipt or "",
                    str(line.amount.as_decimal()),
                    account.currency,
                ]
            )
        _balance(writer, account, "closing", account.closing)
    return out.getvalue()


def as_document(
    read: PayerStatement, *, name: str, legal_entity: str, today: date
) -> Mapping[str, Any]:
    """Return what the PDF's template prints; amounts come formatted."""
    return {
        "legal_entity": legal_entity,
        "name": name,
        "since": read.since.isoformat() if read.since else "",
        "until": read.until.isoformat() if read.until else "",
        "issued_on": today.isoformat(),
        "accounts": [
            {
                "kind": account.kind,
                "currency": account.currency,
                "opening": str(account.opening),
                "closing": str(account.closing),
                "lines": [
                    {
                        "date": line.at.date().isoformat(),
                        "text": line.text,
                        "receipt": line.receipt or "",
                        "amount": str(line.amount),
                    }
                    for line in account.lines
                ],
            }
            for account in read.accounts
        ],
    }


def _accounts(kind: str, opened: Mapping[str, Money], moved: Sequence[Moved]) -> Iterator[Account]:
    for currency in sorted({*opened, *(one.amount.currency for one in moved)}):
        opening = opened.get(currency, Money.zero(currency))
        lines = [_line(one) for one in moved if one.amount.currency == currency]
        if lines or opening:
            closing = sum((line.amount for line in lines), opening)
            yield Account(kind, currency, opening, lines, closing)


def _line(moved: Moved) -> Line:
    words = WORDS.get(moved.reason, moved.reason.replace("_", " ").capitalize())
    text = f"{words}: {moved.description}" if moved.description else words
    return Line(moved.at, moved.reason, text, moved.payment_id, moved.receipt, moved.amount)


def _balance(writer: Any, account: Account, kind: str, amount: Money) -> None:
    decimal = str(amount.as_decimal())
    writer.writerow([account.kind, "", kind, "", "", "", decimal, account.currency])


def _midnight(day: date | None, other: datetime) -> datetime:
    return other if day is None else datetime.combine(day, time(), tzinfo=UTC)
