"""Test payment methods and what they do (https://docs.stripe.com/testing), as plain data.

A behaviour is data on the payment method, so that a charge made days later acts the same.
"""

from dataclasses import dataclass, field

from marketplace.embedded.stripe_sandbox.shapes import Json


@dataclass(frozen=True)
class Behaviour:
    """What a card does when it is charged.

    ``decline`` is an error code and a decline code; ``challenge`` asks for 3-D Secure before
    (``always``, only the ``first`` time, or ``on_session`` only); ``after`` names what follows a success: a dispute's
    reason, ``pending_refund``, ``failed_refund``; ``instant`` skips the pending balance;
    ``delayed`` is the outcome of a bank debit, of type ``debit``, that is ``processing`` at first.
    """

    brand: str = "visa"
    funding: str = "credit"
    decline: tuple[str, str | None] | None = None
    challenge: str | None = None
    after: str | None = None
    instant: bool = False
    delayed: str | None = None
    debit: str = "us_bank_account"
    names: tuple[str, ...] = field(default=())


def _declined(reason: str, *names: str) -> Behaviour:
    return Behaviour(decline=("card_declined", reason), names=names)


CARDS: dict[str, Behaviour] = {
    "4242424242424242": Behaviour(names=("visa",)),
    "4000056655665556": Behaviour(funding="debit", names=("visa_debit",)),
    "5555555555554444": Behaviour(brand="mastercard", names=("mastercard",)),
    "5200828282828210": Behaviour("mastercard", "debit", names=("mastercard_debit",)),
    "378282246310005": Behaviour(brand="amex", names=("amex",)),
    "6011111111111117": Behaviour(brand="discover", names=("discover",)),
    "4000000000000077": Behaviour(instant=True, names=("bypassPending",)),
    "4000000000000002": _declined("generic_decline", "visa_chargeDeclined", "chargeDeclined"),
    "4000000000009995": _declined(
        "insufficient_funds",
        "visa_chargeDeclinedInsufficientFunds",
        "chargeDeclinedInsufficientFunds",
    ),
    "4000000000009987": _declined("lost_card", "visa_chargeDeclinedLostCard"),
    "4000000000009979": _declined("stolen_card", "visa_chargeDeclinedStolenCard"),
    "4000000000006975": _declined(
        "card_velocity_exceeded", "visa_chargeDeclinedVelocityLimitExceeded"
    ),
    "4000000000000341": _declined("generic_decline", "chargeCustomerFail"),
    "4000000000000069": Behaviour(
        decline=("expired_card", None), names=("chargeDeclinedExpiredCard",)
    ),
    "4000000000000127": Behaviour(
        decline=("incorrect_cvc", None), names=("chargeDeclinedIncorrectCvc",)
    ),
    "4000000000000119": Behaviour(
        decline=("processing_error", None), names=("chargeDeclinedProcessingError",)
    ),
    "4000002500003155": Behaviour(challenge="first", names=("authenticationRequiredOnSetup",)),
    "4000002760003184": Behaviour(challenge="always", names=("authenticationRequired",)),
    "4000003800000446": Behaviour(
        challenge="on_session", names=("authenticationRequiredSetupForOffSession",)
    ),
    "4000000000003220": Behaviour(challenge="always", names=("threeDSecure2Required",)),
    "4000008260003178": Behaviour(
        challenge="always",
        decline=("card_declined", "insufficient_funds"),
        names=("authenticationRequiredChargeDeclinedInsufficientFunds",),
    ),
    "4000008400001629": Behaviour(
        challenge="always",
        decline=("card_declined", "generic_decline"),
        names=("threeDSecureRequiredChargeDeclined",),
    ),
    "4000000000000259": Behaviour(after="fraudulent", names=("createDispute",)),
    "4000000000002685": Behaviour(
        after="product_not_received", names=("createDisputeProductNotReceived",)
    ),
    "4000000000001976": Behaviour(after="inquiry", names=("createDisputeInquiry",)),
    "4000000000007726": Behaviour(after="pending_refund", names=("pendingRefund",)),
    "4000000000005126": Behaviour(after="failed_refund", names=("refundFail",)),
}

BANKS: dict[str, Behaviour] = {
    "000123456789": Behaviour(
        delayed="succeeded", names=("usBankAccount", "usBankAccount_success")
    ),
    "000111111113": Behaviour(
        delayed="account_closed", names=("usBankAccount_accountClosed", "usBankAccount_closed")
    ),
    "000222222227": Behaviour(
        delayed="insufficient_funds", names=("usBankAccount_insufficientFunds",)
    ),
    "AT611904300234573201": Behaviour(delayed="succeeded", debit="sepa_debit"),
    "AT321904300235473204": Behaviour(delayed="succeeded", debit="sepa_debit"),
    "AT861904300235473202": Behaviour(delayed="insufficient_funds", debit="sepa_debit"),
    "IT60X0542811101000000123456": Behaviour(delayed="insufficient_funds", debit="sepa_debit"),
}

NAMED: dict[str, str] = {
    f"pm_{'' if number in BANKS else 'card_'}{name}": number
    for number, behaviour in {**CARDS, **BANKS}.items()
    for name in behaviour.names
}
"""Stripe's ready-made test payment methods: ``pm_card_visa`` and so on."""

PLAIN_WORDS: dict[str, str] = {
    "generic_decline": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "lost_card": "The card was declined: it is reported lost.",
    "stolen_card": "The card was declined: it is reported stolen.",
    "card_velocity_exceeded": "The card was declined for too many or too large payments.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code is incorrect.",
    "processing_error": "An error occurred while the card was processed. Try again.",
    "incorrect_number": "The card number is incorrect.",
    "invalid_expiry_year": "The card's expiry date is in the past.",
    "authentication_required": "The card was declined: it requires authentication.",
    "account_closed": "The customer's bank account has been closed.",
}

ADVICE: dict[str, str] = {
    "insufficient_funds": "try_again_later",
    "processing_error": "try_again_later",
    "card_velocity_exceeded": "try_again_later",
    "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data",
    "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again",
}
"""What the card's network advises after a decline."""


def passes_luhn(number: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1)."""
    if not number.isascii() or not number.isdecimal():
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0


def behaviour_of(number: str) -> Behaviour | None:
    """What a test card or bank account does; ``None`` for a number that is none of ours."""
    return CARDS.get(number) or BANKS.get(number)


def method_details(number: str, exp_month: int, exp_year: int, *, behaviour: Behaviour) -> Json:
    """The part of a PaymentMethod that is specific to its type."""
    if behaviour.delayed is not None and behaviour.debit == "sepa_debit":
        return {
            "type": "sepa_debit",
            "sepa_debit": {
                "bank_code": number[4:9],
                "branch_code": "",
                "country": number[:2],
                "fingerprint": "FP" + number[-10:],
                "generated_from": {"charge": None, "setup_attempt": None},
                "last4": number[-4:],
            },
        }
    if behaviour.delayed is not None:
        return {
            "type": "us_bank_account",
            "us_bank_account": {
                "account_holder_type": "individual",
                "account_type": "checking",
                "bank_name": "STRIPE TEST BANK",
                "financial_connections_account": None,
                "fingerprint": "FP" + number[-10:],
                "last4": number[-4:],
                "networks": {"preferred": "ach", "supported": ["ach"]},
                "routing_number": "110000000",
                "status_details": {},
            },
        }
    return {
        "type": "card",
        "card": {
            "brand": behaviour.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "fail" if behaviour.decline == ("incorrect_cvc", None) else "pass",
            },
            "country": "US",
            "display_brand": behaviour.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": "FP" + number[-10:],
            "funding": behaviour.funding,
            "generated_from": None,
            "last4": number[-4:],
            "networks": {"available": [behaviour.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
    }
