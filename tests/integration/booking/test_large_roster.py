"""A site with a thousand rotations: one page, and the queries of a page with one."""

import pytest
from sqlalchemy import text

from marketplace.booking.schemas import RosterRowSchema
from tests.factories.rotations import FIRST_DAY

ROWS = 1000
# As many more of one booking: other trainees, each with a step of history and a mark.
MORE = """
WITH people AS (
    INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier)
    SELECT gen_random_uuid(), 'roster-' || n || '@example.org', 'Trainee ' || n, true,
           'roster-' || n, 'roster-token-' || n
      FROM generate_series(2, :rows) AS n
    RETURNING id
), made AS (
    INSERT INTO booking
    SELECT (jsonb_populate_record(b, jsonb_build_object(
        'id', gen_random_uuid(), 'trainee_id', people.id, 'payment_id', NULL, 'version', 1
    ))).* FROM booking b, people WHERE b.id = :booking_id
    RETURNING id, trainee_id, state, first_day
), steps AS (
    INSERT INTO booking_transition (booking_id, number, to_state, at, reason)
    SELECT id, 1, state, now(), 'Made for a test.' FROM made
)
INSERT INTO attendance_mark (id, booking_id, day, revision, mark, marked_by, marked_at)
SELECT gen_random_uuid(), id, first_day, 1, 'present', trainee_id, now() FROM made
"""


@pytest.fixture
def roster(stage, people, client, count_queries):
    place = stage.place()
    booking_id = stage.confirmed(place)
    host = people.make("coordinator", site_id=place.site_id)
    path = f"/api/v1/sites/{place.site_id}/roster"

    def read(limit=ROWS):
        with count_queries() as seen:
            answer = client.get(
                path,
                query_string={"from": FIRST_DAY, "to": "2027-03-31", "limit": limit},
                headers=host.headers,
            )
        assert answer.status_code == 200, answer.json
        return answer.json, len(seen)

    return booking_id, read


def test_a_thousand_rows_are_one_page_of_as_many_queries_as_one(roster, stage):
    booking_id, read = roster
    few, first = read()
    with stage.transaction() as session:
        session.execute(text(MORE), {"rows": ROWS, "booking_id": booking_id})
    many, later = read()
    assert (len(few["items"]), len(many["items"])) == (1, ROWS)
    assert many["next_cursor"] is None
    assert first == later <= 6
    assert sum(row["present_days"] for row in many["items"]) == ROWS - 1
    row = RosterRowSchema()
    assert all(row.dump(row.load(one)) == one for one in many["items"][:10])
    assert set(many["items"][0]) == set(row.fields)
    assert len({row["trainee_email"] for row in many["items"]}) == ROWS
    page, again = read(limit=100)
    assert (len(page["items"]), again) == (100, first)
