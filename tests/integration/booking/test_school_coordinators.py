"""Who acts for a school: reminded of what waits for them, each once; never nobody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries
from marketplace.booking.service import school_reminders, schooling
from marketplace.identity.errors import LastCoordinator
from marketplace.identity.service import memberships
from tests.factories.schools import a_coordinator, a_school, link


def test_each_coordinator_is_reminded_once_in_their_daylight_and_language(
    stage, clock, run_jobs, mail
):
    """The word is due at Friday's midnight in Chicago; Mumbai is asleep when Bogotá is not."""
    school = a_school(stage)
    near, far = (a_coordinator(stage, school, name) for name in ("Luz Mora", "Sara Khan"))
    with stage.transaction() as session:
        for who, zone, locale in ((near, "America/Bogota", "es"), (far, "Asia/Kolkata", "en")):
            session.execute(
                text("UPDATE account SET time_zone = :zone, locale = :locale WHERE id = :id"),
                {"zone": zone, "locale": locale, "id": who},
            )
    student = stage.trainee("Asha Rao")
    link(stage, school, student, sees=[])
    booking_id = stage.hold(student, stage.place())
    with stage.transaction() as session:
        asked = schooling.ask(session, queries.find(session, booking_id), message="", now=stage.now)
        until = asked.decide_by

    def remind():
        with stage.transaction() as session:
            return school_reminders.remind(session, stage.now, 100)

    def told(who):
        return [one for one in stage.told(who) if one == "school_request_soon"]

    assert remind() == 0
    clock.at = until - timedelta(hours=9)  # 16:00 in Bogotá, 02:30 in Mumbai
    assert (remind(), remind()) == (1, 0)
    assert (told(near), told(far)) == (["school_request_soon"], [])
    clock.at = until - timedelta(hours=3)  # 08:30 in Mumbai
    with stage.transaction() as session:
        # A run that dies before its commit has reminded nobody; the next one does.
        assert school_reminders.remind(session, stage.now, 100) == 1
        session.rollback()
    assert (remind(), remind()) == (1, 0)
    assert (told(near), told(far)) == (["school_request_soon"], ["school_request_soon"])
    run_jobs()
    with stage.transaction() as session:
        (one,) = session.execute(
            text("SELECT email FROM account WHERE id = :id"), {"id": near}
        ).scalars()
    (sent,) = [found for found in mail.to(one) if "Se espera su respuesta" in found.subject]
    assert "Asha Rao" in sent.text


def test_two_who_remove_each_other_at_once_leave_one(live_stage):
    """Whoever comes second is the last, and stays; the database says so too."""
    stage = live_stage
    school = a_school(stage)
    people = [a_coordinator(stage, school, f"Coordinator {number}") for number in range(4)]
    with stage.transaction() as session:
        rows = session.execute(
            text("SELECT id, account_id FROM membership WHERE school_id = :school"),
            {"school": school},
        ).all()
    held = {row.account_id: row.id for row in rows}

    def remove(number):
        try:
            with stage.transaction() as session:
                memberships.revoke(
                    session, held[people[number]], revoked_by=people[number - 1], now=stage.now
                )
        except LastCoordinator:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(remove, range(4))) == 3
    with pytest.raises(IntegrityError), stage.transaction() as session:
        session.execute(
            text("UPDATE membership SET revoked_at = now() WHERE school_id = :s"), {"s": school}
        )
