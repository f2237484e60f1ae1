"""Stripe's form encoding, and declared parameters with Stripe's errors.

``unflatten`` turns ``line_items[0][quantity]=2`` into nested dictionaries; a ``Form`` turns those
into typed values and refuses what is missing, malformed or unknown. An empty string unsets a
value: it is parsed as ``None``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.embedded.stripe_sandbox.errors import ApiError, bad_parameter
from marketplace.embedded.stripe_sandbox.shapes import Json

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEPTH = 8
_MOST_KEYS, _LONGEST_KEY, _LONGEST_VALUE = 50, 40, 500


def unflatten(pairs: Iterable[tuple[str, str]]) -> Json:
    """Nested dictionaries from form pairs; ``a[]`` appends under rising numbers."""
    root: Json = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if match is None:
            raise bad_parameter(key, f"Invalid parameter name: {key}", code="parameter_unknown")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(path) > _DEPTH:
            raise bad_parameter(key, "Parameters are nested too deeply.", code="parameter_unknown")
        _place(root, path, value, key)
    return root


def _place(root: Json, path: Sequence[str], value: str, key: str) -> None:
    here = root
    for position, part in enumerate(path):
        name = part or str(len(here))
        if position == len(path) - 1:
            if isinstance(here.get(name), dict):
                raise bad_parameter(key, "A value and a group under one name.", code=None)
            here[name] = value
            return
        child = here.setdefault(name, {})
        if not isinstance(child, dict):
            raise bad_parameter(key, "A value and a group under one name.", code=None)
        here = child


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter. ``parse`` gets the raw value and the name for error messages."""

    required: bool = False

    def parse(self, raw: Any, name: str) -> Any:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Text(Field):
    """A string of at most ``longest`` characters."""

    longest: int = 5000

    def parse(self, raw: Any, name: str) -> str | None:
        if not isinstance(raw, str):
            raise bad_parameter(name, f"Invalid string: {name}", code=None)
        if len(raw) > self.longest:
            raise bad_parameter(
                name,
                f"Invalid string: {name} may have at most {self.longest} characters.",
                code="parameter_invalid_string_too_long",
            )
        return raw or None


@dataclass(frozen=True, kw_only=True)
class Int(Field):
    """A whole number between ``low`` and ``high``."""

    low: int = 0
    high: int = 2**53

    def parse(self, raw: Any, name: str) -> int | None:
        if raw == "":
            return None
        if not isinstance(raw, str) or not re.fullmatch(r"-?\d{1,18}", raw, re.ASCII):
            raise bad_parameter(name, f"Invalid integer: {raw}", code="parameter_invalid_integer")
        number = int(raw)
        if not self.low <= number <= self.high:
            raise bad_parameter(
                name,
                f"Invalid integer: {name} must lie between {self.low} and {self.high}.",
                code="parameter_invalid_integer",
            )
        return number


@dataclass(frozen=True, kw_only=True)
class Bool(Field):
    def parse(self, raw: Any, name: str) -> bool | None:
        if raw == "":
            return None
        if raw not in ("true", "false"):
            raise bad_parameter(name, f"Invalid boolean: {raw}", code=None)
        return bool(raw == "true")


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of a closed set of words."""

    of: tuple[str, ...]

    def parse(self, raw: Any, name: str) -> str | None:
        if raw == "":
            return None
        if raw not in self.of:
            raise bad_parameter(
                name, f"Invalid {name}: must be one of {', '.join(self.of)}", code=None
            )
        return str(raw)


@dataclass(frozen=True, kw_only=True)
class Currency(Field):
    """Three letters, in lower case as Stripe answers them."""

    def parse(self, raw: Any, name: str) -> str:
        if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z]{3}", raw):
            raise bad_parameter(name, f"Invalid currency: {raw}", code=None)
        return raw.lower()


@dataclass(frozen=True, kw_only=True)
class Url(Field):
    """An http(s) address."""

    def parse(self, raw: Any, name: str) -> str | None:
        if raw == "":
            return None
        if not isinstance(raw, str) or not re.match(r"https?://[^\s/]", raw):
            raise bad_parameter(
                name, "Not a valid URL: it needs a scheme such as https.", code="url_invalid"
            )
        return raw


@dataclass(frozen=True, kw_only=True)
class Metadata(Field):
    """Up to 50 keys of 40 characters, values of 500; an empty value removes its key."""

    def parse(self, raw: Any, name: str) -> dict[str, str] | None:
        if raw == "":
            return None
        if not isinstance(raw, dict) or not all(isinstance(v, str) for v in raw.values()):
            raise bad_parameter(name, "Invalid metadata: it must hold strings.", code=None)
        too_long = any(len(k) > _LONGEST_KEY or len(v) > _LONGEST_VALUE for k, v in raw.items())
        if too_long or len(raw) > _MOST_KEYS:
            raise bad_parameter(
                name, "Metadata takes 50 keys of 40 characters with values of 500.", code=None
            )
        return raw


@dataclass(frozen=True, kw_only=True)
class Anything(Field):
    """A group of settings that change nothing here; accepted whatever it holds."""

    def parse(self, raw: Any, name: str) -> Json | None:
        if raw == "":
            return None
        if not isinstance(raw, dict):
            raise bad_parameter(name, f"Invalid object: {name}", code=None)
        return raw


@dataclass(frozen=True, kw_only=True)
class Upload(Field):
    """A file of a multipart request: its name, and its content in base64."""

    def parse(self, raw: Any, name: str) -> Json:
        if not isinstance(raw, dict) or raw.keys() != {"filename", "content"}:
            raise bad_parameter(name, "Send the file as multipart/form-data.", code=None)
        return raw


@dataclass(frozen=True, kw_only=True)
class Group(Field):
    """Named parameters below a name."""

    of: Mapping[str, Field]

    def parse(self, raw: Any, name: str) -> Json | None:
        if raw == "":
            return None
        if not isinstance(raw, dict):
            raise bad_parameter(name, f"Invalid object: {name}", code=None)
        return _parse(raw, self.of, name)


@dataclass(frozen=True, kw_only=True)
class ListOf(Field):
    """A list, given as ``name[0]`` or ``name[]``."""

    of: Field
    most: int = 100

    def parse(self, raw: Any, name: str) -> list[Any]:
        if raw == "":
            return []
        if not isinstance(raw, dict) or not all(k.isdecimal() for k in raw):
            raise bad_parameter(name, f"Invalid array: {name}", code=None)
        if len(raw) > self.most:
            raise bad_parameter(name, f"{name} takes at most {self.most} entries.", code=None)
        items = sorted(raw.items(), key=lambda item: int(item[0]))
        parsed = [self.of.parse(value, f"{name}[{key}]") for key, value in items]
        if None in parsed:
            raise bad_parameter(name, f"{name} may not hold empty entries.")
        return parsed


@dataclass(frozen=True, kw_only=True)
class TimeRange(Field):
    """An instant, or any of gt, gte, lt, lte; parsed to a mapping of those (``eq`` for one)."""

    def parse(self, raw: Any, name: str) -> dict[str, int]:
        given = raw if isinstance(raw, dict) else {"eq": raw}
        parsed: dict[str, int] = {}
        for key, value in given.items():
            number = Int().parse(value, f"{name}[{key}]")
            if key not in ("eq", "gt", "gte", "lt", "lte") or number is None:
                raise bad_parameter(name, f"Invalid range: {name}", code="parameter_unknown")
            parsed[key] = number
        return parsed


def _parse(raw: Mapping[str, Any], fields: Mapping[str, Field], within: str) -> Json:
    def full(name: str) -> str:
        return f"{within}[{name}]" if within else name

    parsed: Json = {}
    for name, value in raw.items():
        if name not in fields:
            raise bad_parameter(
                full(name),
                f"Received unknown parameter: {full(name)} (unknown to Stripe, or not covered "
                "by this sandbox).",
                code="parameter_unknown",
            )
        parsed[name] = fields[name].parse(value, full(name))
    for name, declared in fields.items():
        if declared.required and parsed.get(name) is None:
            raise _missing(full(name), given=name in parsed)
    return parsed


def _missing(name: str, *, given: bool) -> ApiError:
    if given:
        return bad_parameter(name, f"{name} may not be empty.")
    return bad_parameter(name, f"Missing required param: {name}.", code="parameter_missing")


@dataclass(frozen=True)
class Form:
    """The parameters of one endpoint. ``expand`` is accepted everywhere."""

    fields: Mapping[str, Field] = field(default_factory=dict)

    def parse(self, raw: Mapping[str, Any]) -> Json:
        """Typed values of what was given (nothing is defaulted); raises ``ApiError``."""
        declared = {**self.fields, "expand": ListOf(of=Text(required=True))}
        return _parse(raw, declared, "")


def merge_metadata(old: Mapping[str, str], new: Mapping[str, str] | None) -> dict[str, str]:
    """Stripe's update rule: given keys replace, empty values remove, ``None`` clears all."""
    if new is None:
        return {}
    merged = {**old, **new}
    return {key: value for key, value in merged.items() if value != ""}
