"""What clients send as JSON, read by the very rules that a sheet's cells are read by.

A field that can't be taken is told by its JSON name, with what was expected; nothing is stored
that a sheet could not say, and the other way round.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from marketplace.catalog.models import Preceptor, Site
from marketplace.catalog.rules.drafts import PreceptorDraft, SiteDraft
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.row import RowReader, read_preceptor, read_site
from marketplace.catalog.rules.sheet import Record
from marketplace.catalog.service.sites import PreceptorFields, SiteFields
from marketplace.core.errors import Invalid

# Columns of the sheet that have another name in JSON.
NAMES = {"site_name": "name", "timezone": "time_zone", "preceptor": "name"}
SITE_NAMES = {
    "site_name": "name",
    "address": "address",
    "city": "city",
    "state": "state",
    "country": "country",
    "timezone": "time_zone",
}


def site(cells: Mapping[str, str]) -> SiteDraft:
    """A site from the cells of its columns; `Invalid` names the fields."""
    reader = RowReader(Record(1, cells))
    draft = read_site(reader)
    if draft is None:
        raise refused(reader.problems, NAMES)
    return draft


def preceptor(cells: Mapping[str, str]) -> PreceptorDraft:
    """A preceptor's name and NPI; `Invalid` names the fields."""
    reader = RowReader(Record(1, cells))
    draft = read_preceptor(reader)
    if draft is None:
        raise refused(reader.problems, NAMES)
    return draft


def site_fields(data: Mapping[str, Any]) -> SiteFields:
    """A site from its JSON fields; `point` is (latitude, longitude) or none."""
    cells = {column: data[name] for column, name in SITE_NAMES.items()}
    return SiteFields(site(cells), data.get("point"), data.get("residency_affiliation") or None)


def site_values(row: Site) -> dict[str, Any]:
    """A stored site as the fields that `site_fields` takes."""
    known = {name: getattr(row, name) for name in SITE_NAMES.values()}
    located = row.latitude is not None and row.longitude is not None
    return {
        **known,
        "point": (row.latitude, row.longitude) if located else None,
        "residency_affiliation": row.residency_affiliation,
    }


def preceptor_fields(data: Mapping[str, Any]) -> PreceptorFields:
    """A preceptor from the JSON fields."""
    draft = preceptor({"preceptor": data["name"], "npi": data["npi"]})
    return PreceptorFields(draft, data.get("specialty"), tuple(data.get("credentials") or ()))


def preceptor_values(row: Preceptor) -> dict[str, Any]:
    """A stored preceptor as the fields that `preceptor_fields` takes."""
    return {
        "name": row.name,
        "npi": row.npi,
        "specialty": row.specialty,
        "credentials": list(row.credentials),
    }


def refused(problems: Iterable[Problem], names: Mapping[str, str]) -> Invalid:
    """The problems as an error by field; those of the whole are told of no field."""
    fields: dict[str, list[str]] = {}
    for problem in problems:
        column = problem.column or "body"
        said = f"Expected {problem.expected}."
        fields.setdefault(names.get(column, column), []).append(said)
    return Invalid(fields=fields)
