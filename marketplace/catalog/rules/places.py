"""States, and the time zones that sites in them are in: to check a sheet and to suggest.

Zones are those of the IANA time zone database; a state's usual one comes first.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from zoneinfo import available_timezones

EASTERN = "America/New_York"
CENTRAL = "America/Chicago"
MOUNTAIN = "America/Denver"
PACIFIC = "America/Los_Angeles"

# code: name, zones in use there
_STATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "AL": ("Alabama", (CENTRAL,)),
    "AK": ("Alaska", ("America/Anchorage", "America/Juneau", "America/Adak")),
    "AZ": ("Arizona", ("America/Phoenix", MOUNTAIN)),
    "AR": ("Arkansas", (CENTRAL,)),
    "CA": ("California", (PACIFIC,)),
    "CO": ("Colorado", (MOUNTAIN,)),
    "CT": ("Connecticut", (EASTERN,)),
    "DE": ("Delaware", (EASTERN,)),
    "DC": ("District of Columbia", (EASTERN,)),
    "FL": ("Florida", (EASTERN, CENTRAL)),
    "GA": ("Georgia", (EASTERN,)),
    "HI": ("Hawaii", ("Pacific/Honolulu",)),
    "ID": ("Idaho", ("America/Boise", PACIFIC)),
    "IL": ("Illinois", (CENTRAL,)),
    "IN": ("Indiana", ("America/Indiana/Indianapolis", EASTERN, CENTRAL)),
    "IA": ("Iowa", (CENTRAL,)),
    "KS": ("Kansas", (CENTRAL, MOUNTAIN)),
    "KY": ("Kentucky", (EASTERN, "America/Kentucky/Louisville", CENTRAL)),
    "LA": ("Louisiana", (CENTRAL,)),
    "ME": ("Maine", (EASTERN,)),
    "MD": ("Maryland", (EASTERN,)),
    "MA": ("Massachusetts", (EASTERN,)),
    "MI": ("Michigan", ("America/Detroit", EASTERN, "America/Menominee", CENTRAL)),
    "MN": ("Minnesota", (CENTRAL,)),
    "MS": ("Mississippi", (CENTRAL,)),
    "MO": ("Missouri", (CENTRAL,)),
    "MT": ("Montana", (MOUNTAIN,)),
    "NE": ("Nebraska", (CENTRAL, MOUNTAIN)),
    "NV": ("Nevada", (PACIFIC, MOUNTAIN)),
    "NH": ("New Hampshire", (EASTERN,)),
    "NJ": ("New Jersey", (EASTERN,)),
    "NM": ("New Mexico", (MOUNTAIN,)),
    "NY": ("New York", (EASTERN,)),
    "NC": ("North Carolina", (EASTERN,)),
    "ND": ("North Dakota", (CENTRAL, MOUNTAIN, "America/North_Dakota/Center")),
    "OH": ("Ohio", (EASTERN,)),
    "OK": ("Oklahoma", (CENTRAL,)),
    "OR": ("Oregon", (PACIFIC, MOUNTAIN, "America/Boise")),
    "PA": ("Pennsylvania", (EASTERN,)),
    "PR": ("Puerto Rico", ("America/Puerto_Rico",)),
    "RI": ("Rhode Island", (EASTERN,)),
    "SC": ("South Carolina", (EASTERN,)),
    "SD": ("South Dakota", (CENTRAL, MOUNTAIN)),
    "TN": ("Tennessee", (CENTRAL, EASTERN)),
    "TX": ("Texas", (CENTRAL, MOUNTAIN)),
    "UT": ("Utah", (MOUNTAIN,)),
    "VT": ("Vermont", (EASTERN,)),
    "VA": ("Virginia", (EASTERN,)),
    "VI": ("U.S. Virgin Islands", ("America/St_Thomas", "America/Puerto_Rico")),
    "GU": ("Guam", ("Pacific/Guam",)),
    "WA": ("Washington", (PACIFIC,)),
    "WV": ("West Virginia", (EASTERN,)),
    "WI": ("Wisconsin", (CENTRAL,)),
    "WY": ("Wyoming", (MOUNTAIN,)),
}
STATES: Mapping[str, str] = {code: name for code, (name, _) in _STATES.items()}
_CODE_BY_NAME: Mapping[str, str] = {name.casefold(): code for code, name in STATES.items()}
_ZONES: Mapping[str, str] = {
    zone.casefold(): zone
    for zone in available_timezones()
    # "EST" or "Etc/GMT+5" know no daylight saving time: no site keeps such a clock.
    if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
}


_COMMON: Mapping[str, str] = {
    "eastern": EASTERN,
    "est": EASTERN,
    "edt": EASTERN,
    "et": EASTERN,
    "central": CENTRAL,
    "cst": CENTRAL,
    "cdt": CENTRAL,
    "ct": CENTRAL,
    "mountain": MOUNTAIN,
    "mst": MOUNTAIN,
    "mdt": MOUNTAIN,
    "mt": MOUNTAIN,
    "pacific": PACIFIC,
    "pst": PACIFIC,
    "pdt": PACIFIC,
    "pt": PACIFIC,
    "alaska": "America/Anchorage",
    "akst": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
    "hst": "Pacific/Honolulu",
}


def state_code(text: str) -> str | None:
    """The postal code of the state that `text` is or names, or none."""
    code = text.strip().upper()
    return code if code in STATES else _CODE_BY_NAME.get(text.strip().casefold())


def zone_name(text: str) -> str | None:
    """The IANA zone that `text` is but for case and spaces, or none."""
    return _ZONES.get(text.strip().replace(" ", "_").casefold())


def near_zones(text: str) -> list[str]:
    """Zones whose names are close to `text`, or that it is a common name of; perhaps none."""
    key = " ".join(text.casefold().replace("_", " ").split())
    usual = _COMMON.get(key.removesuffix(" time").removesuffix(" standard"))
    if usual is not None:
        return [usual]
    close = get_close_matches(key.replace(" ", "_"), _ZONES, n=1, cutoff=0.85)
    return [_ZONES[name] for name in close]


def zones_of(state: str) -> tuple[str, ...]:
    """The zones in use in a state, the usual one first; empty for an unknown state."""
    return _STATES[state][1] if state in _STATES else ()
