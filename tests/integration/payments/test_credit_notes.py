"""Credit notes: one for each refund, numbered without gaps, kept as they were issued."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from threading import Barrier

import pytest
from sqlalchemy.exc import IntegrityError

from marketplace.core.clock import Clock
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from marketplace.payments import service, tasks
from marketplace.payments.gateway import PaymentGateway
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.service import credit_notes as notes
from marketplace.payments.service import reconcile, refunds
from marketplace.payments.tasks import credit_notes
from tests.fakes.gateway import FakeGateway
from tests.integration.payments.conftest import Till, usd

API = "/api/v1"
ALL = "SELECT jsonb_agg(to_jsonb(credit_note) ORDER BY number) FROM credit_note"


@pytest.fixture
def payer(people, till):
    person = people.make("trainee")
    till.payer_id = person.id
    return person


@pytest.fixture
def taxed(parts):
    before = parts.get(Settings)
    parts.add(
        Settings, replace(before, tax_name="VAT", tax_percent=Decimal(20), tax_number="US 17")
    )
    yield
    parts.add(Settings, before)


@pytest.fixture
def paid(till, gateway, payer):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    return payment_id


def test_each_refund_has_a_note_that_refers_to_the_receipt(
    client, till, gateway, people, payer, taxed, paid, run_jobs, parts, mail
):
    till.refund(paid, usd(19_040))
    with till.context.transaction() as session:
        service.refund(
            session, paid, amount=usd(1_000), reason="Goodwill", now=till.clock.now(),
            as_credit=CreditTerms(),
        )  # fmt: skip
    run_jobs()
    first, second = till.one(ALL)
    assert (first["number"], second["number"]) == (1, 2)
    said = first["content"]
    assert said["refers_to"] == {
        "document": "Receipt",
        "number": "000001",
        "issued_on": till.clock.now().date().isoformat(),
    }
    assert said["lines"] == [
        {"description": "Taken back in part: asked for", "amount": "190.40 USD"}
    ]
    # Half of the platform's 40.80, which contains 6.80.
    assert [(tax["taxed"], tax["amount"]) for tax in said["taxes"]] == [("20.40 USD", "3.40 USD")]
    assert (said["tax_number"], said["payer"]["name"]) == ("US 17", "Asha Rao")
    assert second["content"]["remark"] == "It is credit of yours."
    assert parts.get(ObjectStore).get(first["object_key"]).startswith(b"%PDF-1.7")
    notes = [one for one in mail.sent if one.subject.startswith("Credit note")]
    assert [one.subject for one in notes] == [
        "Credit note 000001: 190.40 USD",
        "Credit note 000002: 10.00 USD",
    ]
    assert notes[0].attachments[0].filename == "credit-note-000001.pdf"

    path = f"{API}/payments/{paid}/credit-notes"
    listed = client.get(path, headers=payer.headers).json["items"]
    assert [(one["number"], one["refers_to"], one["ready"]) for one in listed] == [
        ("000001", "000001", True),
        ("000002", "000001", True),
    ]
    file = f"{path}/{listed[0]['id']}/file"
    operator, stranger = people.make("operator"), people.make("trainee")
    for person in (payer, operator):
        assert client.get(file, headers=person.headers).data.startswith(b"%PDF-")
    for place in (path, file):
        assert client.get(place, headers=stranger.headers).status_code == 404
    every = client.get(f"{API}/operator/credit-notes", headers=operator.headers).json
    assert [one["number"] for one in every["items"]] == ["000002", "000001"]
    assert client.get(f"{API}/operator/credit-notes", headers=payer.headers).status_code == 403


def test_it_is_issued_once_and_a_refund_sent_again_has_none_of_its_own(till, gateway, paid):
    refund_id = till.refund(paid, usd(10_000))
    for _ in range(2):
        credit_notes.issue(till.context, refund_id=str(refund_id))
    assert till.one("SELECT count(*) FROM notice WHERE template = 'credit_note_issued'") == 1
    with till.context.transaction() as session:
        refunds.fail_refund(session, refund_id, "closed", now=till.clock.now())
    with till.context.transaction() as session:
        again = service.retry_refund(session, refund_id, now=till.clock.now()).id
    with pytest.raises(ValueError, match="sent again"):
        credit_notes.issue(till.context, refund_id=str(again))
    assert till.one("SELECT count(*) FROM credit_note") == 1
    queued = till.one(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'payments.issue_credit_note'"
    )
    assert queued == 1


def test_a_note_that_was_lost_is_made_by_the_poller(till, paid, run_jobs):
    till.refund(paid, usd(10_000))
    till.one(
        "WITH lost AS (DELETE FROM procrastinate_jobs"
        " WHERE task_name = 'payments.issue_credit_note' RETURNING 1) SELECT count(*) FROM lost"
    )
    run_jobs()
    assert till.one("SELECT count(*) FROM credit_note") == 0
    till.clock.advance(reconcile.GRACE)
    tasks.poll(till.context)
    run_jobs()
    assert till.one("SELECT count(*) FROM credit_note WHERE stored_at IS NOT NULL") == 1


@pytest.mark.parametrize(
    "change", ["UPDATE credit_note SET amount_minor = 1", "DELETE FROM credit_note"]
)
def test_it_stays_as_it_was_issued(till, paid, change):
    credit_notes.issue(till.context, refund_id=str(till.refund(paid, usd(10_000))))
    with pytest.raises(IntegrityError, match="stays as it was issued"):
        till.one(f"WITH changed AS ({change} RETURNING 1) SELECT count(*) FROM changed")


def test_numbers_have_no_gaps_though_many_are_given_at_once_and_some_are_rolled_back(live):
    gateway = FakeGateway(at=live.clock.now())
    live.parts.add(PaymentGateway, gateway)
    till, granted = Till(live.sessions, live.parts, live.parts.get(Clock)), []
    for _ in range(2):
        payment_id, page = till.opened()
        till.handle(gateway.pay(page))
        granted += [till.refund(payment_id, usd(1_000)) for _ in range(3)]
    # Each refund is asked for twice at once; of every third both workers die before the commit.
    asked = [*granted, *granted]
    start = Barrier(len(asked))

    def issue(place: int) -> None:
        start.wait()
        with suppress(InterruptedError), live.transaction() as session:
            notes.for_refund(session, asked[place], legal_entity="Us", now=live.clock.now())
            if place % 3 == 0:
                raise InterruptedError

    with ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(issue, range(len(asked))))
    numbers = "SELECT array_agg(number ORDER BY number) FROM credit_note"
    assert till.one(numbers) == [1, 2, 3, 4]
    for refund_id in granted:
        with live.transaction() as session:
            notes.for_refund(session, refund_id, legal_entity="Us", now=live.clock.now())
    assert till.one(numbers) == list(range(1, 7))
    assert till.one("SELECT count(DISTINCT refund_id) FROM credit_note") == 6
    assert till.one("SELECT array_agg(number ORDER BY number) FROM receipt") == [1, 2]
