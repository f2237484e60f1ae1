"""The short ways of requests that are sent often come to what the usual ways come to."""

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from marketplace.booking import queries as bookings
from marketplace.booking.models import Booking
from marketplace.catalog import queries as catalog
from marketplace.core import rows
from marketplace.core.db import fetch
from marketplace.identity.models import Account
from marketplace.identity.queries import callers


def columns(entity):
    return {one.key: getattr(entity, one.key) for one in inspect(type(entity)).column_attrs}


def test_an_entity_that_is_read_by_a_statement_of_ours_is_the_one_that_the_session_reads(
    session, stage, people
):
    place, trainee = stage.place(), people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(place, trainee.id)

    session.expunge_all()
    ours = bookings.own_to_pay(session, booking_id, trainee.id)
    ours.message = "Changed"
    session.flush()
    read = columns(ours)
    money = ours.total, ours.deposit, ours.paid
    session.expunge_all()
    theirs = session.get_one(Booking, booking_id)
    assert read == columns(theirs)
    assert money == (theirs.total, theirs.deposit, theirs.paid)
    # What the session has stays, with what was done to it.
    theirs.message = "Not written yet"
    assert bookings.own_to_pay(session, booking_id, trainee.id) is theirs
    assert theirs.message == "Not written yet"

    session.expunge_all()
    shown = session.execute(
        select(Account.fs_token_uniquifier).where(Account.id == trainee.id)
    ).scalar_one()
    found = callers.caller_by_token(session, shown, None)
    account = found.account()
    assert (found.account_id, found.active) == (account.id, account.active)
    assert inspect(account).unloaded >= set(callers.UNASKED)
    read = columns(account)
    session.expunge_all()
    assert read == columns(session.get_one(Account, trainee.id))

    one, facts = catalog.listing_for_booking_by(session, place.listing_id, trainee.id)
    assert one == catalog.listing_for_booking(session, place.listing_id)
    assert one == catalog.listings_for_booking(session, [place.listing_id])[place.listing_id]
    assert facts.account_id == trainee.id


def test_an_entity_that_is_made_for_a_statement_of_ours_is_as_its_own_constructor_makes_it(
    session, stage, people
):
    trainee = people.trainee(visa_type="b1_b2")
    booking = session.get_one(Booking, stage.confirmed(stage.place(), trainee.id))
    given = {
        name: value
        for name, value in columns(booking).items()
        if not name.endswith(("_minor", "_currency"))
    } | {"total": booking.total, "deposit": booking.deposit, "paid": booking.paid}
    quick, usual = rows.new(Booking, **given), Booking(**given)
    assert rows.values_of(quick) == rows.values_of(usual)
    assert quick.total == booking.total
    with pytest.raises(KeyError):
        rows.new(Booking, totall=booking.total)


def test_a_statement_by_the_short_way_is_one_of_the_transaction(session, people, count_queries):
    account = session.get_one(Account, people.trainee().id)
    # What waits to be written is written first, where that is asked for.
    account.name = "Changed"
    named = "SELECT name FROM account WHERE id = :id"
    with count_queries() as seen:
        assert fetch(session, named, {"id": account.id}, flush=True) == [("Changed",)]
        assert fetch(session, "SET LOCAL lock_timeout = '1s'", {}) == []
    assert [one.split()[0] for one in seen.texts] == ["UPDATE", "SELECT", "SET"]
    taken = text("UPDATE account SET email = upper(email) WHERE id = :id")
    with pytest.raises(IntegrityError) as refused, session.begin_nested():
        fetch(session, taken, {"id": account.id})
    assert refused.value.orig.diag.constraint_name == "ck_account_email_lower"
    assert fetch(session, named, {"id": account.id}) == [("Changed",)]


@pytest.mark.fault(36)
def test_a_connection_that_dies_under_the_short_way_is_given_up(live):
    with live.sessions() as session:
        with pytest.raises(OperationalError, match="terminating connection") as lost:
            fetch(session, "SELECT pg_terminate_backend(pg_backend_pid())", {})
        assert lost.value.connection_invalidated
    with live.sessions() as session:
        assert fetch(session, "SELECT 1", {}) == [(1,)]
