"""Pages that wait for a job: what changed comes in its place, what a reader is at stays."""

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

ADDRESS = "https://product.test/job"
SCRIPT = (files("marketplace.pages") / "static" / "again.js").read_text()
MARK = '<script src="/again.js" data-again="3" defer></script>'
REASON = '<form action="/stop"><input id="why" name="why"><button>Stop</button></form>'


def page_of(waits: bool, inside: str) -> str:
    head = f'<noscript><meta http-equiv="refresh" content="3"></noscript>{MARK}' if waits else ""
    return f'<!doctype html><title>A job</title>{head}<main id="main" tabindex="-1">{inside}</main>'


class Job:
    """What the server says of it; and how often it was asked."""

    def __init__(self, page: Page) -> None:
        self.page, self.says, self.asked = page, "", 0
        page.clock.install()
        page.route("**/again.js", lambda route: route.fulfill(body=SCRIPT))
        page.route(ADDRESS, self.answer)

    def answer(self, route: Route) -> None:
        self.asked += 1
        route.fulfill(body=self.says, content_type="text/html")

    def opened(self, inside: str) -> None:
        self.says = page_of(True, inside)
        self.page.goto(ADDRESS)
        self.page.evaluate("window.loadedOnce = true")

    def looked(self, says: str) -> None:
        """Let the page look once more, and be told this."""
        self.says = says
        with self.page.expect_response(ADDRESS):
            self.page.clock.run_for(60_000)


@pytest.fixture
def job(context: BrowserContext) -> Iterator[Job]:
    page = context.new_page()
    made = Job(page)
    yield made
    assert page.evaluate("window.loadedOnce")


def test_a_page_that_waits_changes_in_its_place_and_stops_when_done(job: Job):
    job.opened(
        f'<p role="status">At work</p><p>1 of 9</p><details><summary>More</summary>x</details>{REASON}'
    )
    page = job.page
    page.locator("summary").click()
    page.locator("#why").fill("too slow")
    page.evaluate("window.told = document.querySelector('[role=status]')")
    job.looked(
        page_of(
            True,
            '<p role="status">At work</p><p>5 of 9</p><p>Row 2 is refused.</p>'
            f"<details><summary>More</summary>y</details>{REASON}",
        )
    )
    expect(page.get_by_text("5 of 9")).to_be_visible()
    expect(page.get_by_text("Row 2 is refused.")).to_be_visible()
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(page.locator("#why")).to_have_value("too slow")
    expect(page.locator("#why")).to_be_focused()
    # Done: what is being typed stays until it is let go, although the job has no use for it.
    done = page_of(False, '<p role="status">Done</p><p>9 of 9</p>')
    job.looked(done)
    expect(page.get_by_role("status")).to_have_text("Done")
    # The same element as before: a screen reader is told what it says now, and of nothing else.
    assert page.evaluate("window.told === document.querySelector('[role=status]')")
    expect(page.locator("#why")).to_have_value("too slow")
    page.locator("#why").fill("")
    page.locator("#why").blur()
    job.looked(done)
    expect(page.locator("#why")).to_have_count(0)
    asked = job.asked
    page.clock.run_for(600_000)
    assert job.asked == asked


def test_nobody_is_taken_away_from_what_is_to_be_corrected(job: Job):
    wrong = REASON.replace("<input", '<input aria-invalid="true"')
    job.opened(f"<p>At work</p>{wrong}")
    leads = page_of(False, "").replace(
        "<title>", '<meta http-equiv="refresh" content="0; url=/there"><title>'
    )
    job.looked(leads)
    expect(job.page.locator("#why")).to_be_visible()
    job.looked(page_of(True, "<p>Still at work</p>"))
    expect(job.page.get_by_text("Still at work")).to_be_visible()
    expect(job.page.locator("#why")).to_be_visible()


def test_a_page_whose_server_is_away_looks_again(job: Job):
    job.opened("<p>At work</p>")
    job.page.unroute(ADDRESS)
    job.page.route(ADDRESS, lambda route: route.fulfill(status=503, body="busy"))
    with job.page.expect_response(ADDRESS):
        job.page.clock.run_for(60_000)
    expect(job.page.get_by_text("At work")).to_be_visible()
    job.page.unroute(ADDRESS)
    job.page.route(ADDRESS, job.answer)
    job.looked(page_of(False, "<p>Done</p>"))
    expect(job.page.get_by_text("Done")).to_be_visible()
