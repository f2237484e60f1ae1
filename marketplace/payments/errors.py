"""What payments refuses, and in which words."""

from marketplace.core.errors import Conflict, ConstraintErrors, DomainError, Invalid, NotFound


class PaymentNotFound(NotFound):
    code = "payment_not_found"


class RefundNotFound(NotFound):
    code = "refund_not_found"


class ReceiptNotReady(NotFound):
    code = "receipt_not_ready"
    title = "There is no receipt yet: it is made within a minute after the payment."


class PaymentInProgress(Conflict):
    """Another payment for the same thing is open; `payment_id` names it."""

    code = "payment_in_progress"
    title = "A payment for this is open already. Pay it, or cancel it first."


class AlreadyPaid(Conflict):
    code = "already_paid"
    title = "This has been paid."


class RefundExceedsPayment(Conflict):
    code = "refund_exceeds_payment"
    title = "The refunds would exceed what was paid."


class RefundNotRetryable(Conflict):
    code = "refund_not_retryable"
    title = "Only a failed refund that has not been sent again can be sent again."


class DisputeEnded(Conflict):
    code = "dispute_answered"
    title = "This dispute has ended, or has been answered."


class PaymentDisputed(Conflict):
    """The bank holds the money of a payment until it decides, or has given it back."""

    code = "payment_disputed"
    title = "What was paid is disputed at the payer's bank, and can't be moved to another booking."


class TransferNotRetryable(Conflict):
    code = "transfer_not_retryable"
    title = "Only a transfer that waits or was refused can be sent again."


class ContractsOverlap(Conflict):
    """The site has a contract already for some of these days; replace that one."""

    code = "contracts_overlap"
    title = "Two contracts of one site can't count on the same day."


class ContractReplaced(Conflict):
    code = "contract_replaced"
    title = "This contract was replaced: see the site's contracts."


class CreditNotFound(NotFound):
    code = "credit_not_found"


class CreditLacking(Conflict):
    """`available` is what the account can spend in this currency now."""

    code = "credit_lacking"
    title = "There is less credit than this."


class CreditNotTransferable(Conflict):
    code = "credit_not_transferable"
    title = "This credit can't be handed on."


class RecipientUnknown(Conflict):
    """One answer for an unknown address and an account that can't have credit."""

    code = "recipient_unknown"
    title = "No trainee with this address can be given credit."


class VoucherRefused(Conflict):
    """`reason` says why: unknown, not_yet, over, withdrawn, used_up, used_by_you, not_here,
    too_late (only the first payment of a price takes a code), nothing.
    """

    code = "voucher_refused"
    title = "This code takes nothing off this price."


class VoucherNotFound(NotFound):
    code = "voucher_not_found"


class VoucherExists(Conflict):
    code = "voucher_exists"
    title = "There is a code of this name already."


class ContractDatesRefused(Invalid):
    code = "contract_dates_refused"
    title = "A contract counts on one day at least."


class AmountRefused(Invalid):
    """Nothing, a negative amount, or a currency other than the payment's."""

    code = "amount_refused"
    title = "This amount can't be paid or refunded."


class BankDayRefused(Invalid):
    code = "bank_day_refused"
    title = "What a bank has done was done today or before."


class PartNeeded(Invalid):
    """`part_id` is the payable's id of the part, as the payment's lines name it."""

    code = "part_needed"
    title = "This payment is for several things: say by part_id which of them gives back."


class SignatureRefused(DomainError):
    """Forged, altered, stale, signed with another secret, or there is no secret to check with."""

    code = "signature_refused"
    status = 400
    title = "The signature of this event is not good."


class PayloadRefused(DomainError):
    """Well signed, but no event that we can read."""

    code = "payload_refused"
    status = 400
    title = "This is no event."


class CardNotFound(NotFound):
    code = "card_not_found"


class CardInUse(Conflict):
    """`payment_id` names the payment that is being charged to it now."""

    code = "card_in_use"
    title = "The card is being charged now. Remove it once that is over."


class PlanNotFound(NotFound):
    code = "balance_plan_not_found"


class PlanExists(Conflict):
    code = "balance_plan_exists"
    title = "There is a plan for this balance already."


class WordsChanged(Invalid):
    """`words` are those to be agreed to."""

    code = "agreement_changed"
    title = "These are not the words to agree to: show those that are there now."


class NotInSuspense(Conflict):
    code = "not_in_suspense"
    title = "This is not in suspense any more: it was explained or settled meanwhile."


class EventHandled(Conflict):
    """`extra.state` is what it is."""

    code = "event_handled"
    title = "This event was handled already."


class InvoiceNotOpen(Conflict):
    """`extra.state` is what it is."""

    code = "invoice_not_open"
    title = "This invoice is not open any more."


class InvoiceOpen(Conflict):
    code = "invoice_open"
    title = "An invoice for this is open already."


class InvoiceNotReady(NotFound):
    code = "invoice_not_ready"
    title = "There is no file yet: it is made within a minute after the invoice."


class CreditNoteNotReady(NotFound):
    code = "credit_note_not_ready"
    title = "There is no file yet: it is made within a minute after the refund."


class CreditNoteKept(Conflict):
    code = "history_is_kept"
    title = "A credit note stays as it was issued."


class InvoiceKept(Conflict):
    code = "history_is_kept"
    title = "An invoice stays as it was issued."


class NotByBank(Conflict):
    code = "not_by_bank"
    title = "This refund goes back by the processor, or has been sent."


CONSTRAINTS: ConstraintErrors = {
    "ck_payment_refunded": RefundExceedsPayment,
    "ck_payment_part_refunded": RefundExceedsPayment,
    "uq_payment_live": PaymentInProgress,
    "uq_invoice_open": InvoiceOpen,
    "pk_invoice_step": InvoiceNotOpen,
    "uq_balance_plan_live": PlanExists,
    "invoice_kept": InvoiceKept,
    "credit_note_kept": CreditNoteKept,
    "history_invoice_line": InvoiceKept,
    "history_invoice_step": InvoiceKept,
    "ex_fee_contract_site_id_valid": ContractsOverlap,
    "ck_credit_grant_left": CreditLacking,
    "ck_voucher_code_uses": VoucherRefused,
    "uq_voucher_code_code": VoucherExists,
}
