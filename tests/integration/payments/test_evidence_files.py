"""Evidence that goes to Stripe as files: sent once each, named in the fields that take one."""

import base64

import pytest

from marketplace.adapters.stripe_disputes import StripeDisputes
from marketplace.adapters.stripe_gateway import StripeGateway
from marketplace.core.ports import ObjectStore
from marketplace.payments import tasks
from marketplace.payments.gateway import (
    DisputeGateway,
    EvidencePapers,
    EvidenceSource,
    GatewayUncertain,
    PaymentGateway,
)
from marketplace.payments.service import disputes
from marketplace.payments.tasks import disputes as jobs
from tests.integration.payments.test_through_stripe import Street
from tests.integration.stripe_sandbox.running import KEY, SECRET, eventually

DISPUTED = "4000000000000259"
CERTIFICATE = "papers/certificate.pdf"
TEXTS = {
    "customer_name": "Asha Rao",
    "product": "A rotation of 4 weeks.",
    "attendance": "2027-03-01: present\n2027-03-02: present",
    "messages": "2027-02-20, trainee: See you on Monday.\n2027-02-21, host: Welcome.",
}


class Known:
    def evidence(self, session, payables):
        return TEXTS

    def certificates(self, session, payables):
        return [CERTIFICATE]


@pytest.fixture
def gateway(parts, sandbox):
    given = {"api_base": sandbox.url, "waits": ()}
    made = StripeGateway(KEY, webhook_secrets=(SECRET,), **given)
    parts.add(PaymentGateway, made)
    parts.add(DisputeGateway, StripeDisputes(KEY, **given))
    parts.add(EvidenceSource, Known())
    parts.add(EvidencePapers, Known())
    return made


@pytest.fixture
def approved(till, parts, sandbox, receiver, client, run_jobs):
    """A dispute whose evidence an operator has sent off; the job that answers waits."""
    parts.get(ObjectStore).put(CERTIFICATE, b"%PDF-1.7 a certificate")
    walk = Street(sandbox, receiver, client)
    payment_id, _ = till.opened()
    assert walk.pay(till, payment_id, DISPUTED)[0] == 303
    walk.wait_for("charge.dispute.funds_withdrawn")
    # Events come in any order: the one that opens the dispute may be the last.
    eventually(lambda: sandbox.json("GET", "/_sandbox/webhooks")["waiting"] == 0)
    walk.deliver()
    run_jobs()
    tasks.issue_receipt(till.context, str(payment_id))
    dispute_id = till.one("SELECT id FROM dispute")
    jobs.gather_evidence(till.context, str(dispute_id))
    with till.context.transaction() as session:
        disputes.approve(session, dispute_id, approved_by=till.payer_id, now=till.clock.now())
    return dispute_id


def content_of(sandbox, name):
    return base64.b64decode(sandbox.json("GET", f"/_sandbox/objects/{name}")["_content"])


def test_the_certificate_the_roster_and_the_messages_are_sent_as_files(
    till, sandbox, approved, parts
):
    sandbox.fault("request.drop", work=True, path="/v1/files", method="POST")
    with pytest.raises(GatewayUncertain):
        jobs.answer_dispute(till.context, str(approved))
    for _ in range(2):
        jobs.answer_dispute(till.context, str(approved))
    client = sandbox.client()
    sent = client.v1.files.list().data
    assert len(sent) == 4, "the lost answer was asked for again under its key"
    assert {one.purpose for one in sent} == {"dispute_evidence"}
    (dispute,) = client.v1.disputes.list().data
    evidence = dispute.evidence
    assert dispute.evidence_details.submission_count == 1
    assert content_of(sandbox, evidence.uncategorized_file) == b"%PDF-1.7 a certificate"
    for name in (
        evidence.service_documentation,
        evidence.customer_communication,
        evidence.receipt,
    ):
        assert content_of(sandbox, name).startswith(b"%PDF-")
    assert "present" in evidence.uncategorized_text
    files = till.one("SELECT files FROM dispute")
    assert set(files) == {"certificate", "receipt", "roster", "messages"}
    assert till.quarantined() == []


def test_a_file_that_is_refused_is_left_out(till, sandbox, approved):
    sandbox.fault("request.error", status=400, path="/v1/files", method="POST", times=2)
    jobs.answer_dispute(till.context, str(approved))
    assert set(till.one("SELECT files FROM dispute")) == {"roster", "messages"}
    assert till.one("SELECT evidence_state FROM dispute") == "submitted"
