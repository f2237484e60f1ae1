"""The bare SQL of the yardstick: the same rows as the product writes, in as few statements.

Written for psycopg's named parameters; `benchmarks.bare` turns the same text into a pgbench script.
"""

from typing import LiteralString

# One statement takes the seats: locked in order, changed only where each week has one left.
TAKE: LiteralString = """
UPDATE seat_week AS sw SET taken = sw.taken + 1
  FROM (SELECT s.pool_id, s.week FROM seat_week s
          JOIN listing_pool lp ON lp.pool_id = s.pool_id
         WHERE lp.listing_id = %(listing)s::uuid
           AND s.week >= %(first_day)s::date AND s.week < %(first_day)s::date + 28
         ORDER BY s.pool_id, s.week FOR UPDATE OF s) AS wanted
 WHERE sw.pool_id = wanted.pool_id AND sw.week = wanted.week AND sw.taken < sw.capacity
"""
LISTING: LiteralString = """
SELECT l.version, l.title, l.site_id, l.site_name, s.time_zone, l.approval, l.price_minor,
       l.price_currency, l.tier_graduate, l.classifier
  FROM listing l JOIN site s ON s.id = l.site_id WHERE l.id = %(listing)s
"""
BOOKING: LiteralString = """
INSERT INTO booking (id, trainee_id, listing_id, listing_version, listing_title, site_id,
    site_name, time_zone, first_day, last_day, weeks, state, version, hold_expires_at, approval,
    price, total_minor, total_currency, deposit_minor, deposit_currency, paid_minor,
    paid_currency, balance_due_on, policy, tier, classifier_version, learner_status, held_at)
SELECT %(booking)s::uuid, %(trainee)s::uuid, l.id, l.version, l.title, l.site_id, l.site_name,
    s.time_zone, %(first_day)s::date, %(first_day)s::date + 27, 4, 'held', 1,
    now() + interval '35 minutes', l.approval, %(price)s::jsonb, l.price_minor * 4 * 112 / 100,
    l.price_currency, l.price_minor * 4 * 112 / 500, l.price_currency, 0, l.price_currency,
    %(first_day)s::date - 28, %(policy)s::jsonb, l.tier_graduate, l.classifier, 'graduate', now()
  FROM listing l JOIN site s ON s.id = l.site_id WHERE l.id = %(listing)s::uuid
"""
WEEKS: LiteralString = """
INSERT INTO booking_week (id, booking_id, trainee_id, listing_id, week, taken_at)
SELECT uuidv7(), %(booking)s::uuid, %(trainee)s::uuid, %(listing)s::uuid,
       %(first_day)s::date + 7 * n, now() FROM generate_series(0, 3) AS n
"""
HELD: LiteralString = """
INSERT INTO booking_transition (booking_id, number, to_state, at, actor_id, reason)
VALUES (%(booking)s::uuid, 1, 'held', now(), %(trainee)s::uuid, 'Seat held.')
"""
HOLD = (BOOKING, WEEKS, HELD, TAKE)

AWAIT: LiteralString = """
UPDATE booking SET state = 'awaiting_payment', version = version + 1,
       hold_expires_at = now() + interval '35 minutes', payment_id = %(payment)s::uuid
 WHERE id = %(booking)s::uuid AND state = 'held'
"""
PAYMENT: LiteralString = """
INSERT INTO payment (id, payable_kind, payable_id, purpose, payer_id, site_id, amount_minor,
    amount_currency, description, state, requested_at, expires_at, next_look_at)
SELECT %(payment)s::uuid, 'booking', b.id, 'deposit', b.trainee_id, b.site_id, b.deposit_minor,
       b.deposit_currency, b.listing_title || ', ' || b.first_day || ' to ' || b.last_day,
       'requested', now(), now() + interval '30 minutes', now() + interval '1 minute'
  FROM booking b WHERE b.id = %(booking)s::uuid
"""
LINES: LiteralString = """
INSERT INTO payment_line (id, payment_id, place, kind, description, quantity, amount_minor,
    amount_currency, earner)
SELECT uuidv7(), %(payment)s::uuid, 0, 'weeks', 'Rotation, 4 weeks', 4, deposit_minor * 100 / 112,
       deposit_currency, 'host' FROM booking WHERE id = %(booking)s::uuid
UNION ALL
SELECT uuidv7(), %(payment)s::uuid, 1, 'platform_fee', 'Platform fee', 1,
       deposit_minor - deposit_minor * 100 / 112, deposit_currency, 'platform'
  FROM booking WHERE id = %(booking)s::uuid
"""
ASKED: LiteralString = """
INSERT INTO payment_transition (id, payment_id, after, reason, at)
VALUES (uuidv7(), %(payment)s::uuid, 'requested', 'asked for', now())
"""
PAYING: LiteralString = """
INSERT INTO booking_transition (booking_id, number, from_state, to_state, at, actor_id, reason)
VALUES (%(booking)s::uuid, 2, 'held', 'awaiting_payment', now(), %(trainee)s::uuid,
        'Payment begun.')
"""
JOB: LiteralString = """
INSERT INTO procrastinate_jobs (queue_name, task_name, args)
VALUES (%(queue)s, %(task)s, %(arguments)s::jsonb)
"""
PAY = (PAYMENT, LINES, ASKED, AWAIT, PAYING, JOB)

YEAR: LiteralString = """
SELECT sw.week::text, min(sw.capacity), min(sw.capacity - sw.taken)
  FROM listing_pool lp JOIN seat_week sw ON sw.pool_id = lp.pool_id
 WHERE lp.listing_id = %(listing)s AND sw.week BETWEEN %(first)s AND %(last)s
 GROUP BY sw.week ORDER BY sw.week
"""
EVENT: LiteralString = """
INSERT INTO webhook_event (id, processor_event, kind, live, api_version, happened_at, received_at,
    payload, state)
VALUES (uuidv7(), %(event)s, %(kind)s, false, %(api_version)s, now(), now(), %(payload)s::jsonb,
        'received')
ON CONFLICT (processor_event) DO NOTHING RETURNING id
"""

# What a booking freezes, of the size that the product writes.
PRICE = {
    part: [
        {
            "kind": kind,
            "description": description,
            "amount": {"amount": 80000, "currency": "USD"},
            "earner": earner,
            "quantity": quantity,
        }
        for kind, description, earner, quantity in (
            ("weeks", "Rotation, 4 weeks", "host", 4),
            ("platform_fee", "Platform fee", "platform", 1),
        )
    ]
    for part in ("lines", "deposit", "balance")
}
