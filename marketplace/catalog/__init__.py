"""Sites, preceptors and listings: what may be booked, what it counts as, and which weeks are free.

Owns: sites, preceptors, listings and their versions, the tier of clinical experience that a
listing's duties amount to, seats by week, search, and the import of a host's spreadsheet.

Promises: a tier is computed from duties, never from a title; a listing whose words contradict its
duties is read by an operator before it is published; a week never has more seats taken than it
has; nothing recorded about a listing (versions, states, reviews) is edited away.

Refuses: to know bookings, money or documents. It takes and releases seats when told, and says
what a rule makes of a profile; whoever calls it decides what follows.
"""
