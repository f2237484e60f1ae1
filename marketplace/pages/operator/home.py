"""The desk: every queue with how much waits in it."""

from flask import Response

from marketplace.booking.queries import desk as booking
from marketplace.catalog.queries import desk as catalog
from marketplace.compliance.queries import reviewing
from marketplace.identity.access import require
from marketplace.identity.queries import school_checks
from marketplace.outcomes.queries import verification as outcomes
from marketplace.pages.view import Pages, page
from marketplace.pages.words import noted
from marketplace.payments import queries as payments
from marketplace.payments.queries import desk as money
from marketplace.payments.queries import hosts
from marketplace.payments.service import steps
from marketplace.web import context, failed_jobs

blueprint = Pages("desk_home")


@blueprint.get("/desk")
@require("operator")
def home() -> Response:
    """Show what waits for somebody; a constant number of queries."""
    session = context.session()
    bookings = booking.waiting(session, context.now())
    listings, sums = (
        catalog.waiting(session),
        money.waiting(session, context.now() - steps.LOOK_AGAIN),
    )
    last = payments.last_reconciliation(session)
    queues = (
        ("/desk/sites", noted("Sites to verify"), listings.sites),
        ("/desk/schools", noted("Schools to verify"), school_checks.waiting_count(session)),
        ("/desk/listings", noted("Tier conflicts"), listings.reviews),
        ("/desk/drifts", noted("Tier drift"), listings.drifts),
        ("/desk/documents", noted("Documents"), reviewing.waiting_count(session)),
        ("/desk/no-shows", noted("Disputed no-shows"), bookings.disputed),
        ("/desk/left-open", noted("Rotations that nobody closed"), bookings.left_open),
        ("/desk/bookings?overdue=true", noted("Overdue balances"), bookings.overdue),
        ("/desk/disputes", noted("Disputes"), sums.disputes),
        ("/desk/quarantine", noted("Quarantined payments"), sums.quarantined),
        ("/desk/events", noted("Events from Stripe that wait"), sums.events),
        ("/desk/payouts", noted("Payouts that are stopped"), hosts.stopped_count(session)),
        ("/desk/bank-refunds", noted("Refunds to send by bank"), sums.bank_refunds),
        ("/desk/invoices?state=overdue", noted("Overdue invoices"), sums.overdue),
        ("/desk/outcomes", noted("Match outcomes to verify"), outcomes.waiting_count(session)),
        ("/desk/jobs", noted("Failed jobs"), failed_jobs.count(session)),
    )
    return page(
        "desk/home.html",
        queues=queues,
        last=last,
        mismatches=len(last.mismatches) if last else 0,
    )
