"""What the invitations of sites and of schools have in common."""

from marketplace.identity.access import Credential, caller, current_account
from marketplace.identity.errors import KeyNotEnough
from marketplace.identity.gateway import LinkSigner
from marketplace.identity.models import Account
from marketplace.web import context


def person() -> Account:
    """The account that calls, signed in by somebody: no key decides who acts for a place."""
    if caller().via is Credential.API_KEY:
        raise KeyNotEnough
    return current_account()


def signer() -> LinkSigner:
    """Who signs the links that are mailed."""
    return context.parts().get(LinkSigner)
