"""The requirements that hosts usually ask for, as data; a later edition never changes an earlier.

An edition holds from its day on: what a booking was made under is the edition of that day.
"""

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources

from marketplace.compliance.rules.requirements import Requirement, from_json


def usual(on: date) -> Mapping[str, Requirement]:
    """The usual requirements by key, in the edition that holds on that day."""
    editions = _editions()
    holding = [begins for begins in editions if begins <= on]
    return editions[max(holding, default=min(editions))]


@cache
def _editions() -> dict[date, dict[str, Requirement]]:
    file = resources.files("marketplace.compliance").joinpath("data/usual_requirements.json")
    data = json.loads(file.read_text(encoding="utf-8"))
    return {
        date.fromisoformat(edition["from"]): {
            one["key"]: from_json(one) for one in edition["requirements"]
        }
        for edition in data["editions"]
    }
