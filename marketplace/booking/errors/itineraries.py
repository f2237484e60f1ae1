"""What is refused of several rotations held and paid together."""

from marketplace.core.errors import Conflict


class ItineraryNotDraft(Conflict):
    code = "itinerary_not_draft"
    title = "This itinerary is no draft any more."


class TooManyDrafts(Conflict):
    code = "too_many_drafts"
    title = "You have as many drafts as are kept. Throw one away first."


class ItineraryRefused(Conflict):
    """`extra.items` has each rotation that can't be held: its place, why, and which starts are free."""

    code = "itinerary_refused"
    title = "Nothing was held: not every rotation of the itinerary can be."


class CurrenciesMixed(Conflict):
    """`extra.currencies` has them; one payment is in one currency."""

    code = "currencies_mixed"
    title = "An itinerary is paid at once, so all its prices are in one currency."


class ItineraryIncomplete(Conflict):
    """`extra.ended` has the bookings that are over, with their states."""

    code = "itinerary_incomplete"
    title = (
        "Some rotations of the itinerary have ended: name them in `without` to go on with the rest."
    )


class PaidTogether(Conflict):
    """`extra.itinerary_id` names the itinerary."""

    code = "paid_together"
    title = "This booking is part of an itinerary: it is submitted and paid with the others."
