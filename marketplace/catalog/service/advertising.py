"""What is told of a listing outside: to search engines, and to whoever reads pages by machine."""

from decimal import Decimal

from marketplace.catalog.models import Listing
from marketplace.catalog.rules import specialties
from marketplace.catalog.rules.english import text_of
from marketplace.catalog.rules.structured_data import Advertised, Place
from marketplace.core.settings import Settings


def advertised(listing: Listing, settings: Settings, agreed: Decimal | None) -> Advertised:
    """What is told of a listing that is on show, read with its site and preceptor.

    `agreed` is the platform fee by a contract with the site, if there is one.
    """
    site = listing.site
    tiers = {"student": listing.tier_student, "graduate": listing.tier_graduate}
    return Advertised(
        url=f"{settings.public_url.rstrip('/')}/listings/{listing.id}",
        title=listing.title,
        specialty=specialties.BY_CODE[listing.specialty].name,
        setting=listing.setting,
        duties=listing.duties,
        tiers={who: tier for who, tier in tiers.items() if tier is not None},
        classifier=listing.classifier,
        price_per_week=listing.price,
        fee_percent=settings.platform_fee_percent if agreed is None else agreed,
        weeks_min=listing.weeks_min,
        weeks_max=listing.weeks_max,
        first_start=listing.first_start,
        last_start=listing.last_start,
        place=Place(
            name=site.name,
            address=site.address,
            city=site.city,
            us_state=site.state,
            country=site.country,
            latitude=site.latitude,
            longitude=site.longitude,
        ),
        preceptor=listing.preceptor.name,
        prerequisites=_prerequisites(listing),
        letter_policy=listing.letter_policy,
        state=listing.state,
        flagged=listing.drift_at is not None,
    )


def _prerequisites(listing: Listing) -> list[str]:
    found = ["USMLE Step 1 passed"] if listing.step1_required else []
    if listing.step2_min is not None:
        found.append(f"USMLE Step 2 CK: {listing.step2_min} or more")
    if listing.english.asked:
        found.append(f"English, any of: {text_of(listing.english)}")
    return [*found, *(document.replace("_", " ") for document in listing.documents)]
