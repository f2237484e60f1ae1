"""Stay limits as data: one document with all limits and margins, checked before it counts.

What the package brings (`data/stay_limits.json`) counts until an operator puts another document in
its place.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from marketplace.booking.rules.stays import Margins, StayLimit, StayRules
from marketplace.identity.rules import VisaType

MARGINS = ("before_days", "after_days", "close_days")
TEXTS = ("key", "country", "rule", "source", "url", "as_of")
KNOWN = {*TEXTS, "visas", "months", "days"}
VISAS = tuple(visa.value for visa in VisaType)
MOST_LIMITS, MOST_MARGIN = 500, 365
MOST = {"months": 120, "days": 3660}
Faults = dict[str, list[str]]


@cache
def standard() -> dict[str, Any]:
    """The document that the package brings."""
    text = files("marketplace.booking").joinpath("data/stay_limits.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def read(document: Mapping[str, Any]) -> StayRules:
    """Read a document in which `faults` finds nothing."""
    return StayRules(tuple(map(_limit, document["limits"])), Margins(**document["margins"]))


def faults(document: Any, today: date) -> Faults:
    """Say by field what is wrong; nothing if the document can count. `today` bounds `as_of`."""
    if not isinstance(document, dict) or set(document) != {"margins", "limits"}:
        return {"document": ["Expected an object with `margins` and `limits`, and nothing else."]}
    found: Faults = {}
    for field, message in (*_of_margins(document["margins"]), *_of_limits(document, today)):
        found.setdefault(field, []).append(message)
    return found


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say in a line each what another document adds, takes away and changes."""
    old = {row["key"]: row for row in before["limits"]}
    new = {row["key"]: row for row in after["limits"]}
    lines = [f"- {key}: {_said(old[key])}" for key in old if key not in new]
    lines += [f"+ {key}: {_said(new[key])}" for key in new if key not in old]
    for key in (key for key in new if key in old):
        lines += [
            f"~ {key}.{name}: {old[key].get(name)} -> {new[key].get(name)}"
            for name in sorted(KNOWN)
            if old[key].get(name) != new[key].get(name)
        ]
    if [key for key in old if key in new] != [key for key in new if key in old]:
        lines.append(f"~ order: {', '.join(new)}")
    lines += [
        f"~ margins.{name}: {before['margins'][name]} -> {after['margins'][name]}"
        for name in MARGINS
        if before["margins"][name] != after["margins"][name]
    ]
    return lines


def _said(row: Mapping[str, Any]) -> str:
    length = f"{row['months']} months" if row.get("months") else f"{row.get('days')} days"
    visas = "any visa" if row["visas"] is None else ", ".join(row["visas"])
    return f"{row['country']}, {visas}, {length}"


def _of_margins(margins: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(margins, dict) or set(margins) != set(MARGINS):
        yield "margins", f"Expected {', '.join(MARGINS)}, and nothing else."
        return
    for name in MARGINS:
        if not _whole(margins[name], 0, MOST_MARGIN):
            yield f"margins.{name}", f"Expected whole days from 0 to {MOST_MARGIN}."


def _of_limits(document: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    limits = document["limits"]
    if not isinstance(limits, list) or not 1 <= len(limits) <= MOST_LIMITS:
        yield "limits", f"Expected a list of 1 to {MOST_LIMITS} limits."
        return
    keys: set[str] = set()
    covered: set[tuple[str, str | None]] = set()
    for place, row in enumerate(limits):
        name = f"limits.{place}"
        wrong = list(_of_limit(name, row, today))
        yield from wrong
        if wrong:
            continue
        if row["key"] in keys:
            yield f"{name}.key", f"`{row['key']}` is the key of another limit already."
        keys.add(row["key"])
        yield from _never_reached(name, row, covered)


def _of_limit(name: str, row: Any, today: date) -> Iterator[tuple[str, str]]:
    if not isinstance(row, dict):
        yield name, "Expected an object."
        return
    for unknown in sorted(set(row) - KNOWN):
        yield f"{name}.{unknown}", "There is no such field."
    for text in TEXTS:
        if not isinstance(row.get(text), str) or not row[text].strip():
            yield f"{name}.{text}", "Expected a text that says something."
    if not re.fullmatch(r"[A-Z]{2}", str(row.get("country"))):
        yield f"{name}.country", "Expected a country's code of two capital letters, such as US."
    if not str(row.get("url")).startswith("https://"):
        yield f"{name}.url", "Expected the address (https://…) of where the rule is written."
    yield from _of_visas(name, row)
    yield from _of_length(name, row)
    looked_at = _day(row.get("as_of"))
    if looked_at is None or looked_at > today:
        yield f"{name}.as_of", "Expected the day on which the rule was looked at, not a later one."


def _of_length(name: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    given = {unit: row[unit] for unit in MOST if row.get(unit) is not None}
    if len(given) != 1:
        yield f"{name}.months", "Expected `months` or `days`: one of the two."
    for unit, value in given.items() if len(given) == 1 else ():
        if not _whole(value, 1, MOST[unit]):
            yield f"{name}.{unit}", f"Expected whole {unit} from 1 to {MOST[unit]}."


def _of_visas(name: str, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    visas = row.get("visas", "missing")
    if visas is None:
        return
    if not isinstance(visas, list) or not visas or not set(map(str, visas)) <= set(VISAS):
        yield f"{name}.visas", f"Expected null for any visa, or some of: {', '.join(VISAS)}."


def _never_reached(
    name: str, row: Mapping[str, Any], covered: set[tuple[str, str | None]]
) -> Iterator[tuple[str, str]]:
    """The first limit for a country and visa counts: one behind it would never be looked at."""
    country, visas = row["country"], row["visas"]
    wanted = {(country, None)} if visas is None else {(country, visa) for visa in visas}
    if (country, None) in covered or wanted <= covered:
        yield name, "A limit before this one is for the same country and visas: it never counts."
    covered |= wanted


def _limit(row: Mapping[str, Any]) -> StayLimit:
    visas = row["visas"]
    return StayLimit(
        key=row["key"],
        country=row["country"],
        visas=None if visas is None else frozenset(visas),
        months=row.get("months"),
        days=row.get("days"),
        rule=row["rule"],
        source=row["source"],
        url=row["url"],
        as_of=date.fromisoformat(row["as_of"]),
    )


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None
