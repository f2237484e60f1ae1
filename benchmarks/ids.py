"""Ids of generated rows: a kind and a number, the same in Python and in SQL.

In the form of a UUID of version 7 and in rising order, as the product's own are.
"""

import uuid

TRAINEE, OWNER, SITE, PRECEPTOR, LISTING, POOL, PERSON, MEMBER, CAMPAIGN, OUTCOME = range(1, 11)
BOOKING = 11

# Immutable and simple, so that the planner writes it into the statement.
FUNCTION = """
CREATE OR REPLACE FUNCTION bench_id(kind integer, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
"""


def of(kind: int, number: int) -> uuid.UUID:
    """The id of the `number`th (from 0) generated row of a kind."""
    return uuid.UUID(f"{kind:08x}-0000-7000-8000-{number:012x}")
