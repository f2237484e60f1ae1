"""Cohorts: held for named students all or none, agreed to by each, paid by the school's invoice.

The order of locks is that of itineraries: the money (`payments.lock_payable`), the cohort's row, its
bookings by id, their weeks, the listing, the seats. Who acts on one booking alone never takes the
cohort's row: a job follows.
"""

from marketplace.booking.queries.cohorts import PAYABLE

KIND = PAYABLE
FOLLOW = "booking.follow_cohort"
