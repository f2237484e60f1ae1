"""Where webhooks may go, how they are signed, when they are tried again, and what they may say."""

import base64
import re
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from marketplace.webhooks import subscribers
from marketplace.webhooks.rules import catalogue, signing, trying
from marketplace.webhooks.rules.addresses import why_refused
from marketplace.webhooks.rules.owners import Side
from marketplace.webhooks.rules.targets import BadTarget, read

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9",
    "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
    "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:10.0.0.1",
    "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8", "100::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "3fff::1", "2130706433", "0x7f.1", "localhost", "",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2001:4860:4860::8888", "2606:4700::1",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_of_the_public_internet_is_not_called(address):
    assert why_refused(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_called(address):
    assert why_refused(address) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://ehr.example/hooks", "https://"),
        ("ftp://ehr.example/", "https://"),
        ("https://user:word@ehr.example/", "neither user"),
        ("https://ehr.example/#part", "fragment"),
        ("https:///hooks", "has a host"),
        ("https://ehr.example:22/", "The port"),
        ("https://ehr.example:99999/", "no address"),
        ("https://[::1", "no address"),
        ("https://127.0.0.1/", "loopback"),
        ("https://localhost/", "loopback"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://2130706433/", "not an address"),
        ("https://0x7f000001/", "not an address"),
        ("https://0x7f.1/", "not an address"),
        ("https://ehr.example.0x7F/", "not an address"),
        ("https://10.0.0.1./", "private"),
        ("https://localhost./", "loopback"),
        ("https://ehr.localhost/", "loopback"),
        ("https://169.254.169.254/latest/meta-data", "metadata"),
        ("https://é.example/", "ASCII"),
        ("https://ehr.example/a b", "ASCII"),
        ("https://ehr.example/\r\nX-Header:1", "ASCII"),
        (f"https://ehr.example/{'a' * 2000}", "2000"),
    ],
)
def test_addresses_that_are_refused_at_once(url, expected):
    with pytest.raises(BadTarget, match=expected):
        read(url, loopback=False)


def test_an_address_is_taken_apart_once():
    found = read("https://ehr.example/hooks?key=1", loopback=False)
    assert (found.https, found.host, found.port, found.path) == (
        True, "ehr.example", 443, "/hooks?key=1")  # fmt: skip
    assert found.authority == "ehr.example"
    assert read("https://[2606:4700::1]:8443", loopback=False).authority == "[2606:4700::1]:8443"
    assert read("http://127.0.0.1:80/", loopback=True).authority == "127.0.0.1"
    with pytest.raises(BadTarget):
        read("http://ehr.example/", loopback=True)


def test_the_signature_is_that_of_the_specifications_own_example():
    """As the reference libraries of standardwebhooks.com have it in their tests."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret]
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    two = signing.headers("msg_1", 1, b"{}", [secret, b"x" * 32])["webhook-signature"]
    assert re.fullmatch(r"v1,[\w+/]{43}= v1,[\w+/]{43}=", two)
    written = signing.written(signing.new_secret())
    assert 24 <= len(base64.b64decode(written.removeprefix("whsec_"))) <= 64


def test_tries_end_after_three_days_or_so():
    at, whole = NOW, timedelta(0)
    for tries in range(1, 10):
        least = trying.next_at(at, tries, 0.0)
        most = trying.next_at(at, tries, 1.0)
        assert timedelta(0) < least - at < most - at <= 1.2 * (least - at)
        whole += least - at
    assert timedelta(days=3) < whole < timedelta(days=3.5)
    assert trying.next_at(at, 10, 0.0) is None
    assert trying.next_at(at, 1, 0.0, timedelta(hours=3)) == at + timedelta(hours=3)
    assert trying.next_at(at, 1, 0.0, timedelta(days=400)) == at + timedelta(days=1)
    assert [trying.succeeded(one) for one in (200, 204, 299, 199, 300, 301, 410, 500, None)] == [
        True, True, True, False, False, False, False, False, False]  # fmt: skip


@pytest.mark.parametrize("name", catalogue.types())
def test_each_type_has_a_schema_that_its_example_fits(name):
    found = catalogue.types()[name]
    jsonschema.Draft202012Validator.check_schema(found.schema)
    jsonschema.validate(found.example, found.schema, format_checker=jsonschema.FormatChecker())
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", name)


def test_each_side_has_types_to_choose_from():
    assert "transfer.settled" in catalogue.chosen(Side.SITE)
    assert "invoice.issued" not in catalogue.chosen(Side.SITE)
    assert "invoice.issued" in catalogue.chosen(Side.SCHOOL)
    assert catalogue.PING not in catalogue.chosen(Side.SITE) + catalogue.chosen(Side.SCHOOL)
    assert set(subscribers.BOOKINGS.values()) <= set(catalogue.types())
