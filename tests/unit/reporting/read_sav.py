"""Reads SPSS system files by their published layout, sharing no code with what writes them."""

import struct
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Sav:
    cases: int = 0
    names: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Any] = field(default_factory=dict)
    values: dict[str, dict[float, str]] = field(default_factory=dict)
    rows: list[list[Any]] = field(default_factory=list)
    encoding: str = ""


class Reader:
    def __init__(self, content):
        self.content, self.place = content, 0

    def take(self, form):
        found = struct.unpack_from("<" + form, self.content, self.place)
        self.place += struct.calcsize("<" + form)
        return found if len(found) > 1 else found[0]

    def bytes(self, size):
        self.place += size
        return self.content[self.place - size : self.place]


def read(content):
    source, sav = Reader(content), Sav()
    assert source.bytes(4) == b"$FL2"
    source.bytes(60)
    layout, elements, compression, _, sav.cases = source.take("iiiii")
    assert (layout, compression, source.take("d")) == (2, 1, 100.0)
    source.bytes(9 + 8 + 64 + 3)
    starts, short = {}, {}
    element = 0
    while (record := source.take("i")) != 999:
        if record == 2:
            element += 1
            width, labelled, missing, _, _ = source.take("iiiii")
            name = source.bytes(8).decode().strip()
            if labelled:
                size = source.take("i")
                label = source.bytes(-(-size // 4) * 4)[:size].decode()
            if width >= 0:
                starts[element] = name
                short[name] = len(sav.names)
                sav.names.append(name)
                sav.widths.append(width)
                sav.labels[name] = label
                if missing:
                    sav.missing[name] = struct.unpack(
                        f"<{abs(missing)}d", source.bytes(8 * abs(missing))
                    )
        elif record == 3:
            found = {}
            for _ in range(source.take("i")):
                value, size = source.take("dB")
                found[value] = source.bytes(-(-(size + 1) // 8) * 8 - 1)[:size].decode()
            assert source.take("ii")[0] == 4
            sav.values[starts[source.take("i")]] = found
        else:
            assert record == 7
            kind, size, count = source.take("iii")
            extension(sav, kind, source.bytes(size * count), short)
    source.take("i")
    assert element == elements
    cells = unpacked(source.content[source.place :])
    for _ in range(sav.cases):
        row = []
        for width in sav.widths:
            if width == 0:
                row.append(struct.unpack("<d", next(cells))[0])
            else:
                text = b"".join(next(cells) for _ in range(-(-width // 8)))
                row.append(text[:width].decode().rstrip(" "))
        sav.rows.append(row)
    assert next(cells, None) is None
    return sav


def extension(sav, kind, content, short):
    source = Reader(content)
    if kind == 13:
        for pair in content.decode().split("\t"):
            old, new = pair.split("=")
            sav.names[short[old]] = new
            for known in (sav.labels, sav.missing, sav.values):
                if old in known:
                    known[new] = known.pop(old)
    elif kind == 16:
        assert source.take("qq") == (1, sav.cases)
    elif kind == 20:
        sav.encoding = content.decode()
    elif kind == 22:
        while source.place < len(content):
            name = source.bytes(source.take("i")).decode()
            count, size = source.take("Bi")
            sav.missing[name] = tuple(source.bytes(size).decode().strip() for _ in range(count))


def unpacked(content):
    place = 0
    while place < len(content):
        codes = content[place : place + 8]
        place += 8
        for code in codes:
            if code == 253:
                yield content[place : place + 8]
                place += 8
            elif code == 254:
                yield b" " * 8
            elif code:
                yield struct.pack("<d", code - 100)
