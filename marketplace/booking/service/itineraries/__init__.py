"""Itineraries: drawn up, looked through, held together, decided on, paid together or not at all.

The order of locks is one everywhere: the money (`payments.lock_payable`), the itinerary's row, its
bookings by id, their weeks, the listings by id, the seats by pool and week. Who acts on one booking
alone (a host, a deadline) never takes the itinerary's row: a job follows, see `following`.
"""

from marketplace.booking.queries.itineraries import PAYABLE

KIND = PAYABLE
FOLLOW = "booking.follow_itinerary"
