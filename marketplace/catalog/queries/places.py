"""Where a place is: a postal code, a city with its state, or a point in degrees."""

import re
from dataclasses import dataclass

from sqlalchemy import select

from marketplace.catalog.models import Place
from marketplace.catalog.rules.places import STATES
from marketplace.core.db import Session

MOST_NORTH, MOST_EAST = 90, 180
HOW_TO = 'Give a ZIP code ("60601"), a city with its state ("Chicago, IL") or "latitude,longitude".'
_ZIP = re.compile(r"([0-9]{5})(?:-[0-9]{4})?")
_POINT = re.compile(
    r"([-+]?[0-9]{1,3}(?:\.[0-9]{1,15})?)\s*,\s*([-+]?[0-9]{1,3}(?:\.[0-9]{1,15})?)"
)
_CITY = re.compile(r"(.{1,100}?)\s*,?\s+([A-Za-z]{2})|(.{1,100}?)\s*,\s*([A-Za-z .]{2,30})")


@dataclass(frozen=True)
class Point:
    """Degrees north and east, and what they are called."""

    latitude: float
    longitude: float
    label: str


class UnknownPlace(LookupError):
    """The text names no place that we know; the message says what would."""


def point_of(session: Session, written: str) -> Point:
    """Where `written` is, in one query at most; `UnknownPlace`."""
    text = " ".join(written.split())
    if (found := _POINT.fullmatch(text)) is not None:
        latitude, longitude = float(found[1]), float(found[2])
        if abs(latitude) > MOST_NORTH or abs(longitude) > MOST_EAST:
            raise UnknownPlace("A latitude is from -90 to 90, a longitude from -180 to 180.")
        return Point(latitude, longitude, f"{latitude:g}, {longitude:g}")
    if (found := _ZIP.fullmatch(text)) is not None:
        return _place(session, "zip", found[1], None)
    if (found := _CITY.fullmatch(text)) is not None:
        state = _state(found[2] or found[4])
        if state is not None:
            return _place(session, "city", (found[1] or found[3]).lower(), state)
    raise UnknownPlace(HOW_TO)


def _place(session: Session, kind: str, name: str, state: str | None) -> Point:
    query = select(Place).where(Place.kind == kind, Place.name == name)
    if state is not None:
        query = query.where(Place.us_state == state)
    place = session.execute(query.order_by(Place.us_state).limit(1)).scalar_one_or_none()
    if place is None:
        what = "ZIP code" if kind == "zip" else f"city in {state}"
        raise UnknownPlace(f"{name!r} is no {what} that we know. {HOW_TO}")
    label = f"{place.name} ({place.label})" if kind == "zip" else place.label
    return Point(place.latitude, place.longitude, label)


def _state(text: str) -> str | None:
    code = text.strip().upper()
    if code in STATES:
        return code
    return next((key for key, name in STATES.items() if name.upper() == code), None)
