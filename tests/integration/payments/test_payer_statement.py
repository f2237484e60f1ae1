"""What a payer reads of their money: by the books, line by line, theirs alone."""

import csv
import io
from datetime import timedelta

from marketplace.payments import service, tasks
from marketplace.payments.rules.credit import CreditTerms
from tests.integration.payments.conftest import usd

STATEMENT = "/api/v1/payments/statement"


def test_a_statement_adds_up_and_is_its_payers_own(
    client, till, gateway, people, clock, count_queries
):
    payer = people.make("trainee")
    till.payer_id = payer.id
    first_day = clock.now().date()

    def read(path="", person=payer, **days):
        return client.get(STATEMENT + path, query_string=days, headers=person.headers)

    assert read().json["accounts"] == []
    payment_id, page = till.opened()
    till.handle(gateway.pay(page))
    tasks.issue_receipt(till.context, str(payment_id))
    clock.advance(timedelta(days=1))
    gateway.at = clock.now()
    refund_id = till.refund(payment_id, usd(10_000))
    tasks.send_refund(till.context, str(refund_id))
    till.handle(gateway.bounce_refund(next(iter(gateway.refunds))))
    with till.context.transaction() as session:
        given = {"amount": usd(5_000), "reason": "policy", "as_credit": CreditTerms()}
        service.refund(session, payment_id, now=clock.now(), **given)

    with count_queries() as asked:
        paid, credit = read().json["accounts"]
    assert len(asked) <= 8
    assert [(one["kind"], one["amount"]["amount"]) for one in paid["lines"]] == [
        ("payment_settled", 38_080),
        ("refund_sent", -10_000),
        ("refund_returned", 10_000),
        ("refund_credited", -5_000),
    ]
    assert paid["lines"][0]["text"] == "Paid: Internal Medicine, 4 weeks"
    assert paid["lines"][0]["receipt"] == "000001"
    assert (paid["opening"]["amount"], paid["closing"]["amount"]) == (0, 33_080)
    assert [one["amount"]["amount"] for one in credit["lines"]] == [5_000]

    later = read(since=first_day + timedelta(days=1)).json["accounts"][0]
    earlier = read(until=first_day + timedelta(days=1)).json["accounts"]
    assert [one["closing"] for one in earlier] == [later["opening"]]
    assert later["closing"] == paid["closing"]
    rows = list(csv.DictReader(io.StringIO(read("/lines.csv").text)))
    assert [row["amount"] for row in rows if row["kind"] == "closing"] == ["330.80", "50.00"]
    assert read("/statement.pdf").data.startswith(b"%PDF-")

    assert client.get(STATEMENT).status_code == 401
    stranger, operator = people.make("trainee"), people.make("operator")
    assert read(person=stranger).json["accounts"] == []
    assert read(person=stranger, account_id=payer.id).status_code == 404
    assert len(read(person=operator, account_id=payer.id).json["accounts"]) == 2
    wrong = read(since=first_day, until=first_day)
    assert (wrong.status_code, "until" in str(wrong.json)) == (422, True)
