"""Receipts: numbers without gaps, a PDF that is frozen, one e-mail."""

import threading

import pytest

from marketplace.core.clock import Clock
from marketplace.core.errors import Unavailable
from marketplace.core.ports import ObjectStore, PdfRenderer
from marketplace.payments import tasks
from marketplace.payments.gateway import PaymentGateway
from marketplace.payments.service import receipts
from tests.fakes.gateway import FakeGateway
from tests.integration.payments.conftest import Till, _silence


@pytest.fixture
def paid(till, gateway):
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    return payment_id


def test_the_receipt_is_numbered_set_stored_and_mailed_once(till, paid, run_jobs, parts, mail):
    run_jobs()
    row = till.one("SELECT to_jsonb(receipt) FROM receipt")
    assert (row["number"], row["legal_entity"]) == (1, "Rotation Marketplace")
    assert row["content"]["total"] == "380.80 USD"
    assert parts.get(ObjectStore).get(row["object_key"]).startswith(b"%PDF-1.7")
    (message,) = mail.sent
    assert message.subject == "Receipt 000001: 380.80 USD"
    (attachment,) = message.attachments
    assert (attachment.filename, attachment.content[:5]) == ("receipt-000001.pdf", b"%PDF-")


def test_a_receipt_whose_making_failed_keeps_its_number_for_the_next_try(till, paid, parts):
    renderer = parts.get(PdfRenderer)

    class Broken:
        def render(self, template, data):
            raise Unavailable

    parts.add(PdfRenderer, Broken())
    with pytest.raises(Unavailable):
        tasks.issue_receipt(till.context, str(paid))
    parts.add(PdfRenderer, renderer)
    tasks.issue_receipt(till.context, str(paid))
    assert till.one("SELECT string_agg(number::text, ',') FROM receipt") == "1"
    assert till.one("SELECT count(*) FROM notice") == 1


def test_an_unpaid_payment_gets_no_receipt(till):
    payment_id, _ = till.opened()
    with pytest.raises(ValueError, match="not settled"):
        tasks.issue_receipt(till.context, str(payment_id))
    assert till.one("SELECT count(*) FROM document_sequence") == 0


def test_what_a_payer_calls_themselves_is_text_and_not_typesetting(till, paid, parts):
    till.one(
        "WITH named AS (UPDATE account SET name = :name RETURNING 1) SELECT count(*) FROM named",
        name='#read("/etc/passwd") $x^2$ \\ * _ [ ] <b> "',
    )
    tasks.issue_receipt(till.context, str(paid))
    assert till.one("SELECT count(*) FROM receipt WHERE stored_at IS NOT NULL") == 1


def test_numbers_have_no_gaps_though_many_are_given_at_once_and_some_fail(live):
    gateway = FakeGateway(at=live.clock.now())
    live.parts.add(PaymentGateway, gateway)
    till = Till(live.sessions, live.parts, live.parts.get(Clock))
    paid = []
    for _ in range(12):
        payment_id, page = till.opened()
        till.handle(gateway.pay(page))
        paid.append(payment_id)
    start = threading.Barrier(12)

    def number(place: int) -> None:
        start.wait()
        try:
            with live.transaction() as session:
                receipts.number_receipt(
                    session, paid[place], legal_entity="Us", now=live.clock.now()
                )
                if place % 3 == 0:
                    raise RuntimeError("died before the commit")
        except RuntimeError:
            pass

    threads = [threading.Thread(target=number, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = till.one("SELECT array_agg(number ORDER BY number) FROM receipt")
    assert numbers == list(range(1, 9))
    _silence(till)
