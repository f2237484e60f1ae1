"""`robots.txt` and sitemaps: what search engines may read, and where it is.

A sitemap is read and sent piece by piece: no connection is held while a slow reader takes its time.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC
from uuid import UUID
from xml.sax.saxutils import escape

from flask import Blueprint, Response
from sqlalchemy.orm import sessionmaker

from marketplace.catalog.queries import sitemaps
from marketplace.core.db import Session
from marketplace.core.settings import Settings
from marketplace.identity.access import public
from marketplace.web import context

AN_HOUR = 3600
# The protocol's own limit, and how much of it is read at once: five queries a sitemap at most.
MOST = 50_000
AT_ONCE = 10_000
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
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
    """The sitemaps, each of at most 50,000 listings."""
    starts = sitemaps.starts(context.session())
    body = "".join(
        f"<sitemap><loc>{_address(f'/sitemaps/listings/{start}.xml')}</loc></sitemap>\n"
        for start in starts
    )
    text = f'{HEAD}<sitemapindex xmlns="{NAMESPACE}">\n{body}</sitemapindex>\n'
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
        yield "".join(
            f"<url><loc>{address}{entry.listing_id}</loc>"
            f"<lastmod>{entry.changed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</lastmod></url>\n"
            for entry in entries
        )
    yield "</urlset>\n"


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={AN_HOUR}"
    return response


def _settings() -> Settings:
    return context.parts().get(Settings)


def _address(path: str) -> str:
    return escape(_settings().public_url.rstrip("/") + path)
