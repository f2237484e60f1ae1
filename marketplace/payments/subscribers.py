"""What payments does when something happens below it: an account's cards go, what was paid stays."""

from collections.abc import Sequence

from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.identity.events import AccountErasing
from marketplace.identity.rules import ErasureStep
from marketplace.payments.queries import cards as kept
from marketplace.payments.service import cards


def erase(session: Session, event: AccountErasing) -> None:
    """Let every kept card go; a job has the processor forget it."""
    if event.step == ErasureStep.CARDS:
        for card in kept.of_account(session, event.account_id):
            cards.remove(session, card.id, account_id=event.account_id, now=event.at)


SUBSCRIPTIONS: Sequence[Subscription] = ((AccountErasing, erase),)
