"""Rotations as they are taken: from a held seat to a completed rotation, and every way out.

Owns: bookings with what was frozen on them (price, plan, cancellation terms, tier), the weeks that
they occupy, the history of their states, itineraries of several of them, cancellations, attendance,
and the private addresses at which calendars are subscribed to.

Promises: a trainee never holds two seats in one week; a seat is free, held until a known time, or
owned by a live booking; a state changes in one place, by a table, with a row of history; nobody
cancels without having seen the exact refund; money for a lost seat goes back by itself.

Refuses: to charge or refund by its own hand (it asks `payments`), to decide how many seats there
are (it asks `catalog`), and to rewrite what was frozen.
"""
