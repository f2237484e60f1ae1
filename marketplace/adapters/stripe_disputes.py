"""Disputes at Stripe behind the payments package's protocol.

Evidence goes into the fields that Stripe has for it as text; what has no field of its own is joined
in `uncategorized_text`. Files are sent before, and named in the fields that take one.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from marketplace.adapters import stripe_shapes as shapes
from marketplace.adapters.stripe_calls import StripeCaller
from marketplace.payments.gateway import (
    CERTIFICATE,
    EVIDENCE_PARTS,
    MESSAGES,
    RECEIPT,
    ROSTER,
    ProcessorDispute,
)

# The longest text that Stripe takes in a field.
LONGEST = 20_000
FIELDS: Mapping[str, str] = {
    "customer_name": "customer_name",
    "customer_email": "customer_email_address",
    "product": "product_description",
    "service_dates": "service_date",
    "policy": "refund_policy_disclosure",
    "policy_agreed": "cancellation_policy_disclosure",
    "refunds": "refund_refusal_explanation",
    "history": "access_activity_log",
}
FILE_FIELDS: Mapping[str, str] = {
    ROSTER: "service_documentation",
    MESSAGES: "customer_communication",
    RECEIPT: "receipt",
    CERTIFICATE: "uncategorized_file",
}
JOINED = tuple(part for part in EVIDENCE_PARTS if part not in FIELDS)


class _Named(BytesIO):
    """A file as the SDK sends one: by its name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


class StripeDisputes(StripeCaller):
    """Serves `DisputeGateway`."""

    def retrieve_dispute(self, processor_id: str) -> ProcessorDispute:
        disputes = self._client.v1.disputes
        found = self._call(lambda: disputes.retrieve(processor_id))
        return self._read(shapes.dispute, found.to_dict())

    def submit_evidence(
        self,
        key: str,
        processor_id: str,
        evidence: Mapping[str, str],
        files: Mapping[str, str],
    ) -> ProcessorDispute:
        papers = {FILE_FIELDS[what]: name for what, name in files.items()}
        params: Any = {"evidence": fields_of(evidence) | papers, "submit": True}
        disputes = self._client.v1.disputes
        made = self._call(lambda: disputes.update(processor_id, params, {"idempotency_key": key}))
        return self._read(shapes.dispute, made.to_dict())

    def send_file(self, key: str, *, name: str, content: bytes) -> str:
        params: Any = {"purpose": "dispute_evidence", "file": _Named(content, name)}
        files = self._client.v1.files

        def send() -> Any:
            params["file"].seek(0)
            return files.create(params, {"idempotency_key": key})

        return str(self._call(send).id)

    def concede(self, key: str, processor_id: str) -> ProcessorDispute:
        disputes = self._client.v1.disputes
        made = self._call(lambda: disputes.close(processor_id, {}, {"idempotency_key": key}))
        return self._read(shapes.dispute, made.to_dict())


def fields_of(evidence: Mapping[str, str]) -> dict[str, str]:
    """Return evidence by the names of Stripe's fields, none longer than it takes.

    Of several joined in one field none crowds out the others: each gets an equal part at least.
    """
    fields = {name: evidence[part][:LONGEST] for part, name in FIELDS.items() if evidence.get(part)}
    others = {part: evidence[part] for part in JOINED if evidence.get(part)}
    if len(others) == 1 and "note" in others:
        fields["uncategorized_text"] = others["note"][:LONGEST]
    elif others:
        room = LONGEST // len(others) - 40
        fields["uncategorized_text"] = "\n\n".join(
            f"{part.upper()}\n{text[:room]}" for part, text in others.items()
        )
    return fields
