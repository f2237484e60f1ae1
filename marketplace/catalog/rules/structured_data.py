"""A listing in schema.org's words (JSON-LD), for search engines and whoever reads pages by machine.

Nothing is said here that the listing does not say: the tier is the computed one, by learner status;
the price is that of one week, and what comes on top is named; a letter is promised by nobody; a
listing that trainees contradict says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from marketplace.core.money import Money

CONTEXT = "https://schema.org"
# UN/CEFACT's code of a week, as schema.org asks for.
WEEK = "WEE"
# A new booking is possible, not at the moment, or never again.
OFFERED = {
    "published": f"{CONTEXT}/InStock",
    "paused": f"{CONTEXT}/OutOfStock",
    "retired": f"{CONTEXT}/Discontinued",
}
LETTERS = {
    "on_merit": "A letter of recommendation may be earned; it is not promised.",
    "never": "No letters of recommendation are written here.",
}
# What could end a script element, or begin a comment in it, wherever the text comes from.
ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it is; country and state as postal codes."""

    name: str
    address: str
    city: str
    us_state: str
    country: str
    latitude: Decimal | None
    longitude: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advertised:
    """What of a listing is told. `tiers` maps who is admitted to the tier that it counts as."""

    url: str
    title: str
    specialty: str
    setting: str
    duties: Sequence[str]
    tiers: Mapping[str, str]
    classifier: str
    price_per_week: Money
    fee_percent: Decimal
    weeks_min: int
    weeks_max: int
    first_start: date
    last_start: date
    place: Place
    preceptor: str
    prerequisites: Sequence[str]
    letter_policy: str
    state: str
    flagged: bool


def course(listing: Advertised) -> dict[str, Any]:
    """The listing as a `Course` with one `CourseInstance` and one `Offer`."""
    return {
        "@context": CONTEXT,
        "@type": "Course",
        "@id": listing.url,
        "url": listing.url,
        "name": listing.title,
        "description": _description(listing),
        "about": {"@type": "MedicalSpecialty", "name": listing.specialty},
        "provider": _provider(listing.place),
        "learningResourceType": sorted(set(listing.tiers.values())),
        "educationalLevel": [_for_whom(who) for who in listing.tiers],
        "teaches": [_words(duty) for duty in listing.duties],
        **({"coursePrerequisites": list(listing.prerequisites)} if listing.prerequisites else {}),
        "hasCourseInstance": _instance(listing),
        "offers": _offer(listing),
    }


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that is as safe within a page's script element as by itself."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)


def _weeks(listing: Advertised) -> str:
    least, most = listing.weeks_min, listing.weeks_max
    return f"{least} week{'s' * (least > 1)}" if least == most else f"{least} to {most} weeks"


def _description(listing: Advertised) -> str:
    tiers = "; ".join(f"{_for_whom(who)}: {tier}" for who, tier in listing.tiers.items())
    sentences = [
        f"{listing.specialty} in {listing.place.city}, {listing.place.us_state}.",
        f"Counts as, by what the trainee may do ({listing.classifier}): {tiers}.",
        f"{_weeks(listing)} from a Monday on.",
        LETTERS[listing.letter_policy],
    ]
    if listing.flagged:
        sentences.append("Under review: trainees report less patient contact than its tier says.")
    return " ".join(sentences)


def _provider(place: Place) -> dict[str, Any]:
    return {"@type": "Organization", "name": place.name, "address": _address(place)}


def _address(place: Place) -> dict[str, str]:
    return {
        "@type": "PostalAddress",
        "streetAddress": place.address,
        "addressLocality": place.city,
        "addressRegion": place.us_state,
        "addressCountry": place.country,
    }


def _instance(listing: Advertised) -> dict[str, Any]:
    place = listing.place
    location: dict[str, Any] = {
        "@type": "Place",
        "name": place.name,
        "address": _address(place),
    }
    if place.latitude is not None and place.longitude is not None:
        location["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": float(place.latitude),
            "longitude": float(place.longitude),
        }
    remote = listing.setting == "remote"
    return {
        "@type": "CourseInstance",
        "courseMode": "online" if remote else "onsite",
        "courseSchedule": {
            "@type": "Schedule",
            "byDay": f"{CONTEXT}/Monday",
            "startDate": listing.first_start.isoformat(),
            "endDate": listing.last_start.isoformat(),
            "duration": f"P{listing.weeks_min}W",
            "repeatFrequency": "P1W",
        },
        "instructor": {"@type": "Person", "name": listing.preceptor},
        "location": {"@type": "VirtualLocation", "url": listing.url} if remote else location,
    }


def _offer(listing: Advertised) -> dict[str, Any]:
    price, currency = str(listing.price_per_week.as_decimal()), listing.price_per_week.currency
    return {
        "@type": "Offer",
        "url": listing.url,
        "category": "Paid",
        "availability": OFFERED[listing.state],
        "price": price,
        "priceCurrency": currency,
        "description": f"For one week; a platform fee of {_plain(listing.fee_percent)} % is added.",
        "priceSpecification": {
            "@type": "UnitPriceSpecification",
            "price": price,
            "priceCurrency": currency,
            "unitCode": WEEK,
            "referenceQuantity": {"@type": "QuantitativeValue", "value": 1, "unitCode": WEEK},
        },
        "eligibleQuantity": {
            "@type": "QuantitativeValue",
            "minValue": listing.weeks_min,
            "maxValue": listing.weeks_max,
            "unitCode": WEEK,
        },
    }


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _for_whom(status: str) -> str:
    return {"student": "medical students", "graduate": "medical graduates"}[status]
