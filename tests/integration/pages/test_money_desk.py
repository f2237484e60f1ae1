"""Money at the desk: events that wait, suspense, fee contracts, invoices by bank, bookings mended."""

import re
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import cancellations, rescues
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.core.clock import SystemClock
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.gateway import ProcessorDispute, ProcessorEvent
from marketplace.payments.models import AccountKind, HostTransfer, ShareRelease
from marketplace.payments.queries import suspense
from marketplace.payments.queries.disputes import by_processor
from marketplace.payments.service import disputes, inbox, invoicing, ledger
from marketplace.payments.service.ledger import Leg
from marketplace.payments.service.quarantine import put_aside
from tests.factories.cohorts import Desk, ask_page
from tests.integration.pages.test_desk_schools import followed
from tests.integration.pages.test_pages import Browser

LINK = r'href="({}/[0-9a-f-]{{36}})"'


@pytest.fixture
def desk(client, people):
    made = Browser(client)
    made.sign_in(people.make("operator", name="Olga Staff"), going_to="/desk")
    return made


def linked(desk, base: str) -> str:
    found = re.search(LINK.format(base), desk.body)
    assert found is not None, base
    return found[1]


def did(session) -> list[str]:
    done = "SELECT action FROM audit_entry WHERE action NOT LIKE '%story%' ORDER BY id"
    return list(session.execute(text(done)).scalars())


def test_an_event_that_hangs_is_found_and_tried_again(desk, stage, session, clock):
    told = {"data": {"object": {"id": "pi_77"}}}
    with stage.transaction() as own:
        at = stage.now - timedelta(minutes=9)
        event = ProcessorEvent("evt_77", "charge.succeeded", at, False, None, None, {}, told)
        inbox.receive(own, event, now=at)
    assert "<strong>1</strong> Events from Stripe that wait" in desk.get("/desk").get_data(
        as_text=True
    )
    desk.get("/desk/events")
    path = linked(desk, "/desk/events")
    desk.get("/desk/events?id=evt_unknown")
    assert "No event of this id has come" in desk.body
    assert desk.get("/desk/events?id=evt_77").headers["Location"] == path
    desk.get(path)
    assert "It was not tried yet" in desk.body
    assert desk.send(f"{path}/again").status_code == 422
    assert followed(desk, desk.send(f"{path}/again", reason="The worker was down."))
    assert did(session) == ["payment_event.tried_again"]
    session.execute(text("UPDATE webhook_event SET state = 'processed', handled_at = now()"))
    desk.get(path)
    assert "Try again</button>" not in desk.body
    assert desk.send(f"{path}/again", reason="Once more.").status_code == 422
    assert "This event was handled already." in desk.body


def test_what_is_in_suspense_is_settled_once_and_explained_after_all(desk, stage, session):
    moved = Money(7_700, "USD")
    with stage.transaction() as own:
        legs = [Leg(AccountKind.PROCESSOR_CLEARING, moved), Leg(AccountKind.SUSPENSE, -moved)]
        ledger.post(own, source="txn_1", reason="unexplained", legs=legs, at=stage.now)
        put_aside(
            own, processor_object="txn_1", reason="unexplained", now=stage.now,
            details={"kind": "charge", "source": "ch_9"},
        )  # fmt: skip
    desk.get("/desk/suspense")
    for words in ("txn_1", "ch_9", "$77.00", "A payment"):
        assert words in desk.body, words
    wish = {"source": "txn_1", "account": "bank", "reason": "Our own top-up."}
    assert desk.send("/desk/suspense", **{**wish, "account": "disputes"}).status_code == 422
    assert followed(desk, desk.send("/desk/suspense", **wish)) == "/desk/suspense"
    assert "Nothing is in suspense." in desk.body
    assert desk.send("/desk/suspense", **{**wish, "reason": "Again, though."}).status_code == 422
    assert "not in suspense any more" in desk.body
    found = session.execute(text("SELECT resolution, resolved_by FROM quarantine")).one()
    assert (found.resolution, found.resolved_by is None) == ("Our own top-up.", False)
    assert suspense.lines(session, 9) == []
    assert did(session) == ["suspense.settled"]


def test_fee_contracts_are_set_ended_and_never_overlap(desk, stage, session, clock):
    place = stage.place()
    today = clock.now().astimezone(UTC).date()
    day = [str(today + timedelta(days=many)) for many in (0, 10, 20, 30)]
    base = f"/desk/contracts/sites/{place.site_id}"
    desk.get("/desk/contracts?text=e")
    assert base in desk.body
    desk.get(base)
    terms = {"valid_from": day[0], "host_fee_percent": "12.5", "note": "Signed in May."}
    assert desk.send(base, **{**terms, "host_fee_percent": "120"}).status_code == 422
    assert 'value="Signed in May."' in desk.body
    assert followed(desk, desk.send(base, **terms)) == base
    assert "Counts now" in desk.body
    again = {**terms, "valid_from": day[1], "valid_until": day[3]}
    assert desk.send(base, **again).status_code == 422
    assert "counts from" in desk.body
    desk.get(base)
    path = linked(desk, "/desk/contracts")
    desk.get(path)
    assert desk.send(f"{path}/end", ends_on=day[0], why_end="x").status_code == 422
    followed(desk, desk.send(f"{path}/end", ends_on=day[2], why_end="A new one was signed."))
    assert "Replaced or taken back" in desk.body
    assert followed(desk, desk.send(base, **{**terms, "valid_from": day[2]}))
    desk.get(path)
    assert "It no longer counts since" in desk.body
    assert did(session) == ["fee_contract.set", "fee_contract.ended", "fee_contract.set"]
    desk.get("/desk/audit?subject_kind=site")
    assert re.search(
        r'Fee contract: <a href="/desk/contracts/[0-9a-f-]{36}">Open it</a>', desk.body
    )
    assert day[2] not in desk.body


def test_an_unpaid_booking_is_released_and_a_hosts_place_replaced(desk, stage, people, session):
    place = stage.place()
    held = stage.hold(people.trainee(visa_type="b1_b2").id, place)
    path = f"/desk/bookings/{held}"
    desk.get(path)
    assert desk.send(f"{path}/release").status_code == 422
    assert 'id="why_release-note"' in desk.body
    followed(desk, desk.send(f"{path}/release", why_release="The trainee has left."))
    assert stage.state(held) == "cancelled_by_operator"
    assert desk.send(f"{path}/release", why_release="Again.").status_code == 422
    paid = stage.confirmed(place, people.trainee(visa_type="b1_b2").id, whole=True)
    path = f"/desk/bookings/{paid}"
    desk.get(path)
    followed(desk, desk.send(f"{path}/rescue", why_rescue="The clinic has closed."))
    assert stage.state(paid) == "cancelled_by_host"
    assert "Being looked for" in desk.body
    followed(desk, desk.send(f"{path}/rescue/look"))
    followed(desk, desk.send(f"{path}/rescue/refund", why_refund="Nothing will be found."))
    assert "All the money went back" in desk.body
    assert queries.rescue(session, paid).state not in rescues.OPEN
    assert did(session) == [
        "booking.released", "booking.called_off_for_host", "booking.rescue_looked_at",
        "booking.rescue_refunded",
    ]  # fmt: skip


def test_an_overdue_invoice_is_paid_by_bank_and_goes_back_by_bank(desk, stage, session):
    school = Desk(stage)
    cohort_id = school.hold(stage.place(seats_per_week=3))
    school.answer(cohort_id)
    invoice_id = school.invoice(cohort_id)
    ask_page(school, invoice_id)
    stage.clock.advance(timedelta(days=15))
    with stage.transaction() as own:
        invoicing.mark_overdue(own, stage.now)
    assert "<strong>1</strong> Overdue invoices" in desk.get("/desk").get_data(as_text=True)
    desk.get("/desk/invoices?number=1")
    path = linked(desk, "/desk/invoices")
    desk.get(path)
    assert "It is overdue: as long as it is not void" in desk.body
    came = {"amount": "6,720.00", "received_on": str(stage.now.date()), "reference": "INV 1 GRANT"}
    assert desk.send(f"{path}/transfers", **{**came, "amount": "6720.01"}).status_code == 422
    assert "Expected $6,720.00." in desk.body
    assert followed(desk, desk.send(f"{path}/transfers", **came)) == path
    assert "Has more money come for it?" in desk.body
    assert "000001" in desk.get("/desk/audit?subject_kind=invoice").get_data(as_text=True)
    desk.get(path)
    assert desk.send(f"{path}/transfers", **came).status_code == 422
    assert "goes back to the account that it came from" in desk.body

    one = school.places(cohort_id)["Student 0"].booking.id
    with stage.transaction() as own:
        booking = queries.find(own, one)
        mark = cancellations.quote(own, booking, Wish(), stage.now).mark
        cancellations.cancel(
            own, booking, Wish(), mark=mark, to=BookingState.CANCELLED_BY_TRAINEE,
            actor_id=booking.trainee_id, reason="Ill.", now=stage.now)  # fmt: skip
    assert "<strong>1</strong> Refunds to send by bank" in desk.get("/desk").get_data(as_text=True)
    desk.get("/desk/bank-refunds")
    path = re.search(r'action="(/desk/bank-refunds/[^"]+)"', desk.body)[1]
    late = {"reference": "BACK 1", "sent_on": str(stage.now.date() + timedelta(days=5))}
    assert desk.send(path, **late).status_code == 422
    assert 'value="BACK 1"' in desk.body
    followed(desk, desk.send(path, **{**late, "sent_on": str(stage.now.date())}))
    assert "Nothing waits here." in desk.body
    assert did(session)[-2:] == ["invoice.transfer_received", "refund.sent_by_bank"]


def test_a_void_invoice_says_what_to_do_with_its_money(desk, stage, run_jobs):
    school = Desk(stage)
    cohort_id = school.hold(stage.place(seats_per_week=3))
    school.answer(cohort_id)
    invoice_id = school.invoice(cohort_id)
    stage.clock.advance(timedelta(days=18))
    stage.expire_due()
    run_jobs()
    assert school.found(invoice_id).state == "void"
    desk.get(f"/desk/invoices/{invoice_id}")
    assert "Has money come for it all the same?" in desk.body
    assert "has no invoice to be paid now" in desk.body
    assert "mark it as paid" not in desk.body


def test_a_dispute_says_when_it_is_answered_by_itself_and_what_was_sent(desk, stage, people):
    trainee = people.trainee(visa_type="b1_b2")
    booking = stage.confirmed(stage.place(), trainee.id, whole=True)
    now = SystemClock().now()
    asked = ProcessorDispute(
        "du_9", "needs_response", Money(20_000, "USD"), "product_not_received", "ch_9", None,
        now, now + timedelta(days=6, hours=12), 0, (),
    )  # fmt: skip
    with stage.transaction() as session:
        (paid,) = payments.kept_payments(session, Payable("booking", booking))
        asked = replace(asked, intent_id=paid.processor_intent)
        assert disputes.take(session, asked, now=now) == "open"
        found = by_processor(session, "du_9").id
        disputes.gathered(session, found, {"receipts": "No. 1", "product": "Ward."}, now=now)
    desk.get("/desk/disputes")
    for words in ("6 days left.", "Goes by itself "):
        assert words in desk.body, words
    path = f"/desk/disputes/{found}"
    desk.get(path)
    for words in ("6 days left.", "it goes to the bank by itself as it stands here"):
        assert words in desk.body, words
    with stage.transaction() as session:
        disputes.approve(session, found, approved_by=None, now=now)
        disputes.sent(session, found, "receipt", "file_9")
        sent = replace(asked, status="under_review", submitted=1)
        disputes.take(session, sent, now=now)
    desk.get(path)
    assert "It went by itself" in desk.body
    assert "days left" not in desk.body
    # In the order of the form, with the files.
    parts = [desk.body.index(words) for words in ("Ward.", "No. 1", "Sent with it as files")]
    assert parts == sorted(parts)
    with stage.transaction() as session:
        assert disputes.take(session, replace(sent, status="lost"), now=now) == "lost"
    assert "Answer by" not in desk.get("/desk/disputes?ended=yes").get_data(as_text=True)


def test_a_transfer_that_was_refused_is_known_by_its_host_and_sent_again(desk, stage, people):
    place = stage.place(site_name="Harbor Street")
    booking = stage.confirmed(place, people.trainee(visa_type="b1_b2").id, whole=True)
    of = {"payable_kind": "booking", "payable_id": booking, "site_id": place.site_id}
    due = ShareRelease(id=new_id(), step="first", from_at=stage.now, told_at=stage.now, **of)
    sent = HostTransfer(
        id=new_id(), tranche=1, release_id=due.id, currency="USD", gross_minor=4_200, fee_minor=0,
        netted_minor=0, amount_minor=4_200, state="failed", failure="No balance.",
        earned_at=stage.now, **of,
    )  # fmt: skip
    with stage.transaction() as session:
        session.add(due)
        session.flush()
        session.add(sent)
        session.flush()
        told = {"transfer": str(sent.id), "amount": "42.00 USD", "why": "No balance."}
        put_aside(
            session,
            processor_object=str(sent.id),
            reason="transfer_failed",
            details=told,
            now=stage.now,
        )
    desk.get("/desk/quarantine")
    for words in ("$42.00", "Harbor Street"):
        assert words in desk.body, words
    desk.get(linked(desk, "/desk/quarantine"))
    assert f'<a href="/desk/sites/{place.site_id}">Harbor Street</a>' in desk.body
    assert f'href="/desk/bookings/{booking}"' in desk.body
    assert f'action="/desk/payouts/{sent.id}/again"' in desk.body
    # Its id is said nowhere but in an address.
    assert str(sent.id) not in re.sub(r'(href|action)="[^"]*"', "", desk.body)
    # Without an account that can receive it, the page says why it is not sent.
    assert desk.send(f"/desk/payouts/{sent.id}/again").status_code == 422
