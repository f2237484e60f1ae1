"""SPSS's system file (`.sav`), compressed by bytecode, in one pass.

Layout: "System File Format" of the PSPP Developer's Guide,
<https://www.gnu.org/software/pspp/pspp-dev/html_node/System-File-Format.html>. Words become numbers
with value labels. Missing codes are user-missing: -9 to -6 as a range of numbers; of a text, those
that its profile can have, as SPSS takes three at most.
"""

import struct
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import IO

from marketplace.reporting.rules.codebook import MISSING, VARIABLES, Variable
from marketplace.reporting.rules.formats.table import Cutter, Table, cut

_CELL = 8
_BIAS = 100
_SPACES, _RAW = 254, 253
_LONGEST_LABEL = 120
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# A cell as it is stored: a byte of code for each 8 bytes, and those that the code can't say.
Stored = tuple[bytes, bytes]


def write(out: IO[bytes], table: Table) -> int:
    """Write the whole file; its header holds the number of rows, so that must be right."""
    out.write(_header(table))
    for place, variable in enumerate(VARIABLES):
        out.write(_variable(place, variable))
    out.write(_value_labels())
    out.write(_extensions(table))
    out.write(struct.pack("<ii", 999, 0))
    cutter, packer = Cutter(), _Packer(out)
    numbers = {v.name: _Numbers(v.numbers) for v in VARIABLES}
    for columns in table.batches():
        stored = [
            list(map(numbers[variable.name].__getitem__, column))
            if _is_number(variable)
            else _texts(cutter.column(column, variable.width), variable.width)
            for variable, column in zip(VARIABLES, columns, strict=True)
        ]
        packer.add(chain.from_iterable(zip(*stored, strict=True)))
    packer.end()
    return cutter.count


def _is_number(variable: Variable) -> bool:
    return variable.numeric or bool(variable.values)


def _cells(variable: Variable) -> int:
    """How many places of 8 bytes a value takes."""
    return 1 if _is_number(variable) else -(-variable.width // _CELL)


class _Numbers(dict[str, Stored]):
    """How a cell of a column of numbers is stored, worked out once for each that occurs."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        super().__init__()
        self._numbers = numbers

    def __missing__(self, cell: str) -> Stored:
        number = self._numbers[cell] if cell in self._numbers else int(cell)
        small = 1 - _BIAS <= number <= 251 - _BIAS
        stored = (
            (bytes([number + _BIAS]), b"") if small else (bytes([_RAW]), struct.pack("<d", number))
        )
        self[cell] = stored
        return stored


def _texts(contents: Sequence[bytes], width: int) -> list[Stored]:
    whole = -(-width // _CELL)
    known: dict[bytes, Stored] = {}
    for content in set(contents):
        used = -(-len(content) // _CELL)
        codes = bytes([_RAW]) * used + bytes([_SPACES]) * (whole - used)
        known[content] = (codes, content.ljust(used * _CELL))
    return [known[content] for content in contents]


class _Packer:
    """Puts eight codes before what they leave to be said in full, over the borders of rows."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._codes, self._rest = b"", b""

    def add(self, cells: "chain[Stored]") -> None:
        codes, rest = zip(*cells, strict=True)
        self._codes += b"".join(codes)
        self._rest += b"".join(rest)
        self._write(len(self._codes) - len(self._codes) % _CELL)

    def end(self) -> None:
        """Fill up the last eight with codes that say nothing."""
        self._codes += bytes(-len(self._codes) % _CELL)
        self._write(len(self._codes))

    def _write(self, whole: int) -> None:
        codes, rest, place = self._codes, self._rest, 0
        pieces: list[bytes] = []
        for start in range(0, whole, _CELL):
            eight = codes[start : start + _CELL]
            pieces.append(eight)
            if raw := eight.count(_RAW):
                pieces.append(rest[place : place + raw * _CELL])
                place += raw * _CELL
        self._out.write(b"".join(pieces))
        self._codes, self._rest = codes[whole:], rest[place:]


def _header(table: Table) -> bytes:
    made = table.as_of
    day = f"{made.day:02d} {_MONTHS[made.month - 1]} {made.year % 100:02d}".encode()
    return struct.pack(
        "<4s60siiiiid9s8s64s3s",
        b"$FL2",
        b"@(#) SPSS DATA FILE rotation-marketplace".ljust(60),
        2,
        sum(map(_cells, VARIABLES)),
        1,
        0,
        table.rows,
        float(_BIAS),
        day,
        f"{made:%H:%M:%S}".encode(),
        cut(table.title, 64).ljust(64),
        bytes(3),
    )


def _short(place: int) -> bytes:
    return f"V{place + 1}".encode()


def _variable(place: int, variable: Variable) -> bytes:
    label = cut(variable.label, 255)
    padded = label.ljust(-(-len(label) // 4) * 4)
    if _is_number(variable):
        width, form = 0, (5 << 16) | (8 << 8)
        gone = struct.pack("<dd", -9.0, -6.0) if variable.missing else b""
        kinds = -2 if gone else 0
    else:
        width, form = variable.width, (1 << 16) | (variable.width << 8)
        kinds, gone = 0, b""
    first = struct.pack(
        "<iiiiii8si", 2, width, 1, kinds, form, form, _short(place).ljust(8), len(label)
    )
    more = struct.pack("<iiiiii8s", 2, -1, 0, 0, form, form, b" " * 8)
    return first + padded + gone + more * (_cells(variable) - 1)


def _value_labels() -> bytes:
    """Records 3 and 4 for each variable of numbers that has labels."""
    content, index = b"", 1
    for variable in VARIABLES:
        labels = _labels(variable) if _is_number(variable) else {}
        if labels:
            content += struct.pack("<ii", 3, len(labels))
            for number, text in labels.items():
                label = cut(text, _LONGEST_LABEL)
                content += struct.pack("<dB", number, len(label))
                content += label.ljust(-(-(len(label) + 1) // _CELL) * _CELL - 1)
            content += struct.pack("<iii", 4, 1, index)
        index += _cells(variable)
    return content


def _labels(variable: Variable) -> dict[int, str]:
    labels = {number: variable.described(value) for value, number in variable.numbers.items()}
    return {**labels, **{int(code): MISSING[code] for code in variable.missing}}


def _extensions(table: Table) -> bytes:
    largest = sys.float_info.max
    lowest = struct.unpack(
        "<d", struct.pack("<q", struct.unpack("<q", struct.pack("<d", -largest))[0] - 1)
    )[0]
    machine = struct.pack("<8i", 1, 0, 0, -1, 1, 1, 2, 65001)
    names = b"\t".join(
        _short(place) + b"=" + variable.name.encode() for place, variable in enumerate(VARIABLES)
    )
    return b"".join(
        (
            _extension(3, 4, machine),
            _extension(4, 8, struct.pack("<3d", -largest, largest, lowest)),
            _extension(11, 4, b"".join(map(_shown, VARIABLES))),
            _extension(13, 1, names),
            _extension(16, 8, struct.pack("<qq", 1, table.rows)),
            _extension(20, 1, b"UTF-8"),
            _extension(21, 1, b"".join(_text_labels(v) for v in VARIABLES if not _is_number(v))),
            _extension(
                22,
                1,
                b"".join(_text_missing(v, table.profile) for v in VARIABLES if not _is_number(v)),
            ),
        )
    )


def _extension(kind: int, size: int, content: bytes) -> bytes:
    return struct.pack("<iiii", 7, kind, size, len(content) // size) + content


def _shown(variable: Variable) -> bytes:
    """Level of measurement (1 nominal, 3 scale), width of the column, alignment."""
    if variable.kind == "count":
        return struct.pack("<iii", 3, 8, 1)
    return struct.pack("<iii", 1, 8 if _is_number(variable) else min(variable.width, 40), 0)


def _text_labels(variable: Variable) -> bytes:
    if not variable.missing:
        return b""
    content = _counted(variable.name.encode())
    content += struct.pack("<ii", variable.width, len(variable.missing))
    for code in variable.missing:
        content += _counted(code.encode().ljust(variable.width))
        content += _counted(cut(MISSING[code], _LONGEST_LABEL))
    return content


def _text_missing(variable: Variable, profile: str) -> bytes:
    codes = variable.missing_in(profile)
    if not codes:
        return b""
    return (
        _counted(variable.name.encode())
        + struct.pack("<Bi", len(codes), _CELL)
        + b"".join(code.encode().ljust(_CELL) for code in codes)
    )


def _counted(content: bytes) -> bytes:
    return struct.pack("<i", len(content)) + content
