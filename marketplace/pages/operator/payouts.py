"""What hosts are owed and is not sent, and why; and what sites owe the marketplace."""

from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking import queries as booking
from marketplace.catalog.queries import sites
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.payments.queries import hosts, statements
from marketplace.payments.service.hosts import transfers
from marketplace.web import context

MANY = 200
NOT_PROCESSABLE = 422
BASE = "/desk/payouts"

blueprint = Pages("desk_payouts")


@blueprint.get(BASE)
@require("operator")
def show() -> Response:
    """List shares that are frozen, transfers that can't go, and what sites owe."""
    return _shown({})


@blueprint.post(f"{BASE}/<uuid:transfer_id>/again")
@require("operator")
def send_again(transfer_id: UUID) -> Response:
    """Have a held or refused transfer sent again."""
    _, errors = forms.tried(
        lambda: transfers.send_again(
            context.session(),
            transfer_id,
            reason=f"asked for by {current_account().id}",
            now=context.now(),
        ),
        "transfers",
    )
    return _shown(errors) if errors else redirect(BASE, 303)


def _shown(errors: forms.Errors) -> Response:
    session = context.session()
    # One more than is shown tells whether there are more.
    found = (
        hosts.frozen_releases(session, MANY + 1),
        hosts.stopped_transfers(session, MANY + 1),
        statements.receivables(session, MANY + 1),
    )
    frozen, stopped, owed = found[0][:MANY], found[1][:MANY], found[2][:MANY]
    told = [(one.payable_kind, one.payable_id) for one in frozen]
    told += [(one.payable_kind, one.payable_id) for one in stopped]
    about = [key for kind, key in told if kind == booking.PAYABLE]
    bookings = booking.spans(session, about)
    trainees = sorted({one.trainee_id for one in bookings.values()})
    at = {one.site_id for one in frozen} | {one.site_id for one in stopped}
    at |= {one.site_id for one in owed}
    return form_page(
        "desk/payouts.html",
        NOT_PROCESSABLE if errors else 200,
        frozen=frozen,
        stopped=stopped,
        owed=owed,
        many=MANY,
        more=[len(one) > MANY for one in found],
        bookings=bookings,
        people=identity.contacts(session, trainees),
        sites=sites.names(session, at),
        waiting=hosts.WAITING,
        errors=errors,
    )
