"""Credit and codes for tests, and what the books say of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.booking.models import Booking
from marketplace.booking.service import replaying
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.rules.credit import GrantReason
from marketplace.payments.service import vouchers
from marketplace.payments.service.credit import granting
from tests.factories.rotations import Stage


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def give(stage: Stage, account_id: UUID, amount: Money, **changes: Any) -> UUID:
    """Credit that an operator gave; the grant's id."""
    given: dict[str, Any] = {
        "reason": GrantReason.GOODWILL,
        "note": "With our apologies",
        "granted_by": stage.account("Olga Operator"),
        "expires_at": None,
        "transferable": False,
        "now": stage.now,
    }
    with stage.transaction() as session:
        return granting.give(session, account_id, amount, **{**given, **changes}).id


def code(stage: Stage, name: str = "SPRING-27", **changes: Any) -> UUID:
    """A code of 5 % that everybody may use once."""
    values: dict[str, Any] = {
        "code": name,
        "description": "For the spring",
        "basis_points": 500,
        "amount_minor": None,
        "currency": None,
        "valid_from": stage.now - timedelta(days=1),
        "valid_until": stage.now + timedelta(days=60),
        "max_uses": None,
        "max_uses_each": 1,
        "listing_ids": [],
        "site_ids": [],
    }
    with stage.transaction() as session:
        operator = stage.account("Olga Operator")
        made = vouchers.make(session, made_by=operator, now=stage.now, **{**values, **changes})
        return made.id


def uses(stage: Stage, code_id: UUID) -> int:
    with stage.transaction() as session:
        session.expire_all()
        return vouchers.find(session, code_id).uses


def available(stage: Stage, account_id: UUID) -> int:
    """What the account can spend in USD, in minor units."""
    with stage.transaction() as session:
        found = queries.available(session, account_id, stage.now)
    return sum(one.minor for one in found if one.currency == "USD")


def assert_sound(stage: Stage) -> None:
    """The books sum to zero and owe the credit that there is; seats and holds are right."""
    with stage.transaction() as session:
        assert queries.wrong_credit(session) == []
        assert queries.wrong_totals(session) == []
        assert queries.wrong_refund_sums(session) == []
        sums: dict[str, int] = {}
        for one in queries.trial_balance(session):
            currency = one.balance.currency
            sums[currency] = sums.get(currency, 0) + one.balance.minor
        assert not any(sums.values())
        booked = session.execute(select(Booking)).scalars().all()
        wrong = [one for one in replaying.verdicts(session, booked) if not one.agrees]
        assert [(one.booking_id, one.disagreements) for one in wrong] == []
    assert stage.findings() == []


def money(minor: int) -> dict[str, Any]:
    """As the API writes an amount in USD."""
    return {"amount": minor, "currency": "USD"}


def cancel(call: Any, person: Any, booking_id: Any, **wish: Any) -> dict[str, Any]:
    """Cancel over HTTP as the quote says; the quote."""
    where = f"/bookings/{booking_id}"
    shown: dict[str, Any] = call(person, "POST", f"{where}/cancellation-quote", wish).json
    answer = call(person, "POST", f"{where}/cancel", {"quote": shown["quote"], **wish})
    assert answer.status_code == 200, answer.json
    return shown
