"""An eye on what a page in a browser complains of, and whom it calls."""

from urllib.parse import urlsplit

from playwright.sync_api import Page, Request


class Watch:
    """Notes what a page complains of, and whom it calls."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _failed(self, request: Request) -> None:
        """Note a request that failed; not one that the browser gave up because the page was left."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.url}: {request.failure}")
