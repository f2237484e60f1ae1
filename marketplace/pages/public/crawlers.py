"""`robots.txt` and sitemaps: what search engines may read, and where it is.

A sitemap is read and sent piece by piece: no connection is held while a slow reader takes its time.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID
from xml.sax.saxutils import escape

from flask import Blueprint, Response
from sqlalchemy.orm import sessionmaker

from marketplace.catalog.queries import sitemaps
from marketplace.core.db import Session
from marketplace.core.settings import Settings
from marketplace.identity.access import public
from marketplace.reporting.queries import runs
from marketplace.web import context
from marketplace.web.api import PREFIX

AN_HOUR = 3600
# The protocol's own limit, and how much of it is read at once: five queries a sitemap at most.
MOST = 50_000
AT_ONCE = 10_000
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
# What has no row of its own in the database, besides the published reports.
PAGES = ("/", "/listings", "/help", "/reports", "/check", "/terms", "/privacy", f"{PREFIX}/docs")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

blueprint = Blueprint("crawlers", __name__)


@blueprint.get("/robots.txt")
@public
def robots() -> Response:
    """Pages may be read, the API need not be but for what describes it; nothing at all where it is not production."""
    allowed = "Disallow: /api/\nAllow: /api/v1/docs" if _settings().production else "Disallow: /"
    text = f"User-agent: *\n{allowed}\n\nSitemap: {_address('/sitemap.xml')}\n"
    return _kept(Response(text, mimetype="text/plain"))


@blueprint.get("/sitemap.xml")
@public
def index() -> Response:
    """The sitemaps: of pages, and of listings, each of at most 50,000."""
    starts = sitemaps.starts(context.session())
    names = ["pages", *(f"listings/{start}" for start in starts)]
    body = "".join(
        f"<sitemap><loc>{_address(f'/sitemaps/{name}.xml')}</loc></sitemap>\n" for name in names
    )
    text = f'{HEAD}<sitemapindex xmlns="{NAMESPACE}">\n{body}</sitemapindex>\n'
    return _kept(Response(text, mimetype="application/xml"))


@blueprint.get("/sitemaps/pages.xml")
@public
def pages() -> Response:
    """What is there for everybody: how it works, the terms, and each published report."""
    found = runs.published_years(context.session())
    body = "".join(f"<url><loc>{_address(path)}</loc></url>\n" for path in PAGES) + "".join(
        _url(_address(f"/reports/match/{year}"), asked_at) for year, asked_at in found
    )
    text = f'{HEAD}<urlset xmlns="{NAMESPACE}">\n{body}</urlset>\n'
    return _kept(Response(text, mimetype="application/xml"))


@blueprint.get("/sitemaps/listings/<uuid:start>.xml")
@public
def listings(start: UUID) -> Response:
    """The listings on show from one on."""
    pieces = _urlset(_entries(context.sessions(), start), _address("/listings/"))
    return _kept(Response(pieces, mimetype="application/xml"))


def _entries(sessions: sessionmaker[Session], start: UUID) -> Iterator[list[sitemaps.Entry]]:
    after, left = UUID(int=max(start.int - 1, 0)), MOST
    while left:
        with sessions() as session:
            found = list(sitemaps.entries(session, after, min(AT_ONCE, left)))
        yield found
        if len(found) < min(AT_ONCE, left):
            return
        left -= len(found)
        after = found[-1].listing_id


def _urlset(pages: Iterable[list[sitemaps.Entry]], address: str) -> Iterator[str]:
    yield f'{HEAD}<urlset xmlns="{NAMESPACE}">\n'
    for entries in pages:
        yield "".join(_url(f"{address}{one.listing_id}", one.changed_at) for one in entries)
    yield "</urlset>\n"


def _url(address: str, changed_at: datetime) -> str:
    changed = f"{changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f"<url><loc>{address}</loc><lastmod>{changed}</lastmod></url>\n"


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={AN_HOUR}"
    return response


def _settings() -> Settings:
    return context.parts().get(Settings)


def _address(path: str) -> str:
    return escape(_settings().public_url.rstrip("/") + path)
