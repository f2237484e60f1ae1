"""What is said of each event, what it costs, and how long it is kept."""

from datetime import date, timedelta
from uuid import uuid4

import jsonschema
from sqlalchemy import text

from marketplace.booking import events as booking
from marketplace.compliance.events import AgreementInForce, DocumentsChanged
from marketplace.core.money import Money
from marketplace.payments.events import HostPayout, InvoiceMoved, Payable, TransferSettled
from marketplace.webhooks import subscribers
from marketplace.webhooks.rules import catalogue
from marketplace.webhooks.rules.owners import Side
from marketplace.webhooks.service import replaying
from marketplace.webhooks.service.telling import tell
from tests.factories.schools import a_school


def events(site_id, school_id, at):
    """One of every event that is told of; ids are those of nothing."""
    one = uuid4()
    about = {
        "booking_id": one, "trainee_id": one, "listing_id": one, "site_id": site_id,
        "first_day": date(2027, 3, 1), "weeks": 4, "at": at,
    }  # fmt: skip
    states = {
        booking.BookingSubmitted: "submitted", booking.BookingConfirmed: "confirmed",
        booking.BookingStarted: "in_progress", booking.BookingCompleted: "completed",
        booking.BookingNoShow: "no_show", booking.BookingCancelled: "cancelled_by_host",
        booking.BookingReleased: "declined",
    }  # fmt: skip
    for kind, state in states.items():
        yield kind(**about, state=state, before="submitted", cohort_id=one, school_id=school_id)
        yield kind(**about, state=state, before="held")
    yield booking.BookingChanged(one, site_id, one, site_id, "reschedule", date(2027, 3, 1), 4, at)
    yield booking.BookingChanged(one, site_id, one, uuid4(), "rescue", date(2027, 3, 1), 4, at)
    for state in ("waiting", "approved", "declined"):
        yield booking.SchoolAsked(one, school_id, state, at, at)
    for cause in ("released", "taken_back", "accepted", "rejected", "waived"):
        yield DocumentsChanged(site_id, one, cause, at)
    amount = Money(42500, "USD")
    yield TransferSettled(one, site_id, Payable("booking", one), 1, amount, at)
    yield HostPayout(site_id, at)
    yield HostPayout(site_id, at, "account_closed")
    for state in ("open", "overdue", "paid", "void"):
        yield InvoiceMoved(one, school_id, state, amount, date(2027, 3, 1), at)
    yield AgreementInForce(one, school_id, site_id, date(2027, 1, 1), date(2027, 12, 31), at)


def test_everything_in_the_catalogue_is_told_and_fits_its_schema(
    stage, host, place, receiver, run_jobs
):
    school_id = a_school(stage)
    host.make(*catalogue.chosen(Side.SITE))
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO webhook_endpoint SELECT gen_random_uuid(), :school, NULL, :school,"
                " 'https://school.example/', :types, '', 'enabled', NULL, NULL, 1, created_by,"
                " created_at, NULL, changed_at, NULL, NULL FROM webhook_endpoint"
            ),
            {"school": school_id, "types": catalogue.chosen(Side.SCHOOL)},
        )
    with stage.transaction() as session:
        for event in events(place.site_id, school_id, stage.now):
            for kind, told in subscribers.SUBSCRIPTIONS:
                if kind is type(event):
                    told(session, event)
    run_jobs()
    by_url = {}
    for (url, _, _), message in zip(receiver.got, receiver.messages(), strict=True):
        schema = catalogue.types()[message["type"]].schema
        jsonschema.validate(message, schema, format_checker=jsonschema.FormatChecker())
        extra = message["data"].keys() - schema["properties"]["data"]["properties"].keys()
        assert extra == set()
        by_url.setdefault(url, []).append(message["type"])
    assert set(by_url["https://ehr.example/hooks"]) == set(catalogue.chosen(Side.SITE))
    assert set(by_url["https://school.example/"]) == set(catalogue.chosen(Side.SCHOOL))
    # A seat that was only held, and a booking of another site, are none of the site's business.
    assert by_url["https://ehr.example/hooks"].count("booking.released") == 1
    assert by_url["https://ehr.example/hooks"].count("booking.changed") == 1
    assert by_url["https://school.example/"].count("booking.released") == 1


def test_telling_costs_a_booking_no_statement(stage, people, client, place, host, count_queries):
    """With an endpoint that listens and without: the row goes with what is written anyway."""

    def submitting():
        trainee = people.trainee(visa_type="b1_b2")
        booking_id = stage.hold(trainee.id, place, date(2027, 3, 1))
        with count_queries() as seen:
            answer = client.post(
                f"/api/v1/bookings/{booking_id}/submit",
                json={"message": "Please."},
                headers=trainee.headers,
            )
        assert answer.status_code == 200, answer.json
        return len(seen)

    with stage.transaction() as session:
        for _ in range(3):
            tell(session, place.site_id, "payout.paid", {"site_id": str(place.site_id)}, stage.now)
    with stage.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM webhook_message")).scalar() == 0
    before = submitting()
    made = host.make("booking.submitted")
    assert submitting() == before
    assert len(host.deliveries(made)) == 1


def test_old_messages_are_deleted_and_lists_take_one_index(stage, host, place, count_queries):
    made = host.make("payout.paid")
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO webhook_message (id, owner_id, type, body, at)"
                " SELECT gen_random_uuid(), :site, 'payout.paid', '{}',"
                "        CAST(:now AS timestamptz) - n * interval '20 seconds'"
                "   FROM generate_series(1, 10000) n"
            ),
            {"site": place.site_id, "now": stage.now - timedelta(days=29)},
        )
        session.execute(
            text(
                "INSERT INTO webhook_attempt SELECT endpoint_id, message_id, 1, created_at, 5, 500,"
                " '', 'no' FROM webhook_delivery"
            )
        )
        session.execute(text("UPDATE webhook_delivery SET state = 'failed', next_at = NULL"))
        session.execute(text("ANALYZE webhook_delivery, webhook_message, webhook_attempt"))
        plans = {
            query: "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
            for query in (
                (
                    f"SELECT * FROM webhook_delivery WHERE endpoint_id = '{made['id']}'"
                    " AND state = 'delivered' ORDER BY message_id DESC LIMIT 21"
                ),
                (
                    f"SELECT * FROM webhook_delivery WHERE endpoint_id = '{made['id']}'"
                    " ORDER BY message_id DESC LIMIT 21"
                ),
                (
                    "SELECT id FROM webhook_endpoint e WHERE EXISTS (SELECT FROM webhook_delivery d"
                    " WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_at <= now())"
                ),
                (
                    f"SELECT id FROM webhook_message WHERE at < '{stage.now - timedelta(days=30)}'"
                    " ORDER BY at LIMIT 100"
                ),
            )
        }
    for query, plan in plans.items():
        assert "Index" in plan, f"{query}\n{plan}"
        assert "Seq Scan on webhook_delivery" not in plan, f"{query}\n{plan}"
        assert "Seq Scan on webhook_message" not in plan, f"{query}\n{plan}"
    sizes = []
    for limit in (1, 100):
        with count_queries() as seen:
            assert len(host.deliveries(made, f"?limit={limit}")) == limit
        sizes.append(len(seen))
    assert sizes[0] == sizes[1] <= 6
    with stage.transaction() as session:
        pruned = replaying.prune(session, stage.now)
        assert pruned == replaying.PRUNED_AT_ONCE
        while replaying.prune(session, stage.now):
            pass
        left = session.execute(
            text(
                "SELECT (SELECT count(*) FROM webhook_message), (SELECT count(*) FROM"
                " webhook_delivery), (SELECT count(*) FROM webhook_attempt)"
            )
        ).one()
    # One each twenty seconds of the last day that is kept.
    assert left == (4320, 4320, 4320)
