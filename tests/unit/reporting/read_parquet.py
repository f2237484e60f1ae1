"""Reads Parquet by its published layout, as far as plain and dictionary pages go.

Shares no code with what writes them; `duckdb`, `pyarrow` or `polars` read the same files in the
tests where they are installed.
"""

import struct


class Thrift:
    """Thrift's compact protocol, read into plain values by field number."""

    def __init__(self, content, place=0):
        self.content, self.place = content, place

    def byte(self):
        self.place += 1
        return self.content[self.place - 1]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def zigzag(self):
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def struct(self):
        fields, last = {}, 0
        while head := self.byte():
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)
        return fields

    def value(self, kind):
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            size = self.varint()
            self.place += size
            return self.content[self.place - size : self.place]
        if kind == 9:
            head = self.byte()
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12, kind
        return self.struct()


def read(content):
    """Return schema (name, type, annotation), key-value metadata, rows a group, and all rows."""
    assert content[:4] == content[-4:] == b"PAR1"
    size = struct.unpack("<I", content[-8:-4])[0]
    footer = Thrift(content, len(content) - 8 - size).struct()
    root, *columns = footer[2]
    assert root[5] == len(columns)
    schema = [(column[4].decode(), column[1], column.get(6)) for column in columns]
    rows, groups = [], []
    for group in footer[4]:
        cells = [chunk(content, one[3], group[3]) for one in group[1]]
        groups.append(group[3])
        rows += zip(*cells, strict=True)
    assert footer[3] == len(rows)
    about = {pair[1].decode(): pair[2].decode() for pair in footer[5]}
    return schema, about, groups, rows


def chunk(content, about, rows):
    words = None
    place = about.get(11, about[9])
    if 11 in about:
        header, place = page(content, about[11])
        words = plain(content, place, about[1], header[7][1])
        place += header[3]
    assert place == about[9]
    header, place = page(content, about[9])
    values = header[5]
    assert values[1] == about[5] == rows
    if values[2] == 0:
        return plain(content, place, about[1], rows)
    return [words[index] for index in indices(content[place : place + header[3]], rows)]


def page(content, place):
    reader = Thrift(content, place)
    return reader.struct(), reader.place


def plain(content, place, kind, count):
    if kind == 1:
        return list(struct.unpack_from(f"<{count}i", content, place))
    found = []
    for _ in range(count):
        size = struct.unpack_from("<I", content, place)[0]
        found.append(content[place + 4 : place + 4 + size].decode())
        place += 4 + size
    return found


def indices(content, count):
    width, reader, found = content[0], Thrift(content, 1), []
    while len(found) < count:
        head = reader.varint()
        if head & 1:
            size = (head >> 1) * width
            bits = int.from_bytes(content[reader.place : reader.place + size], "little")
            found += [bits >> (width * n) & (1 << width) - 1 for n in range((head >> 1) * 8)]
            reader.place += size
        else:
            size = -(-width // 8)
            value = int.from_bytes(content[reader.place : reader.place + size], "little")
            reader.place += size
            found += [value] * (head >> 1)
    return found[:count]
