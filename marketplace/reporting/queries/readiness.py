"""Selects on one trainee's own record."""

from uuid import UUID

from sqlalchemy import text

from marketplace.core.db import Session
from marketplace.reporting.rules.readiness import Stay, Written

# The specialty is the listing's; the tier is the one frozen on the booking.
STAYS = text(
    """
SELECT booking.state, booking.tier, booking.weeks, booking.last_day, listing.specialty,
    site.country, attestation.direct_contact
FROM booking
JOIN listing ON listing.id = booking.listing_id
JOIN site ON site.id = booking.site_id
LEFT JOIN attestation ON attestation.booking_id = booking.id
WHERE booking.trainee_id = :trainee
    AND booking.state IN ('confirmed', 'in_progress', 'completed')
ORDER BY booking.first_day, booking.id
"""
)
# Nothing of a letter's content: its entry alone.
LETTERS = text(
    """
SELECT letter.state, letter.waived, coalesce(letter.specialty, listing.specialty) AS specialty,
    booking.tier, site.country
FROM letter
JOIN booking ON booking.id = letter.booking_id
JOIN listing ON listing.id = booking.listing_id
JOIN site ON site.id = booking.site_id
WHERE letter.trainee_id = :trainee
ORDER BY letter.id
"""
)
PROGRAMS = text(
    """
SELECT count(DISTINCT program_code) FROM letter_assignment
WHERE trainee_id = :trainee AND match_year = :year AND removed_at IS NULL
"""
)
INTERVIEWS = text(
    """
SELECT outcome.registered, outcome.certified_rol, outcome.interviews
FROM match_outcome outcome JOIN person ON person.id = outcome.person_id
WHERE person.trainee_id = :trainee AND outcome.match_year = :year
"""
)


def stays(session: Session, trainee_id: UUID) -> list[Stay]:
    """Return the trainee's bookings that are confirmed, under way or completed."""
    rows = session.execute(STAYS, {"trainee": trainee_id})
    return [Stay(*row) for row in rows]


def letters(session: Session, trainee_id: UUID) -> list[Written]:
    """Return the trainee's letters as far as they count for coverage."""
    rows = session.execute(LETTERS, {"trainee": trainee_id})
    return [Written(*row) for row in rows]


def season(session: Session, trainee_id: UUID, match_year: int) -> dict[str, object]:
    """Return what is on record of the trainee's season: programs with letters, and the outcome."""
    values = {"trainee": trainee_id, "year": match_year}
    outcome = session.execute(INTERVIEWS, values).one_or_none()
    return {
        "programs_with_letters": session.execute(PROGRAMS, values).scalar_one(),
        "registered": outcome.registered if outcome else None,
        "certified_rank_list": outcome.certified_rol if outcome else None,
        "interviews": outcome.interviews if outcome else None,
    }
