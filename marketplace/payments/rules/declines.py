"""Why a bank declines a card: what a payer is told, and whether trying again can help.

The codes are Stripe's (https://docs.stripe.com/declines/codes). Of a card that is reported lost or
stolen, or of suspected fraud, a payer is told no more than of any other decline, as Stripe asks.
"""

from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

# After the first try of a charge that nobody clicks: one, three and five days later.
TRY_AGAIN = (timedelta(days=1), timedelta(days=3), timedelta(days=5))
AUTHENTICATION = "authentication_required"
# What we say ourselves, where the processor has no word for it.
CARD_GONE = "card_gone"
NO_ANSWER = "no_answer"


class Ground(StrEnum):
    """What a payer is told of a decline."""

    REFUSED = "refused"
    FUNDS = "funds"
    LIMIT = "limit"
    EXPIRED = "expired"
    DETAILS = "details"
    PROVE = "prove"
    BANK = "bank"
    KIND = "kind"
    GONE = "gone"
    COMPANY = "company"


_G = Ground
GROUNDS = MappingProxyType(
    {
        "insufficient_funds": _G.FUNDS,
        "card_velocity_exceeded": _G.LIMIT,
        "withdrawal_count_limit_exceeded": _G.LIMIT,
        "expired_card": _G.EXPIRED,
        "incorrect_cvc": _G.DETAILS,
        "invalid_cvc": _G.DETAILS,
        "incorrect_number": _G.DETAILS,
        "invalid_number": _G.DETAILS,
        "incorrect_zip": _G.DETAILS,
        "invalid_expiry_month": _G.DETAILS,
        "invalid_expiry_year": _G.DETAILS,
        AUTHENTICATION: _G.PROVE,
        "authentication_not_handled": _G.PROVE,
        "payment_intent_authentication_failure": _G.PROVE,
        "issuer_not_available": _G.BANK,
        "processing_error": _G.BANK,
        "reenter_transaction": _G.BANK,
        "try_again_later": _G.BANK,
        "card_not_supported": _G.KIND,
        "currency_not_supported": _G.KIND,
        "not_permitted": _G.KIND,
        "invalid_amount": _G.KIND,
        CARD_GONE: _G.GONE,
        "payment_method_unexpected_state": _G.GONE,
        "resource_missing": _G.GONE,
        NO_ANSWER: _G.COMPANY,
    }
)
# Money may be there another day, or the bank may answer: the only codes that are tried again.
PASSING = frozenset(
    {
        *("insufficient_funds", "card_velocity_exceeded", "withdrawal_count_limit_exceeded"),
        *("issuer_not_available", "processing_error", "reenter_transaction", "try_again_later"),
        *("generic_decline", "do_not_honor", "no_action_taken", "service_not_allowed", NO_ANSWER),
    }
)
WORDS = MappingProxyType(
    {
        "en": {
            _G.REFUSED: "Your bank declined the card. Ask it why, or pay with another card.",
            _G.FUNDS: "There was not enough money on the card.",
            _G.LIMIT: "The card's limit for payments has been reached.",
            _G.EXPIRED: "The card has expired.",
            _G.DETAILS: "A detail of the card is wrong: its number, date or security code.",
            _G.PROVE: "Your bank wants you to confirm the payment yourself.",
            _G.BANK: "Your bank could not be reached.",
            _G.KIND: "Your bank does not allow this kind of payment with the card.",
            _G.GONE: "The card is no longer kept with us.",
            _G.COMPANY: "The payment company could not be reached.",
        },
        "es": {
            _G.REFUSED: "Su banco rechazó la tarjeta. Pregúntele por qué o pague con otra tarjeta.",
            _G.FUNDS: "No había dinero suficiente en la tarjeta.",
            _G.LIMIT: "Se ha alcanzado el límite de pagos de la tarjeta.",
            _G.EXPIRED: "La tarjeta ha caducado.",
            _G.DETAILS: "Un dato de la tarjeta no es correcto: número, fecha o código de seguridad.",
            _G.PROVE: "Su banco quiere que usted mismo confirme el pago.",
            _G.BANK: "No se pudo contactar con su banco.",
            _G.KIND: "Su banco no permite este tipo de pago con la tarjeta.",
            _G.GONE: "Ya no guardamos esta tarjeta.",
            _G.COMPANY: "No se pudo contactar con la empresa de pagos.",
        },
    }
)


def ground(code: str | None) -> Ground:
    """Return what a code means to a payer; of an unknown one, that the bank refused."""
    return GROUNDS.get(code or "", Ground.REFUSED)


def words(code: str | None, locale: str) -> str:
    """Return the reason in plain words, in English where there are none in `locale`."""
    return WORDS.get(locale[:2], WORDS["en"])[ground(code)]


def try_again_after(code: str | None, tries: int) -> timedelta | None:
    """Return how long after the first try the next one is; None if there is to be none.

    `tries` counts those that were made. Only a decline that may pass by itself is tried again.
    """
    if code not in PASSING or not 1 <= tries <= len(TRY_AGAIN):
        return None
    return TRY_AGAIN[tries - 1]
