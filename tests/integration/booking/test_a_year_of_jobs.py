"""Every job that the calendar asks for, day by day for over a year, over rotations of all fates.

Nobody does anything any more, and no webhook arrives: what has to happen by itself happens, once,
no job fails, and the promises hold all the while.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.adapters.queue import Context
from marketplace.app import worker_context
from marketplace.booking import queries
from marketplace.booking.service import rotations
from marketplace.booking.states import BookingState
from marketplace.payments import queries as payments
from marketplace.payments.gateway import DisputeGateway, HostGateway, PaymentGateway
from tests.fakes.disputes import FakeDisputes
from tests.fakes.gateway import FakeGateway
from tests.fakes.hosts import FakeHosts

# Mornings of the site, and the days around which most deadlines lie.
MORNING = timedelta(hours=15)
DAYS = (1, 2, 5, 14, 60, 62, 92, 99, 100, 108, 127, 131, 138, 142, 150, 200, 365, 500)


@pytest.fixture
def gateway(parts, clock):
    fake = FakeGateway(at=clock.now())
    parts.add(PaymentGateway, fake)
    parts.add(HostGateway, FakeHosts(fake))
    parts.add(DisputeGateway, FakeDisputes(fake))
    return fake


@pytest.fixture
def days(app, parts, sessions, stage, gateway, run_jobs):
    """Let a day come, and do all that the calendar and the queue then ask for, twice."""
    _, tasks = worker_context(app)
    context = Context(parts, sessions)
    began = stage.now.replace(hour=0, minute=0)

    def come(number):
        stage.clock.at = began + timedelta(days=number) + MORNING
        gateway.at = stage.now
        for _ in range(2):
            for task in tasks:
                if task.cron:
                    task.run(context)
            run_jobs()
        assert stage.findings() == [], number

    return come


def paid(stage, gateway, run_jobs, booking_id, *, whole):
    """The payer pays at the processor, which does not get through to us."""
    payment_id = stage.pay(booking_id, whole=whole)
    run_jobs()
    with stage.transaction() as session:
        gateway.pay(payments.payment(session, payment_id).processor_session)
    return booking_id


def test_what_has_to_happen_by_itself_does_once(stage, gateway, run_jobs, days):
    place = stage.place(seats_per_week=9)
    asked = stage.place(approval="request")
    host = stage.member(place.site_id)
    fates = {
        "left": stage.hold(stage.trainee("Lena Left"), place),
        "asked": stage.submitted(asked),
        "half": paid(stage, gateway, run_jobs, stage.hold(stage.trainee(), place), whole=False),
        "whole": paid(stage, gateway, run_jobs, stage.hold(stage.trainee(), place), whole=True),
        "done": paid(stage, gateway, run_jobs, stage.hold(stage.trainee(), place), whole=True),
    }
    seen = {}
    for number in DAYS:
        days(number)
        seen[number] = {name: stage.state(booking) for name, booking in fates.items()}
        if stage.now > datetime(2027, 3, 28, tzinfo=UTC) and seen[number]["done"] == "in_progress":
            with stage.transaction() as session:
                booking = queries.find(session, fates["done"])
                rotations.complete(session, booking, actor_id=place.owner_id, now=stage.now)
    assert seen[1]["left"] == BookingState.EXPIRED
    assert [seen[1][name] for name in ("half", "whole", "done")] == [BookingState.CONFIRMED] * 3
    assert seen[DAYS[-1]] == {
        "left": BookingState.EXPIRED,
        "asked": BookingState.EXPIRED,
        "half": BookingState.IN_PROGRESS,
        "whole": BookingState.IN_PROGRESS,
        "done": BookingState.COMPLETED,
    }
    told = {
        name: dict(Counter(stage.told(stage.booking(booking).trainee_id)))
        for name, booking in fates.items()
    }
    # The money came a day late, so the seats were given up first, and taken again.
    late = {"hold_expired": 1, "booking_confirmed": 1, "payment_receipt": 1}
    soon = {**late, "booking_starts_soon": 1, "paper_issued": 1}
    assert told == {
        "left": {},
        "asked": {"application_lapsed": 1},
        "half": {**soon, "balance_due": 1, "balance_overdue": 1, "rotation_left_open": 1},
        "whole": {**soon, "rotation_left_open": 1},
        "done": {**soon, "paper_issued": 2, "rotation_completed": 1},
    }
    assert dict(Counter(stage.told(host))) == {
        "rotation_booked": 3,
        "rotation_to_close": 4,
        "rotation_left_open": 2,
    }
    with stage.transaction() as session:
        assert payments.open_quarantine(session, 9) == []
        balances = {one.kind: one.balance.minor for one in payments.trial_balance(session)}
    assert balances["suspense"] == 0, "what was unexplained for a day is explained"
    assert sum(balances.values()) == 0
