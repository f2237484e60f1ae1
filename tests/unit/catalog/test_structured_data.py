"""A listing in schema.org's words: complete, exact, and honest."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from marketplace.catalog.rules.structured_data import Advertised, Place, course, embedded
from marketplace.core.money import Money

LISTING = Advertised(
    url="https://rotations.example/listings/1",
    title="Internal Medicine Elective",
    specialty="Internal Medicine",
    setting="inpatient",
    duties=["history_taking", "physical_examination"],
    tiers={"student": "elective", "graduate": "externship"},
    classifier="usce-1",
    price_per_week=Money(42550, "USD"),
    fee_percent=Decimal(12),
    weeks_min=2,
    weeks_max=12,
    first_start=date(2027, 1, 4),
    last_start=date(2027, 12, 6),
    place=Place(
        name="Lakeview Hospital",
        address="100 Medical Way",
        city="Chicago",
        us_state="IL",
        country="US",
        latitude=Decimal("41.878113"),
        longitude=Decimal("-87.629799"),
    ),
    preceptor="Dr. Amara Okafor",
    prerequisites=["USMLE Step 1 passed"],
    letter_policy="on_merit",
    state="published",
    flagged=False,
)


def test_it_is_a_course_with_an_instance_and_an_offer():
    told = course(LISTING)
    assert (told["@context"], told["@type"]) == ("https://schema.org", "Course")
    # What search engines require of a course.
    assert {"name", "description", "provider", "offers", "hasCourseInstance"} <= set(told)
    assert told["learningResourceType"] == ["elective", "externship"]
    assert told["teaches"] == ["history taking", "physical examination"]
    assert told["coursePrerequisites"] == ["USMLE Step 1 passed"]
    place = told["hasCourseInstance"]["location"]
    assert place["address"]["addressRegion"] == "IL"
    assert place["geo"] == {
        "@type": "GeoCoordinates",
        "latitude": 41.878113,
        "longitude": -87.629799,
    }


def test_the_price_is_exact_is_that_of_a_week_and_names_what_is_added():
    offer = course(LISTING)["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("425.50", "USD")
    assert offer["priceSpecification"]["unitCode"] == "WEE"
    assert offer["description"] == "For one week; a platform fee of 12 % is added."
    yen = course(replace(LISTING, price_per_week=Money(60000, "JPY"), fee_percent=Decimal("12.5")))
    assert yen["offers"]["price"] == "60000"
    assert "12.5 %" in yen["offers"]["description"]


@pytest.mark.parametrize(
    ("state", "availability"),
    [("published", "InStock"), ("paused", "OutOfStock"), ("retired", "Discontinued")],
)
def test_what_can_t_be_booked_is_not_offered(state, availability):
    offer = course(replace(LISTING, state=state))["offers"]
    assert offer["availability"] == f"https://schema.org/{availability}"


def test_nothing_is_promised_that_is_not_so():
    told = course(LISTING)["description"]
    assert "medical students: elective; medical graduates: externship" in told
    assert "it is not promised" in told
    assert "Under review" in course(replace(LISTING, flagged=True))["description"]
    assert "No letters" in course(replace(LISTING, letter_policy="never"))["description"]
    assert "coursePrerequisites" not in course(replace(LISTING, prerequisites=[]))


def test_a_remote_one_is_online_and_nowhere():
    told = course(replace(LISTING, setting="remote", tiers={"graduate": "observership"}))
    assert told["hasCourseInstance"]["courseMode"] == "online"
    assert told["hasCourseInstance"]["location"]["@type"] == "VirtualLocation"
    assert told["educationalLevel"] == ["medical graduates"]
    nowhere = replace(LISTING.place, latitude=None, longitude=None)
    assert "geo" not in course(replace(LISTING, place=nowhere))["hasCourseInstance"]["location"]


def test_no_title_breaks_out_of_a_page():
    hostile = "</script><script>alert('x')</script><!-- & \u2028"
    text = embedded(course(replace(LISTING, title=hostile)))
    assert not set("<>&") & set(text)
    assert json.loads(text)["name"] == hostile
