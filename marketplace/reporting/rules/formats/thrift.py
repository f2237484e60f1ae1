"""Thrift's compact protocol, as much of it as Parquet's footers need.

<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

BINARY, LIST, STRUCT = 8, 9, 12


@dataclass(frozen=True, slots=True)
class I32:
    """A whole number of 32 bits."""

    number: int
    kind: int = 5


@dataclass(frozen=True, slots=True)
class I64:
    """A whole number of 64 bits."""

    number: int
    kind: int = 6


Struct: TypeAlias = "Mapping[int, Value]"
Value: TypeAlias = "I32 | I64 | bytes | Sequence[Value] | Struct"


def struct(fields: Struct) -> bytes:
    """Return a struct, its fields by their ids in rising order."""
    content, last = bytearray(), 0
    for number, value in fields.items():
        content.append((number - last) << 4 | _kind(value))
        content += _value(value)
        last = number
    content.append(0)
    return bytes(content)


def varint(number: int) -> bytes:
    """Return seven bits a byte, lowest first, as long as more follows with the eighth set."""
    content = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - more than seven bits
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)


def _kind(value: Value) -> int:
    if isinstance(value, I32 | I64):
        return value.kind
    if isinstance(value, bytes):
        return BINARY
    return STRUCT if isinstance(value, Mapping) else LIST


def _value(value: Value) -> bytes:
    if isinstance(value, I32 | I64):
        return varint(value.number << 1 if value.number >= 0 else (-value.number << 1) - 1)
    if isinstance(value, bytes):
        return varint(len(value)) + value
    if isinstance(value, Mapping):
        return struct(value)
    kind = _kind(value[0]) if value else STRUCT
    few = len(value) < 15  # noqa: PLR2004 - what half a byte holds
    start = bytes([len(value) << 4 | kind]) if few else bytes([0xF0 | kind]) + varint(len(value))
    return start + b"".join(map(_value, value))
