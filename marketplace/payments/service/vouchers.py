"""Codes that lower a price: made by operators, claimed as something is paid, given back if it isn't.

A use is claimed by a conditional UPDATE of the code's row, which stays locked until the commit: so
many in all and so many by each are counted by one after the other, whatever runs at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from marketplace.core.db import Session, affected
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments.errors import VoucherNotFound, VoucherRefused
from marketplace.payments.events import DoneByHand, Payable
from marketplace.payments.models import VoucherCode, VoucherUse
from marketplace.payments.rules import Earner, PriceLine
from marketplace.payments.rules.credit import DISCOUNT, discount
from marketplace.web.pagination import Page, paginate


@dataclass(frozen=True, slots=True)
class Priced:
    """One thing that is to be paid: where it is, and its price's lines."""

    id: UUID
    listing_id: UUID
    site_id: UUID
    lines: tuple[PriceLine, ...]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A code that may be used for these things, and the line that it adds to each price."""

    code_id: UUID
    lines: Mapping[UUID, PriceLine]

    @property
    def discount(self) -> Money:
        found = [line.amount for line in self.lines.values()]
        return -sum(found[1:], found[0])


def make(session: Session, *, made_by: UUID, now: datetime, **values: Any) -> VoucherCode:
    """Make a code. A name that is taken is refused by the database (`VoucherExists`)."""
    row = VoucherCode(id=new_id(), uses=0, made_by=made_by, made_at=now, **values)
    session.add(row)
    session.flush()
    _by_hand(session, row, made_by, "made", now, row.description)
    return row


def withdraw(
    session: Session, code_id: UUID, *, actor_id: UUID, reason: str | None, now: datetime
) -> VoucherCode:
    """Let a code be used no more; payments that were begun with it go on. Twice is once."""
    row = find(session, code_id)
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        session.flush()
        _by_hand(session, row, actor_id, "withdrawn", now, reason)
    return row


def find(session: Session, code_id: UUID) -> VoucherCode:
    row = session.get(VoucherCode, code_id)
    if row is None:
        raise VoucherNotFound
    return row


def codes(session: Session, *, limit: int, cursor: str | None) -> Page[VoucherCode]:
    """Return all codes, newest first."""
    return paginate(
        session,
        select(VoucherCode),
        key=[VoucherCode.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def lower(
    session: Session, text: str, account_id: UUID, things: Sequence[Priced], now: datetime
) -> Lowered:
    """Say what a code takes off; nothing is claimed. `VoucherRefused` says why it takes nothing.

    An amount is divided among the things in proportion to what the marketplace earns by each, since
    it is the marketplace that pays for it; a percentage is of each price.
    """
    code = session.execute(
        select(VoucherCode).where(VoucherCode.code == text.upper())
    ).scalar_one_or_none()
    if code is None:
        raise _refused("unknown", "There is no such code.")
    _check(session, code, account_id, now)
    fitting = [one for one in things if _fits(code, one)]
    if not fitting:
        raise _refused("not_here", "The code is for other rotations, or another currency.")
    lines = _lines(code, fitting)
    if not lines:
        raise _refused("nothing", "There is no fee of the marketplace that it could take off.")
    return Lowered(code.id, lines)


def claim(
    session: Session,
    lowered: Lowered,
    account_id: UUID,
    payable: Payable,
    now: datetime,
) -> VoucherUse:
    """Use a code once; `VoucherRefused` where others were faster and nothing is left."""
    _count(session, lowered.code_id, account_id)
    amount = lowered.discount
    use = VoucherUse(
        id=new_id(),
        code_id=lowered.code_id,
        account_id=account_id,
        payable_kind=payable.kind,
        payable_id=payable.id,
        discount_minor=amount.minor,
        currency=amount.currency,
        shares={str(one): -line.amount.minor for one, line in lowered.lines.items()},
        claimed_at=now,
    )
    session.add(use)
    session.flush()
    return use


def release(session: Session, use_id: UUID, now: datetime) -> None:
    """Give a use back: what it was for is not paid. Twice is once."""
    given = session.execute(
        update(VoucherUse)
        .where(VoucherUse.id == use_id, VoucherUse.released_at.is_(None))
        .values(released_at=now)
        .returning(VoucherUse.code_id)
    ).scalar_one_or_none()
    if given is not None:
        _uncount(session, given)


def fulfil(session: Session, use_id: UUID) -> dict[UUID, Money] | None:
    """Return what the use takes off, by thing; None if it was given back and others have it now.

    A use that went back because the payment seemed lost is claimed again if one is left.
    """
    use = session.execute(
        select(VoucherUse).where(VoucherUse.id == use_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one()
    if use.released_at is not None:
        try:
            _count(session, use.code_id, use.account_id)
        except VoucherRefused:
            return None
        use.released_at = None
        session.flush()
    return {UUID(one): Money(minor, use.currency) for one, minor in use.shares.items()}


def discount_line(session: Session, use_id: UUID, amount: Money) -> PriceLine:
    """Return the line by which a use took `amount` off a price."""
    code = session.get_one(VoucherCode, session.get_one(VoucherUse, use_id).code_id)
    return PriceLine(DISCOUNT, _words(code), -amount, Earner.PLATFORM)


def _words(code: VoucherCode) -> str:
    return f"Code {code.code}"


def _check(session: Session, code: VoucherCode, account_id: UUID, now: datetime) -> None:
    if code.withdrawn_at is not None:
        raise _refused("withdrawn", "The code is no longer good.")
    if now < code.valid_from:
        raise _refused("not_yet", f"The code is good from {code.valid_from:%Y-%m-%d %H:%M} UTC.")
    if now >= code.valid_until:
        raise _refused("over", f"The code was good until {code.valid_until:%Y-%m-%d %H:%M} UTC.")
    if code.max_uses is not None and code.uses >= code.max_uses:
        raise _used_up()
    if code.max_uses_each is not None and _used(session, code.id, account_id) >= code.max_uses_each:
        raise _used_by_you()


def _fits(code: VoucherCode, thing: Priced) -> bool:
    if code.currency not in {None, thing.lines[0].amount.currency}:
        return False
    return _named(code.listing_ids, code.site_ids, thing)


def _named(listings: Collection[str], sites: Collection[str], thing: Priced) -> bool:
    everywhere = not listings and not sites
    return everywhere or str(thing.listing_id) in listings or str(thing.site_id) in sites


def _lines(code: VoucherCode, things: Sequence[Priced]) -> dict[UUID, PriceLine]:
    amounts: Sequence[Money | None] = [None] * len(things)
    if code.amount is not None:
        ours = [_ours(thing).minor for thing in things]
        if not any(ours):
            return {}
        amounts = code.amount.allocate(ours)
    found = {}
    for thing, amount in zip(things, amounts, strict=True):
        line = discount(
            thing.lines, basis_points=code.basis_points, amount=amount, words=_words(code)
        )
        if line is not None:
            found[thing.id] = line
    return found


def _ours(thing: Priced) -> Money:
    zero = Money.zero(thing.lines[0].amount.currency)
    return sum((line.amount for line in thing.lines if line.earner is Earner.PLATFORM), zero)


def _count(session: Session, code_id: UUID, account_id: UUID) -> None:
    """Count one more use; the code's row is ours from here on, so the account's are counted next."""
    counted = affected(
        session,
        update(VoucherCode)
        .where(
            VoucherCode.id == code_id,
            or_(VoucherCode.max_uses.is_(None), VoucherCode.uses < VoucherCode.max_uses),
        )
        .values(uses=VoucherCode.uses + 1)
        .execution_options(synchronize_session=False),
    )
    if not counted:
        raise _used_up()
    most = session.execute(
        select(VoucherCode.max_uses_each).where(VoucherCode.id == code_id)
    ).scalar_one()
    if most is not None and _used(session, code_id, account_id) >= most:
        _uncount(session, code_id)
        raise _used_by_you()


def _uncount(session: Session, code_id: UUID) -> None:
    session.execute(
        update(VoucherCode)
        .where(VoucherCode.id == code_id)
        .values(uses=VoucherCode.uses - 1)
        .execution_options(synchronize_session=False)
    )


def _used(session: Session, code_id: UUID, account_id: UUID) -> int:
    return session.execute(
        select(func.count()).where(
            VoucherUse.code_id == code_id,
            VoucherUse.account_id == account_id,
            VoucherUse.released_at.is_(None),
        )
    ).scalar_one()


def _refused(reason: str, words: str) -> VoucherRefused:
    return VoucherRefused(words, fields={"code": [words]}, extra={"reason": reason})


def too_late() -> VoucherRefused:
    """The price is settled by the first payment: no code lowers it any more."""
    return _refused("too_late", "A code is given with the first payment.")


def _used_up() -> VoucherRefused:
    return _refused("used_up", "The code has been used as often as it may be.")


def _used_by_you() -> VoucherRefused:
    return _refused("used_by_you", "You have used the code as often as you may.")


def _by_hand(
    session: Session, row: VoucherCode, actor_id: UUID, what: str, now: datetime, why: str | None
) -> None:
    detail = {"reason": why} if why else {}
    publish(
        session, DoneByHand(actor_id, f"voucher_code.{what}", "voucher_code", row.id, now, detail)
    )
