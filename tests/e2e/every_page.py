"""Every page there is, for everybody: by all rules of axe, light and dark, wide and narrow.

The walk follows links, so that a new page that is linked from anywhere is walked by itself; those
that it has not found are told at its end. It takes minutes: `make pictures` runs it, not each test
run.
"""

import os
import re
from collections import Counter, deque
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FloatRect, Page, Route, expect
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from marketplace.pages.view import Pages
from tests.e2e.chromium import Watch
from tests.e2e.world import World, served, world  # noqa: F401 - fixtures
from tests.factories.people import PASSWORD

pytestmark = pytest.mark.browser
SCREENS = Path("build/screens")
# All four pictures of a page, to be looked at; else one, by day and wide.
ALL_PICTURES = os.environ.get("SCREENS") == "all"
NARROW, WIDE, HEIGHT = 360, 1280, 800
# Not a page of ours to look at, and why.
NO_PAGES = {
    "/assets/<path:name>": "files",
    "/assets/reference/<path:name>": "files",
    "/robots.txt": "for crawlers",
    "/sitemap.xml": "for crawlers",
    "/sitemaps/listings/<uuid:start>.xml": "for crawlers",
    "/sitemaps/pages.xml": "for crawlers",
    "/api/v1/docs/try": "the library's own page",
    "/my-data/download": "a file",
    "/language/<string:code>": "the page again, in another language",
    # Reached from elsewhere than a page: from mails, by forms, or on the way to another page.
    "/bookings": "leads a mail's reader to their side of a booking",
    "/host/letters/<uuid:letter_id>": "leads a mail's reader to their site",
    "/my-data/erasure/<string:token>": "from the mail that an erasure is asked for by",
    "/settings/address/confirm": "from the mail that another address is asked for by",
    "/desk/reports/looks/<uuid:look_id>": "what a form leads to",
    "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/payment": "leads on to pay",
    "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/returned": "from where one has paid",
    "/rotations/<uuid:booking_id>/answer": "while a host asks for more, from the rotation",
    "/webhooks/schools/<uuid:school_id>/<uuid:endpoint_id>": "the site's own page again",
    "/webhooks/schools/<uuid:school_id>/<uuid:endpoint_id>/edit": "as above",
    "/webhooks/schools/<uuid:school_id>/<uuid:endpoint_id>/deliveries/<uuid:delivery_id>": "as above",
    "/agreements/<uuid:agreement_id>/file": "a file",
    "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/file": "a file",
    "/desk/invoices/<uuid:invoice_id>/file": "a file",
    "/desk/invoices/<uuid:invoice_id>/credit-notes/<uuid:note_id>/file": "a file",
    "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/receipt": "a file",
    "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/credit-notes/<uuid:note_id>/file": "a file",
    "/reports/match/<int:match_year>/report.pdf": "a file",
    "/reports/runs/<uuid:run_id>/report.pdf": "a file",
}
# The pictures of the README, where `PICTURES` says into which folder (`make pictures`).
PICTURES = os.environ.get("PICTURES")
PICTURED = {
    "trainee /listings/<uuid:listing_id>": "trainee",
    "host /host/sites/<uuid:site_id>": "host",
    "operator /desk": "operator",
    "anybody /reports/match/<int:match_year>": "report",
}
CLIP: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 680}
CONTRAST = "() => axe.run(document, {runOnly: ['color-contrast']})"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
SIGN_IN = "/sign-in"
LINKS = "all => all.map(one => one.href)"


# Pages that wait, and the one that counts as it goes, ask for themselves again: in the middle of a
# look, and axe advises against it.
WAITS = "imports|tiers|runs|campaigns|rounds|exports|force-majeure"
WAITING = re.compile(rf"/(payment|returned|money|({WAITS})/[^/?]+)(\?.*)?$")


def still(route: Route) -> None:
    """Hand on a page that asks for nothing by itself."""
    answer = route.fetch(max_redirects=0)
    body = answer.text().replace('http-equiv="refresh"', 'name="refresh"')
    route.fulfill(response=answer, body=body)


class Walk:
    """Looks at pages, each by the rule that serves it, and goes on to what they link to."""

    def __init__(self, world: World, page: Page, base: str) -> None:  # noqa: F811 - no fixture
        self.page, self.base = page, base
        page.route(WAITING, still)
        self.routes = world.live.app.url_map.bind(urlsplit(base).netloc)
        self.seen: set[str] = set()
        self.wrong: list[str] = []
        self.pictures: Counter[str] = Counter()
        self.wanted = {
            rule.rule
            for rule in world.live.app.url_map.iter_rules()
            if "GET" in rule.methods
            and isinstance(world.live.app.blueprints.get(rule.endpoint.partition(".")[0]), Pages)
            and rule.rule not in NO_PAGES
        }

    def rule(self, path: str) -> str:
        """The rule that serves an address; itself where there is none."""
        try:
            found, _ = self.routes.match(urlsplit(path).path, "GET", return_rule=True)
        except HTTPException:
            return path
        assert isinstance(found, Rule)
        return found.rule

    def go(self, *starts: str, who: str) -> None:
        """Look at `starts` and at every page that can be reached and was not seen yet."""
        waiting, still, tried = deque(starts), set(starts), set[str]()
        while waiting:
            path = waiting.popleft()
            rule = self.rule(path)
            if rule not in self.wanted or (rule in self.seen | tried and path not in still):
                continue
            still.discard(path)
            tried.add(rule)
            answer = self.page.goto(f"{self.base}{path}")
            assert answer is not None
            if answer.status != 200:
                self.wrong.append(f"{path}: {answer.status}")
                continue
            landed = self.rule(urlsplit(self.page.url).path)
            if landed == SIGN_IN and SIGN_IN in self.seen:
                # Somebody else's page: seen once they are signed in.
                continue
            self.seen |= {landed} if landed == SIGN_IN else {rule, landed}
            self.look(f"{who} {path}")
            links = self.page.eval_on_selector_all("a[href]", LINKS)
            ours = [urlsplit(urljoin(self.base, link)) for link in links]
            waiting += [
                f"{one.path}?{one.query}" if one.query else one.path
                for one in ours
                if one.netloc == urlsplit(self.base).netloc
            ]

    def look(self, name: str) -> None:
        """All rules by day on a telephone; what depends on colours by night; the width of both."""
        page, who, path = self.page, *name.split(" ")
        self.pictures[picture := self.called(who, path)] += 1
        if self.pictures[picture] > 1:
            picture = f"{picture}-{self.pictures[picture]}"
        self.size(NARROW, "light", name, picture if ALL_PICTURES else "")
        self.judge(name, Axe().run(page).response)
        self.size(NARROW, "dark", name, picture if ALL_PICTURES else "")
        self.judge(f"{name} in the dark", page.evaluate(CONTRAST))
        if ALL_PICTURES:
            self.size(WIDE, "dark", name, picture)
        self.size(WIDE, "light", name, picture)
        if PICTURES and (known := PICTURED.get(f"{who} {self.rule(path)}")):
            page.screenshot(path=f"{PICTURES}/{known}.png", clip=CLIP)

    def called(self, who: str, path: str) -> str:
        """What pictures of a page are called."""
        place = self.rule(path).strip("/").replace("/", "-") or "home"
        plain = "".join(one for one in place if one not in "<>:")
        return f"{who}-{plain}{'-with-query' if urlsplit(path).query else ''}"

    def size(self, width: int, scheme: str, name: str, picture: str) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of its words
        wide = self.page.evaluate(TOO_WIDE)
        if wide > 0:
            self.wrong.append(f"{name} is {wide} px wider than {width}")
        if picture:
            where = SCREENS / f"{picture}-{width}-{scheme}.png"
            self.page.screenshot(path=where, full_page=True)

    def judge(self, name: str, found: dict) -> None:
        for one in found["violations"]:
            nodes = [node["html"][:160] for node in one["nodes"][:3]]
            self.wrong.append(f"{name}: {one['id']}: {one['help']}: {nodes}")


def sign_in(page: Page, base: str, email: str) -> None:
    page.goto(f"{base}/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_every_page_is_for_everybody(world: World, served: str, browser: Browser):  # noqa: F811
    SCREENS.mkdir(parents=True, exist_ok=True)
    # Colours are looked at when they have changed, not on their way.
    opened = browser.new_context(reduced_motion="reduce")
    page = opened.new_page()
    watch = Watch(page)
    walk = Walk(world, page, served)
    walk.go(*world.starts["anybody"], who="anybody")
    for who in ("trainee", "host", "coordinator", "operator", "analyst"):
        opened.clear_cookies()
        sign_in(page, served, getattr(world, who).email)
        walk.go(*world.starts[who], who=who)
    assert len(walk.seen) > 80
    assert not walk.wrong, "\n".join(walk.wrong)
    for rule in sorted(walk.wanted - walk.seen):
        print(f"not found by links: {rule}")
    assert watch.complaints == []
    assert watch.hosts - {""} == {urlsplit(served).netloc}
    opened.close()
