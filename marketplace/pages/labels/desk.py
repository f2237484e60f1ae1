"""What codes of money are called at the desk, and what is to be done about some."""

from collections.abc import Mapping

from marketplace.pages.marking import noted

ACCOUNTS: Mapping[str, str] = {
    "processor_clearing": noted("Held by Stripe for us"),
    "bank": noted("Our bank account"),
    "trainee_credit": noted("Credit of a trainee"),
    "deferred_host_share": noted("The host's share, not earned yet"),
    "host_payable": noted("Due to the host"),
    "host_receivable": noted("Owed by the host"),
    "platform_revenue": noted("Our revenue"),
    "tax_payable": noted("Tax due"),
    "processor_fees": noted("Stripe's fees"),
    "refunds_payable": noted("Refunds due"),
    "disputes": noted("In dispute"),
    "dispute_losses": noted("Lost by disputes"),
    "suspense": noted("In suspense"),
}
POSTED: Mapping[str, str] = {
    "posted_refund_by_dispute": noted("A lost dispute paid the refund"),
    "posted_refund_owed_again": noted("A refund is owed again"),
    "posted_refund_credited": noted("A refund became credit"),
    "posted_credit_given": noted("Credit was given"),
    "posted_paid_by_credit": noted("Paid by credit"),
    "posted_credit_ended": noted("Credit ended"),
    "posted_credit_handed_on": noted("Credit was handed on"),
    "posted_dispute_lost": noted("A dispute was lost"),
    "posted_dispute_regained": noted("A lost dispute was won after all"),
    "posted_price_protection": noted("A protected price was made up for"),
    "posted_debt_netted": noted("A debt was taken off"),
    "posted_transfer_sent": noted("The host was sent their share"),
    "posted_share_taken_back": noted("A part of the host's share was taken back"),
    "posted_transfer_reversed": noted("A transfer came back"),
    "posted_host_owes": noted("The host owes it"),
    "posted_unexplained": noted("Put into suspense"),
    "posted_explained": noted("Explained after all"),
    "posted_settled_as_revenue": noted("Taken out of suspense: ours"),
    "posted_settled_as_bank": noted("Taken out of suspense: our bank account"),
    "posted_settled_as_fee": noted("Taken out of suspense: a fee"),
}
SUSPENSE: Mapping[str, str] = {
    "suspense_platform_revenue": noted("Ours: a gain, or a loss that we bear"),
    "suspense_bank": noted("Moved from or to our own bank account"),
    "suspense_processor_fees": noted("A fee of Stripe, or one given back"),
    "moved_at_charge": noted("A payment"),
    "moved_at_payment": noted("A payment"),
    "moved_at_refund": noted("A refund"),
    "moved_at_payment_refund": noted("A refund"),
    "moved_at_refund_failure": noted("A refund that came back"),
    "moved_at_payment_failure_refund": noted("A payment that was taken back"),
    "moved_at_adjustment": noted("A correction by Stripe"),
    "moved_at_transfer": noted("A transfer to a host"),
    "moved_at_transfer_refund": noted("A transfer that came back"),
}
MISMATCHES: Mapping[str, str] = {
    "mismatch_missed_event": noted(
        "An event that never came: it has been taken in. If there are many, check the webhook's"
        " address and secret at Stripe."
    ),
    "mismatch_unexplained": noted(
        "A movement at Stripe that nothing of ours explains: see suspense."
    ),
    "mismatch_suspense": noted("Money in suspense: see it line by line."),
    "mismatch_clearing": noted(
        "Our books and Stripe's balance differ: run it again from an earlier time. Payments of the"
        " last minutes may be under way."
    ),
    "mismatch_running_total": noted(
        "A total differs from its entries: somebody wrote to the database by hand. Tell the"
        " developers."
    ),
    "mismatch_hosts": noted(
        "What is due to a host differs from their transfers. Tell the developers."
    ),
    "mismatch_disputes": noted(
        "Money is in dispute, and no dispute is open: look at the last that ended."
    ),
    "mismatch_refunded": noted("A payment's sum differs from its refunds. Tell the developers."),
    "mismatch_credit": noted(
        "The credit that there is differs from the books. Tell the developers."
    ),
}
_LOOK = noted("Find the object at Stripe, compare, and tell the developers.")
_BY_HAND = noted(
    "Somebody did it by hand at Stripe: ask who and why. The next reconciliation books it to suspense,"
    " where it is settled."
)
_MONEY = noted(
    "Find the object at Stripe. If money moved, refund it there in full and note it here: this is the"
    " one exception."
)
# Why something was set aside, and what is to be done.
CASES: Mapping[str, tuple[str, str]] = {
    "amount": (noted("The amount is not what we asked for"), _MONEY),
    "currency": (noted("The currency is not what we asked for"), _MONEY),
    "captured": (noted("Less or more was taken than we asked for"), _MONEY),
    "mode": (
        noted("A test event in live operation, or the reverse"),
        noted("A webhook's address is registered in the wrong mode at Stripe: remove it there."),
    ),
    "account": (
        noted("An event of another Stripe account"),
        noted("A webhook's address is registered for another account at Stripe: remove it there."),
    ),
    "payment_unknown": (
        noted("It names a payment that is not ours"),
        noted("Another system may share the account at Stripe, or a backup was restored."),
    ),
    "payment": (noted("It belongs to another payment than it says"), _LOOK),
    "session": (noted("It belongs to another payment page than it says"), _LOOK),
    "intent": (noted("It belongs to another payment than it says"), _LOOK),
    "unknown_at_processor": (
        noted("Stripe does not know what it told us of"),
        noted("The key that we ask with may belong to another account: check the settings."),
    ),
    "refund_failed": (
        noted("A refund came back"),
        noted("Speak with the payer, then send it again or say what was done instead."),
    ),
    "refund_not_ours": (noted("A refund that is not ours"), _BY_HAND),
    "refund": (noted("A refund is not as we granted it"), _LOOK),
    "refund_object": (noted("A refund is not as we granted it"), _LOOK),
    "refund_intent": (noted("A refund is not as we granted it"), _LOOK),
    "refund_amount": (noted("A refund is not as we granted it"), _LOOK),
    "refund_status": (noted("A refund is not as we granted it"), _LOOK),
    "transfer_failed": (
        noted("Stripe refused a transfer to a host"),
        noted(
            "Usually our balance at Stripe does not cover it yet. It is tried again every hour, and"
            " this case ends by itself once it arrives."
        ),
    ),
    "transfer_not_ours": (noted("A transfer that is not ours"), _BY_HAND),
    "reversal_not_ours": (noted("A transfer taken back that is not ours"), _BY_HAND),
    "transfer": (noted("A transfer is not as we made it"), _LOOK),
    "transfer_object": (noted("A transfer is not as we made it"), _LOOK),
    "transfer_amount": (noted("A transfer is not as we made it"), _LOOK),
    "transfer_account": (noted("A transfer is not as we made it"), _LOOK),
    "host_account": (noted("A host's account at Stripe is not as we made it"), _LOOK),
    "evidence_refused": (
        noted("Stripe takes no answer to this dispute any more"),
        noted("Nothing can be done but wait for the bank. Close the case."),
    ),
    "unexplained": (
        noted("Nothing of ours explains it: it is in suspense"),
        noted(
            "Find the payment at Stripe. If its event was set aside, settle that first; else take the"
            " line out of suspense and say what it was."
        ),
    ),
}
DISPUTED: Mapping[str, str] = {
    "disputed_bank_cannot_process": noted("the bank can't process it"),
    "disputed_credit_not_processed": noted("a refund was promised and did not come"),
    "disputed_customer_initiated": noted("the payer disputes it"),
    "disputed_debit_not_authorized": noted("the debit was not authorized"),
    "disputed_duplicate": noted("charged twice"),
    "disputed_fraudulent": noted("not made by the card's holder"),
    "disputed_general": noted("no reason given"),
    "disputed_incorrect_account_details": noted("wrong account details"),
    "disputed_insufficient_funds": noted("not enough money"),
    "disputed_product_not_received": noted("the service was not received"),
    "disputed_product_unacceptable": noted("the service was not as described"),
    "disputed_subscription_canceled": noted("charged after a cancellation"),
    "disputed_unrecognized": noted("not recognized by the payer"),
    "bank_needs_response": noted("the bank asks for an answer"),
    "bank_under_review": noted("the bank looks at the answer"),
    "bank_won": noted("the bank has decided for us"),
    "bank_lost": noted("the bank has decided against us"),
    "bank_warning_needs_response": noted("an inquiry that asks for an answer"),
    "bank_warning_under_review": noted("an inquiry that the bank looks at"),
    "bank_warning_closed": noted("an inquiry that went no further"),
    "bank_prevented": noted("prevented by the bank"),
}
REFUSED: Mapping[str, str] = {
    "back_lost_or_stolen_card": noted("the card was lost or stolen"),
    "back_expired_or_canceled_card": noted("the card has expired or was cancelled"),
    "back_charge_for_pending_refund_disputed": noted("the payment is disputed meanwhile"),
    "back_insufficient_funds": noted("our balance at Stripe did not cover it"),
    "back_declined": noted("the bank declined it"),
    "back_merchant_request": noted("it was called off by us"),
    "back_failed": noted("it failed"),
    "back_canceled": noted("it was called off"),
    "back_unknown": noted("the bank gives no reason"),
}
FACTS: Mapping[str, str] = {
    "fact_event": noted("Event"),
    "fact_kind": noted("What it tells"),
    "fact_expected": noted("Expected"),
    "fact_claimed": noted("Claimed"),
    "fact_seen": noted("At the processor"),
    "fact_payment": noted("Payment"),
    "fact_refund": noted("Refund"),
    "fact_transfer": noted("Transfer"),
    "fact_dispute": noted("Dispute"),
    "fact_site": noted("Site"),
    "fact_amount": noted("Amount"),
    "fact_currency": noted("Currency"),
    "fact_fee": noted("Fee"),
    "fact_source": noted("About"),
    "fact_why": noted("Why"),
    "fact_to": noted("To"),
    "fact_reason": noted("Why"),
    "fact_contract": noted("Fee contract"),
    "fact_replaces": noted("Replaces"),
    "fact_ends_on": noted("Ends before"),
    "fact_reference": noted("Reference"),
    "fact_received_on": noted("Came on"),
    "fact_sent_on": noted("Sent on"),
    "fact_account": noted("Account"),
    "fact_account_id": noted("Account"),
    "fact_role": noted("Role"),
    "event_received": noted("Waiting to be handled"),
    "event_processed": noted("Handled"),
    "event_ignored": noted("Handled: it changes nothing here"),
    "event_quarantined": noted("Set aside: it does not fit"),
    "proof_visa_denial": noted("I have seen the letter that denies the visa"),
    "desk_original_payment": noted("to the card that paid"),
    "desk_voucher": noted("as a voucher"),
    "rescue_searching": noted("Being looked for"),
    "rescue_offered": noted("Offered to the trainee"),
    "rescue_accepted": noted("Another rotation was taken"),
    "rescue_refunded": noted("All the money went back"),
    "change_reschedule": noted("Other weeks"),
    "change_transfer": noted("To another rotation"),
    "change_rescue": noted("In place of one that its host called off"),
}
LABELS: Mapping[str, str] = {
    **ACCOUNTS,
    **POSTED,
    **SUSPENSE,
    **MISMATCHES,
    **{f"case_{code}": said for code, (said, _) in CASES.items()},
    **DISPUTED,
    **REFUSED,
    **FACTS,
}
