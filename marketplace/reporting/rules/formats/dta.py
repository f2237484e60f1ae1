"""Stata's `.dta`, release 118 (Stata 14 and later), in one pass.

Layout: <https://www.stata.com/help.cgi?dta>. Words become numbers with value labels, missing codes
become `.w`, `.n`, `.r` and `.u`. Text stays text, with its missing codes as they are: Stata has no
missing values of text but the empty one; a note on the variable lists them.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any

from marketplace.reporting.rules.codebook import MISSING, STATA_MISSING, VARIABLES, Variable
from marketplace.reporting.rules.formats.table import Cutter, Table

BYTE, INT = 65530, 65529
# `.` of each type; `.a` is one more, and so on to `.z`.
_DOT = {BYTE: 101, INT: 32741}
_DOT_LONG = 2147483621
_PACKED = {BYTE: "b", INT: "h"}
_NAME, _LABEL, _FORMAT = 129, 321, 57


def write(out: IO[bytes], table: Table) -> int:
    """Write the whole file; its header holds the number of rows, so that must be right."""
    types = [_type(variable) for variable in VARIABLES]
    head = _head(table)
    sections = _sections(types)
    row = struct.Struct("<" + "".join(_packed(kind) for kind in types))
    labels = _value_labels()
    out.write(head + _map(len(head), sections, row.size * table.rows, len(labels)))
    out.write(b"".join(sections))
    out.write(b"<data>")
    cutter = Cutter()
    for columns in table.batches():
        cells = [
            _cells(variable, kind, column, cutter)
            for variable, kind, column in zip(VARIABLES, types, columns, strict=True)
        ]
        out.write(b"".join(map(row.pack, *cells)))
    out.write(b"</data><strls></strls>" + labels + b"</stata_dta>")
    return cutter.count


def missing(kind: int, code: str) -> int:
    """The number that stands for a missing code in a column of type `kind`."""
    return _DOT[kind] + ord(STATA_MISSING[code]) - ord("a") + 1


def _type(variable: Variable) -> int:
    """Numbers have a type, text has its width for one."""
    if variable.kind == "count":
        return INT
    return BYTE if variable.values else variable.width


def _packed(kind: int) -> str:
    return _PACKED.get(kind, f"{kind}s")


def _cells(variable: Variable, kind: int, column: Sequence[str], cutter: Cutter) -> Sequence[Any]:
    if kind not in _DOT:
        return cutter.column(column, kind)
    gone = {code: missing(kind, code) for code in MISSING}
    if variable.values:
        return list(map({**variable.numbers, **gone}.__getitem__, column))
    return [gone[cell] if cell in gone else int(cell) for cell in column]


def _head(table: Table) -> bytes:
    label = table.title.encode()
    stamp = f"{table.as_of:%d %b %Y %H:%M}".encode()
    return (
        b"<stata_dta><header><release>118</release><byteorder>LSF</byteorder><K>"
        + struct.pack("<H", len(VARIABLES))
        + b"</K><N>"
        + struct.pack("<Q", table.rows)
        + b"</N><label>"
        + struct.pack("<H", len(label))
        + label
        + b"</label><timestamp>"
        + bytes([len(stamp)])
        + stamp
        + b"</timestamp></header>"
    )


def _sections(types: Sequence[int]) -> list[bytes]:
    """What stands between the map and the data."""
    formats = [b"%8.0g" if kind in _DOT else b"%%-%ds" % min(kind, 40) for kind in types]
    named = [v.name.encode() if _labels(v) else b"" for v in VARIABLES]
    return [
        _section("variable_types", struct.pack(f"<{len(types)}H", *types)),
        _section("varnames", _fixed([v.name.encode() for v in VARIABLES], _NAME)),
        _section("sortlist", bytes(2 * (len(types) + 1))),
        _section("formats", _fixed(formats, _FORMAT)),
        _section("value_label_names", _fixed(named, _NAME)),
        _section("variable_labels", _fixed([v.label.encode()[:320] for v in VARIABLES], _LABEL)),
        _section("characteristics", b"".join(map(_note, VARIABLES))),
    ]


def _section(name: str, content: bytes) -> bytes:
    return f"<{name}>".encode() + content + f"</{name}>".encode()


def _fixed(texts: Sequence[bytes], width: int) -> bytes:
    return b"".join(text.ljust(width, b"\0") for text in texts)


def _note(variable: Variable) -> bytes:
    """What a variable's text may say instead of a value, as Stata's `notes` shows it."""
    if variable.numeric or variable.values or not variable.missing:
        return b""
    text = "; ".join(f"{code} {MISSING[code]}" for code in variable.missing)
    return _characteristic(variable.name, "note0", "1") + _characteristic(
        variable.name, "note1", text
    )


def _characteristic(variable: str, name: str, text: str) -> bytes:
    content = _fixed([variable.encode(), name.encode()], _NAME) + text.encode() + b"\0"
    return b"<ch>" + struct.pack("<I", len(content)) + content + b"</ch>"


def _map(start: int, sections: Sequence[bytes], data: int, labels: int) -> bytes:
    """Where each part begins, from the first byte of the file on."""
    size = len("<map></map>") + 14 * 8
    places = [0, start, start + size]
    for section in sections:
        places.append(places[-1] + len(section))
    places.append(places[-1] + data + len("<data></data>"))
    places.append(places[-1] + len("<strls></strls>"))
    places.append(places[-1] + labels)
    places.append(places[-1] + len("</stata_dta>"))
    return _section("map", struct.pack("<14Q", *places))


def _value_labels() -> bytes:
    return _section(
        "value_labels",
        b"".join(_value_label(v.name, labels) for v in VARIABLES if (labels := _labels(v))),
    )


def _labels(variable: Variable) -> dict[int, str]:
    """What the numbers of a variable mean, and what its missing values do."""
    if not variable.numeric and not variable.values:
        return {}
    labels = {number: variable.described(value) for value, number in variable.numbers.items()}
    for code in variable.missing:
        labels[_DOT_LONG + ord(STATA_MISSING[code]) - ord("a") + 1] = MISSING[code]
    return labels


def _value_label(name: str, labels: Mapping[int, str]) -> bytes:
    texts = [label.encode() + b"\0" for label in labels.values()]
    offsets = [sum(map(len, texts[:place])) for place in range(len(texts))]
    text = b"".join(texts)
    count = len(labels)
    table = struct.pack(f"<ii{count}i{count}i", count, len(text), *offsets, *labels) + text
    return (
        b"<lbl>"
        + struct.pack("<i", len(table))
        + name.encode().ljust(_NAME, b"\0")
        + bytes(3)
        + table
        + b"</lbl>"
    )
