"""A site's money: whether it can be paid, what was sent, and the statement of each month."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as booking
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, site_member
from marketplace.identity.rules import Role
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, back, panel, refusal
from marketplace.pages.view import Pages
from marketplace.pages.words import noted
from marketplace.payments.gateway.paid_for import PaidThings
from marketplace.payments.queries import hosts as found
from marketplace.payments.queries import statements as ledger
from marketplace.payments.routes.hosts import month_of, word_of
from marketplace.payments.service.hosts import accounts, books, shares, statements
from marketplace.web import context

TAB = "/money"
BASE = "/host/sites/<uuid:site_id>/money"
A_PAGE, MOST_FROZEN = 20, 50
# What was posted at this very time is in what is due now.
MOMENT = timedelta(microseconds=1)
DECEMBER = 12
STATES = {
    "none": noted("Not set up: nothing can be sent to you yet"),
    "asked": noted("The link to our payment company is being made"),
    "onboarding": noted("Our payment company needs your details"),
    "ready": noted("Everything is set up"),
    "restricted": noted("Our payment company asks for more"),
    "refused": noted("No link could be made"),
}
SENT = {
    "held": noted("Waits"),
    "requested": noted("On its way"),
    "sent": noted("Sent"),
    "settled": noted("Sent"),
    "failed": noted("Failed"),
    "withdrawn": noted("Nothing was left to send"),
}
# Why a part is not sent.
HELD = {
    shares.ACCOUNT: noted("Your account can't receive it yet: set up payouts above."),
    shares.DISPUTE: noted("The payment is disputed: it waits for the bank's word."),
}
KINDS = {
    books.SHARE_EARNED: noted("Share of a rotation"),
    books.SHARE_TAKEN_BACK: noted("Taken back: the payer was refunded, or the booking was changed"),
    books.TRANSFER_SENT: noted("Sent to your account"),
    books.TRANSFER_REVERSED: noted("Taken back from your account"),
}

blueprint = Pages("host_money")


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID) -> Response:
    """Show how the site stands, and what was released to it."""
    return _shown(site_id)


@blueprint.post(f"{BASE}/onboarding")
@site_member(Role.SITE_OWNER, operators=False)
def onboard(site_id: UUID) -> Answer:
    """Ask for the link at which the payment company is told who is paid."""
    try:
        accounts.ask_onboarding(
            context.session(), site_id, asked_by=current_account().id, now=context.now()
        )
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, refusal(refused), refused.status)
    return back(site_id, TAB)


@blueprint.get(f"{BASE}/<string:month>")
@site_member(*DECIDERS, operators=False)
def statement(site_id: UUID, month: str) -> Response:
    """Show a month line by line, with what was due before and after it."""
    first = month_of(month)
    session, after = context.session(), _moved(first, 1)
    read = statements.statement(session, site_id, first)
    return panel(
        "host/statement.html",
        site_id,
        TAB,
        read=read,
        month=first,
        before=_moved(first, -1),
        after=after if after <= context.now().date() else None,
        kinds=KINDS,
        rotations=statements.paid_for(session, read, context.parts().get(PaidThings)),
    )


def _shown(site_id: UUID, refused: str | None = None, status: int = 200) -> Response:
    session, now = context.session(), context.now()
    transfers = found.transfers_page(session, site_id, limit=A_PAGE, cursor=forms.cursor())
    frozen = found.frozen_releases(session, MOST_FROZEN, site_id=site_id)
    about = {one.payable_id for one in transfers.items} | {one.payable_id for one in frozen}
    account: Any = found.host_account(session, site_id)
    month = date(now.year, now.month, 1)
    good = account is not None and account.link_url and account.link_expires_at > now
    return panel(
        "host/money.html",
        site_id,
        TAB,
        status,
        account=account,
        word=word_of(account) if account else "none",
        link=account.link_url if good else None,
        # A first link is waited for, and another one.
        waiting=account is not None and account.link_asked_at is not None and not good,
        states=STATES,
        sent=SENT,
        held=HELD,
        transfers=transfers,
        frozen=frozen,
        rotations=booking.spans(session, about) if about else {},
        standing=ledger.opening(session, site_id, now + MOMENT),
        months=[_moved(month, -back) for back in range(12)],
        refused=refused,
    )


def _moved(month: date, by: int) -> date:
    count = month.year * DECEMBER + month.month - 1 + by
    if count < DECEMBER:
        raise NotFound
    return date(count // DECEMBER, count % DECEMBER + 1, 1)
