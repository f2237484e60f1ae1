"""What catalog does when something happens below it: an account's searches go with it."""

from collections.abc import Sequence

from marketplace.catalog.queries import saved
from marketplace.catalog.service import saving
from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.identity.events import AccountErasing
from marketplace.identity.rules import ErasureStep


def erase(session: Session, event: AccountErasing) -> None:
    """Delete what somebody was looking for."""
    if event.step == ErasureStep.SEARCHES:
        for found in saved.of_account(session, event.account_id, lock=True):
            saving.remove(session, found)


SUBSCRIPTIONS: Sequence[Subscription] = ((AccountErasing, erase),)
