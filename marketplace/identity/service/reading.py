"""Notices shown again: to those who got them, and with sample data to those who write them."""

from jinja2 import UndefinedError

from marketplace.identity.errors import TemplateUnknown
from marketplace.identity.models import Notice
from marketplace.identity.rules import NOTICE_CHOICES
from marketplace.identity.service import preferences, templating

# A zone whose hours differ from those of the samples' site.
SAMPLE_ZONE = "America/Bogota"
SAMPLE_NAME = "Ana Lucía Pérez"


def words(notice: Notice, public_url: str) -> templating.Rendered | None:
    """Set a notice as it was sent; None where it carried a secret or its text has changed since."""
    if notice.had_secret:
        return None
    reader = templating.Reader(notice.locale, notice.time_zone)
    try:
        found = templating.render(notice.template, reader, notice.data, public_url)
    except (TemplateUnknown, UndefinedError):
        return None
    return found if notice.version in {None, found.version} else None


def sample(name: str, locale: str, public_url: str) -> templating.Rendered:
    """Set the notice `name` with its sample data; `TemplateUnknown` if there is none."""
    found = templating.template(name)
    base = public_url.rstrip("/")
    data = {"name": SAMPLE_NAME, **found.sample}
    can_end = found.kind in NOTICE_CHOICES and "unsubscribe" not in data
    stop = f"{base}{preferences.PATH}?token=sample-token" if can_end else None
    return templating.render(name, templating.Reader(locale, SAMPLE_ZONE), data, base, stop=stop)
