"""Credit and the books, locked by two transactions in every order: neither waits for the other in a ring."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from marketplace.core.ids import new_id
from marketplace.payments.queries import credit
from marketplace.payments.service.credit import books, granting
from tests.factories.credit import assert_sound, available, give, usd
from tests.factories.rotations import Stage
from tests.integration.booking.credit.test_races import pay

PARTS = 16


@pytest.fixture
def pair(live, live_stage):
    """Two stages on connections that would post to the same part of the running totals."""
    with live.app.app_context():
        engine = live.app.extensions["sqlalchemy"].engine
    seen, opened = {}, []
    while True:
        connection = engine.connect()
        opened.append(connection)
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.rollback()
        if pid % PARTS in seen:
            two = (seen[pid % PARTS], connection)
            break
        seen[pid % PARTS] = connection
    yield [Stage(lambda one=one: live.sessions(bind=one), live.clock) for one in two]
    for connection in opened:
        connection.close()


def waits(stage):
    """Wait until one connection waits for another's lock; tables of the books that it writes to."""
    transactions = text(
        "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND locktype = 'transactionid' AND datname = current_database()"
    )
    writes = text(
        "SELECT DISTINCT relation::regclass::text FROM pg_locks WHERE pid = :pid AND granted"
        " AND relation::regclass::text LIKE 'ledger%' AND mode = 'RowExclusiveLock'"
    )
    while True:
        with stage.transaction() as session:
            pid = session.execute(transactions).scalar()
            if pid is not None:
                return set(session.execute(writes, {"pid": pid}).scalars())


def test_money_that_comes_late_waits_for_credit_before_it_posts(pair, live_stage):
    """It takes credit again that had gone back; meanwhile an operator revokes a part of it."""
    settling, revoking = pair
    trainee, operator = live_stage.trainee(), live_stage.account("Olga Operator")
    grant = give(live_stage, trainee, usd(10_000))
    booking_id = live_stage.hold(trainee, live_stage.place())
    payment_id = pay(live_stage, booking_id, credit=usd(10_000))
    live_stage.arrive(payment_id)
    assert available(live_stage, trainee) == 10_000
    with ThreadPoolExecutor(1) as hand:
        with revoking.transaction() as session:
            credit.grant(session, grant, lock=True)
            late = hand.submit(settling.settle, payment_id)
            assert waits(live_stage) == set()
            granting.revoke(
                session,
                grant,
                amount=usd(1_000),
                reason="A mistake.",
                actor_id=operator,
                now=live_stage.now,
            )
        assert late.result() == "late"
    # The credit is no longer enough: the card's money goes back whole.
    assert live_stage.state(booking_id) == "expired"
    assert live_stage.refunded(payment_id) == 34_800
    assert available(live_stage, trainee) == 9_000
    assert_sound(live_stage)


def test_who_posts_twice_never_waits_for_another_who_does(pair, live_stage):
    """One after another in one thread: a wait for the other would never end."""
    one, two = live_stage.trainee(), live_stage.trainee()
    first, second = pair

    def post(session, account):
        books.post_given(session, new_id(), account, usd(100), live_stage.now)

    for account in (one, two):
        with live_stage.transaction() as session:
            post(session, account)
    with first.transaction() as here, second.transaction() as there:
        post(here, one)
        post(there, two)
        post(here, two)
        post(there, one)
    with live_stage.transaction() as session:
        owed = session.execute(
            text(
                "SELECT sum(credit_minor) FROM ledger_balance JOIN ledger_account ON id = account_id"
                " WHERE kind = 'trainee_credit'"
            )
        ).scalar_one()
    assert owed == 600
