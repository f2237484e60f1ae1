"""Bookings by the thousand: copies of one that was made through the product, row by row in SQL."""

from uuid import UUID

from sqlalchemy import text

from tests.factories.rotations import Place, Stage

# Each of a copy's rows with other ids; the history and the seats are those of the first. It is a
# history at once, which the trigger would want step by step.
_COPIES = (
    "ALTER TABLE booking DISABLE TRIGGER USER",
    "ALTER TABLE booking_transition DISABLE TRIGGER USER",
    """
    CREATE TEMPORARY TABLE copy ON COMMIT DROP AS
    SELECT uuidv7() AS booking_id, uuidv7() AS trainee_id, uuidv7() AS payment_id
      FROM generate_series(1, :count)
    """,
    """
    INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier, confirmed_at)
    SELECT trainee_id, trainee_id || '@example.org', 'Asha Rao', true, trainee_id::text,
           trainee_id::text, now() FROM copy
    """,
    """
    INSERT INTO payment
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', c.payment_id,
            'payable_id', c.booking_id, 'payer_id', c.trainee_id,
            'processor_session', 'cs_' || c.payment_id, 'processor_intent', 'pi_' || c.payment_id,
            'processor_charge', 'ch_' || c.payment_id))).*
      FROM copy c JOIN booking b ON b.id = :booking JOIN payment p ON p.id = b.payment_id
    """,
    """
    INSERT INTO payment_line
    SELECT (jsonb_populate_record(l, jsonb_build_object('id', uuidv7(),
            'payment_id', c.payment_id))).*
      FROM copy c JOIN booking b ON b.id = :booking
      JOIN payment_line l ON l.payment_id = b.payment_id
    """,
    """
    INSERT INTO booking
    SELECT (jsonb_populate_record(b, jsonb_build_object('id', c.booking_id,
            'trainee_id', c.trainee_id,
            'payment_id', CASE WHEN b.payment_id IS NOT NULL THEN c.payment_id END))).*
      FROM copy c JOIN booking b ON b.id = :booking
    """,
    """
    INSERT INTO booking_transition
    SELECT (jsonb_populate_record(t, jsonb_build_object('booking_id', c.booking_id))).*
      FROM copy c JOIN booking_transition t ON t.booking_id = :booking
    """,
    """
    INSERT INTO booking_week
    SELECT (jsonb_populate_record(w, jsonb_build_object('id', uuidv7(),
            'booking_id', c.booking_id, 'trainee_id', c.trainee_id))).*
      FROM copy c JOIN booking_week w ON w.booking_id = :booking
    """,
    """
    UPDATE seat_week s SET capacity = s.capacity + :count, taken = s.taken + :count
      FROM booking_week w WHERE w.booking_id = :booking AND s.week = w.week AND s.pool_id = :pool
    """,
    "ALTER TABLE booking ENABLE TRIGGER USER",
    "ALTER TABLE booking_transition ENABLE TRIGGER USER",
)


def copies(stage: Stage, place: Place, booking_id: UUID, count: int) -> list[UUID]:
    """Copy a booking with its payment, history and seats for as many other trainees; their ids."""
    with stage.transaction() as session:
        for statement in _COPIES:
            named = {"count": count, "booking": booking_id, "pool": place.pool_id}
            session.execute(
                text(statement),
                {key: value for key, value in named.items() if f":{key}" in statement},
            )
        return list(session.execute(text("SELECT booking_id FROM copy")).scalars())
