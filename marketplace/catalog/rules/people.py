"""Names of preceptors, as they are written, and as they are compared."""

import re

from marketplace.catalog.rules.specialties import fold

_CREDENTIALS = r"M\.?D\.?|D\.?O\.?|MBBS|Ph\.?D\.?|FACP|FACS|FAAP|MPH|NP|PA-?C"
_INVERTED = re.compile(
    rf"(?P<family>[^,]+), (?P<given>[^,]+?),? (?P<credentials>(?:{_CREDENTIALS})(?:,? (?:{_CREDENTIALS}))*)"
)
_TITLE = re.compile(r"^(?:dr|prof|professor|doctor)\.?\s+", re.IGNORECASE)
_AFTER = re.compile(rf"(?:,\s*|\s+)(?:{_CREDENTIALS})$", re.IGNORECASE)


def upright_name(name: str) -> str:
    """`Okonkwo, Grace MD` as `Grace Okonkwo, MD`; every other form as it is."""
    match = _INVERTED.fullmatch(name)
    if match is None:
        return name
    return f"{match['given']} {match['family']}, {match['credentials']}"


def name_key(name: str) -> str:
    """What is left to compare of a name without titles and credentials."""
    bare = _TITLE.sub("", name.strip())
    while (shorter := _AFTER.sub("", bare)) != bare:
        bare = shorter
    return fold(bare)
