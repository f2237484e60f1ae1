"""Money: payments, refunds, hosts' shares, disputes, the ledger, receipts and reconciliation.

Owns what is asked for, what arrived, what goes back, what hosts are paid, and the double-entry
books of all of it. A payment is for a payable `(kind, id)` whose meaning only its owner knows; the
owner listens to the events. Promises that nothing is charged twice, that refunds never exceed what
was captured, that every ledger transaction sums to zero in each currency (the database refuses
others), that an event of Stripe takes effect once in whatever order it comes, and that what does
not fit is set aside for a person, never booked. No call to Stripe is made inside a database
transaction.
Refuses to know bookings, to edit history, and to decide who gets money back: it is told.
"""
