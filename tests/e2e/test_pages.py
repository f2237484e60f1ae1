"""The pages in a real browser: a trainee's story by hand, every page for everybody's eyes."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.chromium import Watch
from tests.e2e.keyboard import choose, fill, tab_to
from tests.e2e.site import FIRST_DAY, WEEK, Site
from tests.factories.people import PASSWORD, Person
from tests.smoke.clients import until

pytestmark = pytest.mark.browser
SCREENS = Path("build/screens")
MOST_BYTES = 100 * 1024


def looked_at(page: Page, name: str) -> None:
    """Keep a picture; no violation that axe finds, nothing wider than the window."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is {wide} px too wide"
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


def sign_in(page: Page, site: Site, person: Person) -> None:
    page.goto(f"{site.base}/sign-in")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.fixture
def person(site: Site) -> Person:
    return site.people.trainee(visa_type="b1_b2")


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    opened = browser.new_context(java_script_enabled=request.param)
    yield opened.new_page()
    opened.close()


def test_a_trainee_finds_keeps_pays_and_cancels_by_keyboard(site: Site, page: Page, person: Person):
    place = site.place()
    watch = Watch(page)
    # Never by a mouse: each stop of the tabulator shows that it is one.
    page.goto(site.base)
    choose(page, "Skip to the content")
    fill(page, ("Specialty, city, hospital or preceptor", "internal medicine"))
    expect(page.get_by_role("status")).to_contain_text("found")
    page.goto(f"{site.base}/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    choose(page, "Sign in to book")
    expect(page.get_by_label("E-mail address")).to_be_visible()
    fill(page, ("E-mail address", person.email), ("Password", PASSWORD))
    expect(page.get_by_text("Yes, these weeks.")).to_be_visible()
    for stop in ("First day, a Monday", "Weeks"):
        tab_to(page, stop)
    choose(page, "Keep this seat for me")
    expect(page.get_by_text("Kept for you").first).to_be_visible()
    choose(page, "Pay the deposit")
    pay(page, site)
    # The page goes on by itself, by scripts or without, when the word has come.
    expect(page.get_by_text("Confirmed").first).to_be_visible(timeout=30_000)
    choose(page, "Pay the balance")
    page.wait_for_url(f"{site.sandbox}/**", timeout=90_000)
    page.get_by_role("link", name="Cancel and go back").click()
    choose(page, "Go on to payment")
    pay(page, site)
    expect(page.get_by_text("Paid: the balance")).to_be_visible(timeout=30_000)
    choose(page, "Cancel, after seeing the quote")
    expect(page.get_by_role("button", name="Cancel under these terms")).to_be_visible()
    choose(page, "Cancel under these terms")
    expect(page.get_by_text("Cancelled by you").first).to_be_visible()
    ours = {urlsplit(site.base).netloc, urlsplit(site.sandbox).netloc}
    assert watch.hosts - {""} == ours


def pay(page: Page, site: Site) -> None:
    """Pay on the payment company's page, once it is there."""
    page.wait_for_url(f"{site.sandbox}/**", timeout=90_000)
    page.locator("input[name=number]").fill("4242 4242 4242 4242")
    page.locator("input[name=expiry]").fill("12 / 40")
    page.locator("input[name=cvc]").fill("123")
    page.get_by_role("button", name="Pay").click()


def test_two_browsers_race_for_the_last_seat(site: Site, browser: Browser):
    place = site.place(seats=1)
    pages = [browser.new_context().new_page() for _ in range(2)]
    for one in pages:
        sign_in(one, site, site.people.trainee(visa_type="b1_b2"))
        one.goto(f"{site.base}/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    for one in pages:
        one.get_by_role("button", name="Keep this seat for me").click(no_wait_after=True)
    for one in pages:
        one.wait_for_load_state()
        expect(one.get_by_role("heading", level=1)).to_be_visible()
    kept = until(
        "both to be answered",
        lambda: (
            [one for one in pages if "/hold" in one.url or "/rotations/" in one.url] == pages
            and [one for one in pages if "/rotations/" in one.url]
        ),
    )
    assert len(kept) == 1
    for one in pages:
        one.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_every_page_is_for_everybody(
    site: Site,
    browser: Browser,
    person: Person,
    scheme: str,
    width: int,
):
    place = site.place()
    opened = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type] # one of the words that it takes
    )
    page = opened.new_page()
    watch = Watch(page)
    public = {
        "home": "/",
        "search": "/listings",
        "search-nothing": "/listings?state=AK&most=1",
        "listing": f"/listings/{place.listing_id}",
        "sign-in": "/sign-in",
        "register": "/register",
        "registered": "/registered?email=asha@example.org",
        "check": "/check",
    }
    for name, path in public.items():
        page.goto(f"{site.base}{path}")
        looked_at(page, f"{name}-{width}-{scheme}")
    sign_in(page, site, person)
    held = site.hold(site.signed_in(person), place)
    own = {
        "profile": "/profile",
        "rotations": "/rotations",
        "listing-own": f"/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4",
        "rotation-held": f"/rotations/{held['id']}",
    }
    for name, path in own.items():
        page.goto(f"{site.base}{path}")
        looked_at(page, f"{name}-{width}-{scheme}")
    assert watch.complaints == []
    assert watch.hosts - {""} == {urlsplit(site.base).netloc}
    opened.close()


def test_a_hosts_week_by_hand(site: Site, browser: Browser):
    season = {
        "first_start": FIRST_DAY.isoformat(),
        "last_start": (FIRST_DAY + 8 * WEEK).isoformat(),
    }
    place = site.stage.place(approval="request", seats_per_week=2, **season)
    host = site.people.make("site_owner", site_id=place.site_id)
    trainee = site.trainee()
    held = site.hold(trainee, place)
    trainee("POST", f"/bookings/{held['id']}/submit", {"message": "Please."})
    opened = browser.new_context(viewport={"width": 360, "height": 800}, color_scheme="dark")
    page = opened.new_page()
    watch = Watch(page)
    sign_in(page, site, host)
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(f"{site.base}/host", wait_until="networkidle")
    assert sum(sizes) < MOST_BYTES
    base = f"{site.base}/host/sites/{place.site_id}"
    looks = {
        "today": "",
        "applications": "/applications",
        "application": f"/applications/{held['id']}",
        "roster": f"/roster?day={FIRST_DAY}",
        "rotation": f"/rotations/{held['id']}",
        "calendar": f"/calendar?first_week={FIRST_DAY}",
        "documents": "/documents",
        "letters": "/letters",
        "listings": "/listings",
        "listing": f"/listings/{place.listing_id}",
        "imports": "/imports",
        "money": "/money",
        "people": "/people",
        "coming": "/coming",
        "pools": "/calendar/pools",
    }
    for name, path in looks.items():
        page.goto(f"{base}{path}")
        looked_at(page, f"host-{name}")

    page.goto(base)
    page.get_by_role("link", name="Asha Rao").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status")).to_contain_text("Approved.")

    page.goto(f"{base}{looks['calendar']}")
    page.get_by_label("Seats", exact=True).fill("3")
    page.get_by_role("button", name="See what it would change").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("status")).to_contain_text("Done.")

    # The tier follows what is ticked, before anything is sent.
    page.goto(f"{base}{looks['listing']}")
    counts_as = page.locator("#tier")
    expect(counts_as).to_contain_text("Externship")
    for duty in ("History taking", "Physical examination"):
        page.get_by_label(duty).uncheck()
    expect(counts_as).to_contain_text("Observership")
    expect(counts_as).to_contain_text("The words contradict the duties:")
    assert watch.complaints == []
    assert watch.hosts - {""} == {urlsplit(site.base).netloc}
    opened.close()


def test_ones_own_pages_are_for_everybody(site: Site, browser: Browser, person: Person):
    """A trainee's and an operator's, on a telephone in the dark and on a desk by day in turn."""
    place, who = site.place(seats=2), site.signed_in(person)
    held = site.hold(who, place)["id"]
    opened = browser.new_context()
    page = opened.new_page()
    watch = Watch(page)

    def look(paths: dict[str, str]) -> None:
        for number, (name, path) in enumerate(paths.items()):
            width, scheme = ((360, "dark"), (1200, "light"))[number % 2]
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of its words
            page.goto(f"{site.base}{path}")
            looked_at(page, f"{name}-{width}-{scheme}")

    sign_in(page, site, person)
    rotation = f"/rotations/{held}"
    look(
        {
            "rotation-documents": f"{rotation}/documents",
            "rotation-pay": f"{rotation}/pay",
            "rotation-messages": f"{rotation}/messages",
            "document-new": "/documents/new",
            "wallet": "/wallet",
            "my-data": "/my-data",
            "letters": "/letters",
            "letters-programs": "/letters/programs",
        }
    )
    # Two rotations are put together, and kept at once.
    page.goto(f"{site.base}/listings/{place.listing_id}?first_day={FIRST_DAY}&weeks=4")
    page.get_by_role("link", name="Put these weeks into an itinerary").click()
    page.get_by_role("button", name="Put it in").click()
    expect(page.get_by_text("has the week of").first).to_be_visible()
    page.get_by_label("First day, a Monday").fill(str(FIRST_DAY + 8 * WEEK))
    page.get_by_role("button", name="Change the weeks").click()
    look({"itinerary": urlsplit(page.url).path})
    page.get_by_role("button", name="Keep all these seats for me").click()
    expect(page.get_by_role("button", name="Pay the deposits together")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, site, site.people.make("operator"))
    look(
        {
            "desk": "/desk",
            "desk-booking": f"/desk/bookings/{held}",
            "desk-audit": f"/desk/audit?subject_kind=booking&subject_id={held}",
            "desk-books": "/desk/books",
            "desk-accounts": f"/desk/accounts?text={person.email}",
            "desk-account": f"/desk/accounts/{person.id}",
            "desk-reports": "/desk/reports",
            "desk-report": "/desk/reports/2026",
            "access-log": "/access-log",
        }
    )
    # As the trainee, with the banner; then oneself again.
    page.goto(f"{site.base}/desk/accounts/{person.id}")
    page.get_by_label("Why; the person reads it").fill("Asked where a button is.")
    page.get_by_role("button", name="See the pages").click()
    look({"seen-as-another": "/rotations", "seen-as-another-profile": "/profile"})
    page.get_by_role("button", name="Stop, and be yourself again").click()
    expect(page.get_by_role("heading", name="Asha Rao", exact=True)).to_be_visible()
    assert watch.complaints == []
    assert watch.hosts - {""} == {urlsplit(site.base).netloc}
    opened.close()


def test_first_views_are_small(site: Site, context: BrowserContext):
    place = site.place()
    for path in ("/listings", f"/listings/{place.listing_id}"):
        page = context.new_page()
        sizes: list[int] = []
        page.on("response", lambda answer, sizes=sizes: sizes.append(len(answer.body())))
        page.goto(f"{site.base}{path}", wait_until="networkidle")
        assert sum(sizes) < MOST_BYTES
        page.close()
