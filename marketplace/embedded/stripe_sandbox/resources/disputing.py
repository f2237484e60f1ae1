"""Disputes: opened by a card or by the fault interface, answered, won or lost."""

from marketplace.embedded.stripe_sandbox import states
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.money import DISPUTE_FEE
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work, fee_line

REASONS = (
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
FILES = frozenset(
    {
        *("cancellation_policy", "customer_communication", "customer_signature", "receipt"),
        *("duplicate_charge_documentation", "refund_policy", "service_documentation"),
        *("shipping_documentation", "uncategorized_file"),
    }
)
"""Fields of evidence that take the id of a file, and no text."""
ENDED = frozenset({"won", "lost"})
_RESPOND_WITHIN = 7 * 86_400


def open_dispute(work: Work, charge: Json, reason: str, amount: int | None = None) -> Json:
    """The cardholder disputes; ``inquiry`` only asks, and moves no money yet."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    disputed = left if amount is None else amount
    if charge["disputed"] or not charge["captured"] or not 1 <= disputed <= left:
        raise ApiError("This charge can't be disputed (again, or for so much).", param="charge")
    inquiry = reason == "inquiry"
    status = "warning_needs_response" if inquiry else "needs_response"
    dispute = work.new("dispute", "du", _fields(work, charge, disputed, reason, status))
    charge["disputed"] = True
    work.save(charge)
    work.save(dispute)
    work.emit("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(work, dispute)
    return dispute


def _fields(work: Work, charge: Json, amount: int, reason: str, status: str) -> Json:
    card = (charge["payment_method_details"] or {}).get("card") or {}
    details = {
        "type": "card",
        "card": {
            "brand": card.get("brand", "visa"),
            "case_type": "inquiry" if reason == "inquiry" else "chargeback",
            "network_reason_code": "10",
        },
    }
    return {
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": work.now + _RESPOND_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": reason == "inquiry",
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": details,
        "reason": "fraudulent" if reason == "inquiry" else reason,
        "status": status,
    }


def _withdraw(work: Work, dispute: Json, fee: int = DISPUTE_FEE) -> None:
    lines = [fee_line(fee, dispute["currency"], "stripe_fee", "Dispute fee")] if fee else []
    entry = work.book(
        "adjustment",
        -dispute["amount"],
        dispute["currency"],
        source=dispute["id"],
        category="dispute",
        description=f"Chargeback withdrawal for {dispute['charge']}",
        fee=fee,
        fee_details=lines,
    )
    dispute["balance_transactions"].append(_embedded(entry))
    work.save(dispute)
    work.emit("charge.dispute.funds_withdrawn", dispute)


def _embedded(entry: Json) -> Json:
    """Disputes carry their balance transactions whole."""
    return {key: value for key, value in entry.items() if not key.startswith("_")}


def respond(work: Work, dispute: Json, evidence: Json, *, submit: bool) -> Json:
    """Keep evidence; once submitted the bank decides, at once for the two magic texts."""
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise ApiError(
            f"Evidence can't be given: the dispute is {dispute['status']}.",
            code="dispute_unexpected_state",
        )
    for name in FILES & evidence.keys():
        sent = work.tx.get("file", evidence[name] or "", work.account)
        if evidence[name] and (sent is None or sent["purpose"] != "dispute_evidence"):
            raise ApiError(
                f"No such file upload: '{evidence[name]}'",
                code="resource_missing",
                param=f"evidence[{name}]",
            )
    dispute["evidence"].update(evidence)
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"][name] for name in EVIDENCE)
    text = dispute["evidence"]["uncategorized_text"]
    decided = {"winning_evidence": "won", "losing_evidence": "lost"}.get(text)
    if submit:
        details["submission_count"] += 1
        warning = "warning_" if dispute["status"].startswith("warning") else ""
        dispute["status"] = f"{warning}under_review"
    work.save(dispute)
    work.emit("charge.dispute.updated", dispute, previous={})
    if submit and decided and dispute["status"] == "under_review":
        return close(work, dispute, decided)
    return dispute


def close(work: Work, dispute: Json, outcome: str) -> Json:
    """``won`` gives the money back (not the fee), ``lost`` does not, ``warning_closed`` neither.

    One that was lost may be won late: the bank decides anew, and reinstates the funds. One that was
    won may be lost late: it withdraws them again, without another fee.
    """
    if dispute["status"].startswith("warning"):
        outcome = "warning_closed"
    states.check("dispute", states.DISPUTE, dispute["status"], outcome)
    before, dispute["status"] = dispute["status"], outcome
    late = before in ENDED
    charge = work.load("charge", dispute["charge"])
    if outcome == "won":
        entry = work.book(
            "adjustment",
            dispute["amount"],
            dispute["currency"],
            source=dispute["id"],
            category="dispute_reversal",
            description=f"Chargeback reversal for {charge['id']}",
        )
        dispute["balance_transactions"].append(_embedded(entry))
    work.save(dispute)
    if not late:
        work.emit("charge.dispute.closed", dispute)
    if before == "won":
        _withdraw(work, dispute, fee=0)
    if outcome == "won":
        work.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def reopen(work: Work, dispute: Json, status: str) -> Json:
    """The bank takes up again what was decided; what it has given back it withdraws meanwhile.

    With ``needs_response`` it asks for an answer again. Of an inquiry it always does.
    """
    if dispute["status"] == "warning_closed":
        status = "warning_needs_response"
    elif dispute["status"] not in ENDED:
        raise ApiError("This dispute has not ended.", code="dispute_unexpected_state")
    states.check("dispute", states.DISPUTE, dispute["status"], status)
    won = dispute["status"] == "won"
    dispute["status"] = status
    _ask_for_answer(work, dispute)
    work.save(dispute)
    work.emit("charge.dispute.updated", dispute, previous={})
    if won:
        _withdraw(work, dispute, fee=0)
    return dispute


def escalate(work: Work, dispute: Json) -> Json:
    """An inquiry, closed or not, becomes a chargeback: now the money is withdrawn.

    It is to be answered again, whatever was said to the inquiry.
    """
    if dispute["status"] in ENDED:
        raise ApiError("This dispute is no inquiry.", code="dispute_unexpected_state")
    states.check("dispute", states.DISPUTE, dispute["status"], "needs_response")
    dispute.update(status="needs_response", is_charge_refundable=False)
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    _ask_for_answer(work, dispute)
    work.save(dispute)
    work.emit("charge.dispute.updated", dispute, previous={})
    _withdraw(work, dispute)
    return dispute


def _ask_for_answer(work: Work, dispute: Json) -> None:
    """Another answer has its own deadline."""
    if dispute["status"].endswith("needs_response"):
        dispute["evidence_details"]["due_by"] = work.now + _RESPOND_WITHIN
