"""The platform's own fee by contract: that of the day of the booking counts, and stays."""

from datetime import timedelta

import pytest

from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import API, asked


@pytest.fixture
def place(stage):
    return stage.place(seats_per_week=5)


@pytest.fixture
def agree(client, people, place):
    operator = people.make("operator")
    path = f"{API}/operator/sites/{place.site_id}/fee-contracts"

    def agreed(**terms):
        wish = {"host_fee_percent": "0", "note": "signed", **terms}
        return client.post(path, json=wish, headers=operator.headers)

    return agreed


@pytest.fixture
def fee(client, people, place):
    def of_a_new_booking():
        trainee = people.trainee(visa_type="b1_b2")
        held = client.post(f"{API}/bookings", json=asked(place), headers=trainee.headers)
        assert held.status_code == 201, held.json
        lines = {line["kind"]: line["amount"]["amount"] for line in held.json["price_lines"]}
        return lines.get("platform_fee", 0), f"{API}/bookings/{held.json['id']}", trainee

    return of_a_new_booking


def test_the_fee_of_the_day_counts_and_is_frozen(client, stage, place, agree, fee):
    today = stage.now.date()
    days = [(today + timedelta(days=n)).isoformat() for n in range(3)]
    assert fee()[0] == 24_000  # 12 % of four weeks at 500.00: the general fee
    first = agree(valid_from=days[0], valid_until=days[1], platform_fee_percent="5.25")
    assert (first.status_code, first.json["platform_fee_percent"]) == (201, "5.25")
    assert (
        agree(valid_from=days[1], valid_until=days[2], platform_fee_percent="0").status_code == 201
    )
    overlap = agree(valid_from=days[0], platform_fee_percent="1")
    assert (overlap.status_code, overlap.json["code"]) == (409, "contracts_overlap")
    minor, own, trainee = fee()
    assert minor == 10_500
    shown = client.get(f"{API}/listings/{place.listing_id}/structured-data").text
    assert "5.25" in shown
    stage.clock.advance(timedelta(days=1))
    assert fee()[0] == 0
    stage.clock.advance(timedelta(days=1))
    assert agree(valid_from=days[2]).json["platform_fee_percent"] is None
    assert fee()[0] == 24_000
    kept = client.get(own, headers=trainee.headers).json
    assert kept["total"] == {"amount": 210_500, "currency": "USD"}
    assert kept["first_day"] == FIRST_DAY.isoformat()
    refused = agree(valid_from="2030-01-01", platform_fee_percent="100.01")
    assert "platform_fee_percent" in refused.json["fields"]
