"""What a person sees, in a real browser: our pages, and paying on the hosted page."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.chromium import Watch
from tests.e2e.site import Site

pytestmark = pytest.mark.browser


def test_our_pages_load_without_a_complaint_and_call_nobody_else(
    site: Site, context: BrowserContext
):
    page = context.new_page()
    watch = Watch(page)
    page.goto(site.base)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="The API, with examples that run").click()
    expect(page.get_by_role("heading", level=1, name="API reference")).to_be_visible()
    page.get_by_role("link", name="Try calls by hand").click()
    # The operations are drawn from our document, a group when it is opened.
    expect(page.locator(".info .title")).to_contain_text(
        "Clinical rotation marketplace", timeout=60_000
    )
    page.locator("#operations-tag-bookings").click(timeout=60_000)
    expect(page.locator("#operations-bookings-bookings_hold")).to_be_visible(timeout=60_000)
    page.wait_for_load_state("networkidle")
    assert watch.complaints == []
    assert watch.hosts - {""} == {urlsplit(site.base).netloc}


def test_a_held_booking_is_paid_by_hand(site: Site, context: BrowserContext):
    who, booking, path = site.asked()
    page = context.new_page()
    watch = Watch(page)
    page.goto(site.page(who, path))
    amount = booking["deposit"]["amount"]
    expect(page.get_by_role("button", name="Pay")).to_be_visible()
    assert f"{amount // 100:,}.{amount % 100:02d}" in page.inner_text("body")
    page.locator("input[name=email]").fill("asha@example.org")
    page.locator("input[name=number]").fill("4000 0000 0000 0002")
    page.locator("input[name=expiry]").fill("12 / 40")
    page.locator("input[name=cvc]").fill("123")
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_text("declined")).to_be_visible()
    assert site.state(who, booking) == "awaiting_payment"
    page.locator("input[name=number]").fill("4242 4242 4242 4242")
    page.locator("input[name=expiry]").fill("12 / 40")
    page.locator("input[name=cvc]").fill("123")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(f"{site.base}/**")
    site.await_state(who, booking, "confirmed")
    assert watch.hosts - {""} == {urlsplit(site.base).netloc, urlsplit(site.sandbox).netloc}
