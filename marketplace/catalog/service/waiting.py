"""What stands between a listing and its publication, as codes and in words."""

from collections.abc import Sequence

from marketplace.catalog.models import Listing, Site
from marketplace.catalog.rules.policies import fee_currency
from marketplace.catalog.states import Verification, Waiting


def waits_for(listing: Listing, site: Site, *, approved: bool) -> list[Waiting]:
    """What the listing would wait for now; `approved` by an operator, in these very words."""
    found = []
    if site.verification != Verification.VERIFIED:
        found.append(Waiting.SITE)
    if listing.conflicts and not approved:
        found.append(Waiting.WORDS)
    if fee_currency(listing.cancellation_policy) not in (None, listing.price.currency):
        found.append(Waiting.FEE)
    return found


def reasons(listing: Listing) -> Sequence[tuple[str, str]]:
    """What a listing in review waits for: code and sentence."""
    return [(reason, _sentence(Waiting(reason), listing)) for reason in listing.waits_for]


def _sentence(reason: Waiting, listing: Listing) -> str:
    if reason is Waiting.SITE:
        return f"{listing.site_name} is not verified."
    if reason is Waiting.WORDS:
        return " ".join(conflict["text"] for conflict in listing.conflicts)
    policy, currency = listing.cancellation_policy, listing.price.currency
    return (
        f"The fees of {policy} are in {fee_currency(policy)}, the price is in {currency}: a booking"
        " could not be cancelled. Change the price's currency or the cancellation policy."
    )
