"""Search, a listing and a host's today: bytes, layout shift, other hosts, and server time as pages.

A browser (Debian's Chromium by Playwright) looks at each page, wide and narrow, with nothing kept.
Server time is that of the page against the requests of the API that give the same, in turns.
"""

import http.client
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from benchmarks import data, ids, roster, shared
from benchmarks.figures import Figure, Target, latencies, percentile
from benchmarks.shared import Shared
from benchmarks.stage import Stage
from marketplace.embedded.processes import LOOPBACK

MOST_BYTES = 100 * 1024
MOST_TIMES = 2
ARRIVALS = 12
# The first ones load code and fill caches, for both.
WARM = 5
SIZES = ((1280, 800), (360, 800))
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
# What moved without being asked to, as the browser itself adds it up from the first paint on.
SHIFTS = """
window.shifted = 0;
new PerformanceObserver(seen => {
  for (const one of seen.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
}).observe({type: "layout-shift", buffered: true});
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the requests of the API that give what it shows."""

    name: str
    path: str
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What one first view took: bytes in all, how far things moved (CLS), whom it asked."""

    size: int
    shift: float
    hosts: frozenset[str]
    requests: int


def run(stage: Stage) -> Iterator[Figure]:
    """Look at each page in a browser, if there is one; then ask for it and its data in turns."""
    given = shared.of(stage)
    monday = datetime.now(UTC).date() + timedelta(days=7)
    monday -= timedelta(monday.weekday())
    site = roster.fill(given.conninfo, trainees=ARRIVALS, rows=ARRIVALS, first_day=monday)
    try:
        pages = _pages(site)
        yield from _looks(stage, given, pages)
        for page in pages:
            yield _against_json(stage, given, page)
    finally:
        data.forget_bookings(given.conninfo)


def _pages(site: str) -> tuple[Page, ...]:
    listing, api = ids.of(ids.LISTING, data.BOOKABLE + 1), "/api/v1"
    today, week = datetime.now(UTC).date(), timedelta(days=7)
    near = f"from={today - week}&to={today + 2 * week}&limit=100"
    one, at = f"{api}/listings/{listing}", f"{api}/sites/{site}"
    of_site = (f"{at}/roster?{near}", f"{at}/applications", f"{at}/documents", f"{at}/letters")
    return (
        Page("search", "/listings?q=medicine", (f"{api}/listings?q=medicine",)),
        Page(
            "listing",
            f"/listings/{listing}",
            (one, f"{one}/availability", f"{one}/structured-data"),
        ),
        Page("today", f"/host/sites/{site}", of_site),
    )


def _looks(stage: Stage, given: Shared, pages: tuple[Page, ...]) -> Iterator[Figure]:
    chromium = shutil.which("chromium")
    if chromium is None:
        stage.say("no Chromium here: bytes, layout shift and other hosts are left out")
        return
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only with a browser

    base = f"http://{LOOPBACK}:{given.product.port}"
    sizes = SIZES[-1:] if stage.sizes.quick else SIZES
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
            for page in pages:
                stage.say(f"{page.name} in a browser")
                views = [_look(browser, given, base + page.path, size) for size in sizes]
                yield from _figures(page, views, urlsplit(base).netloc)
            browser.close()
    except Error as error:
        raise RuntimeError(f"the browser: {error}") from error


def _figures(page: Page, views: list[View], own: str) -> Iterator[Figure]:
    """The worse of the views."""
    name = f"pages.{page.name}"
    others = sorted(frozenset.union(*(view.hosts for view in views)) - {own})
    yield Figure(
        f"{name}.first_view",
        max(view.size for view in views),
        "bytes",
        target=Target("value", "at most", MOST_BYTES),
        detail={"requests": max(view.requests for view in views)},
    )
    yield Figure(
        f"{name}.layout_shift",
        max(view.shift for view in views),
        "CLS",
        target=Target("value", "at most", 0),
    )
    yield Figure(
        f"{name}.other_hosts",
        len(others),
        "hosts",
        target=Target("value", "at most", 0),
        detail={"hosts": others},
    )


def _look(browser: Any, given: Shared, url: str, size: tuple[int, int]) -> View:
    """One first view in a browser that has nothing kept."""
    opened = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        extra_http_headers={"Authorization": f"Bearer {given.tokens[0]}"},
    )
    opened.add_init_script(SHIFTS)
    page, answers = opened.new_page(), list[Any]()
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - inspected by it
    page.goto(url, wait_until="networkidle")
    found = View(
        sum(len(answer.body()) for answer in answers),
        page.evaluate("window.shifted"),
        frozenset(urlsplit(answer.url).netloc for answer in answers) - {""},
        len(answers),
    )
    statuses = {answer.status for answer in answers}
    opened.close()
    if statuses != {http.client.OK}:
        raise RuntimeError(f"{url} answered {sorted(statuses)}")
    return found


def _against_json(stage: Stage, given: Shared, page: Page) -> Figure:
    """The page and its data in turns over one connection: the machine drifts for both."""
    stage.say(f"{page.name} as a page and as JSON")
    times: dict[str, list[float]] = {"page": [], "json": []}
    turns = 1 if stage.sizes.quick else 3
    connection = http.client.HTTPConnection(LOOPBACK, given.product.port, timeout=30)
    headers = {"Authorization": f"Bearer {given.tokens[0]}"}
    for turn in range(WARM + stage.sizes.repeats * turns):
        for kind, paths in (("page", (page.path,)), ("json", page.same)):
            spent = sum(_asked(connection, path, headers) for path in paths)
            if turn >= WARM:
                times[kind].append(spent)
    connection.close()
    p95 = {kind: percentile(found, 95) * 1000 for kind, found in times.items()}
    return Figure(
        f"pages.{page.name}.p95",
        p95["page"],
        "ms",
        "the same as JSON",
        p95["json"],
        Target("ratio", "at most", MOST_TIMES),
        {
            "requests": list(page.same),
            "latency_ms": {kind: latencies(found) for kind, found in times.items()},
        },
    )


def _asked(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path} answered {answer.status}")
    return time.perf_counter() - began
