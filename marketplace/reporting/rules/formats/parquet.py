"""Parquet, a row group at a time: words by dictionary, ids and free text plain, no compression.

Layout: <https://parquet.apache.org/docs/file-format/>. All columns are required: what is missing
has its code. The codebook stands in the metadata of the file under `codebook`.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from marketplace.reporting.rules import codebook, libraries
from marketplace.reporting.rules.codebook import VARIABLES, Variable
from marketplace.reporting.rules.formats import thrift
from marketplace.reporting.rules.formats.table import Table
from marketplace.reporting.rules.formats.thrift import I32, I64

ROWS_OF_A_GROUP = 40_000
INT32, BYTE_ARRAY = 1, 6
PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
DATA_PAGE, DICTIONARY_PAGE = 0, 2
_MAGIC = b"PAR1"
_UTF8 = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column of a row group: where its pages begin and how much they take."""

    name: str
    kind: int
    values: int
    dictionary: int | None
    data: int
    size: int

    def metadata(self) -> thrift.Struct:
        """The chunk as ColumnChunk."""
        encodings = [PLAIN] if self.dictionary is None else [PLAIN, RLE, RLE_DICTIONARY]
        about: dict[int, thrift.Value] = {
            1: I32(self.kind),
            2: [I32(one) for one in encodings],
            3: [self.name.encode()],
            4: I32(0),
            5: I64(self.values),
            6: I64(self.size),
            7: I64(self.size),
            9: I64(self.data),
        }
        if self.dictionary is not None:
            about[11] = I64(self.dictionary)
        return {2: I64(self.data if self.dictionary is None else self.dictionary), 3: about}


def write(out: IO[bytes], table: Table) -> int:
    """Write all rows, `ROWS_OF_A_GROUP` in a group."""
    out.write(_MAGIC)
    place, groups = len(_MAGIC), []
    for columns in table.batches(ROWS_OF_A_GROUP):
        chunks = []
        for variable, column in zip(VARIABLES, columns, strict=True):
            content, chunk = _chunk(variable, column, place)
            out.write(content)
            place += len(content)
            chunks.append(chunk)
        groups.append(chunks)
    footer = _footer(table, groups)
    out.write(footer + struct.pack("<I", len(footer)) + _MAGIC)
    return 0


def _kind(variable: Variable) -> int:
    return INT32 if variable.numeric else BYTE_ARRAY


def _chunk(variable: Variable, column: Sequence[str], place: int) -> tuple[bytes, Chunk]:
    """Return a column's pages; a dictionary where it makes them smaller."""
    kind = _kind(variable)
    known = dict.fromkeys(column)
    if len(known) > len(column) // 2 and len(known) > 1:
        data = _page(DATA_PAGE, len(column), PLAIN, _plain(kind, column))
        return data, Chunk(variable.name, kind, len(column), None, place, len(data))
    places = dict(zip(known, range(len(known)), strict=True))
    words = _page(DICTIONARY_PAGE, len(known), PLAIN, _plain(kind, list(known)))
    data = _page(DATA_PAGE, len(column), RLE_DICTIONARY, _indices(column, places))
    content = words + data
    return content, Chunk(variable.name, kind, len(column), place, place + len(words), len(content))


def _plain(kind: int, cells: Sequence[str]) -> bytes:
    if kind == INT32:
        return struct.pack(f"<{len(cells)}i", *map(int, cells))
    contents = [cell.encode() for cell in cells]
    sizes = struct.pack(f"<{len(contents)}I", *map(len, contents))
    pieces = [b""] * (2 * len(contents))
    pieces[::2] = [sizes[start : start + 4] for start in range(0, len(sizes), 4)]
    pieces[1::2] = contents
    return b"".join(pieces)


def _indices(column: Sequence[str], places: dict[str, int]) -> bytes:
    """Return the places in the dictionary: the width in bits, then one run of packed bits."""
    np = libraries.numpy()
    width = max(1, (len(places) - 1).bit_length())
    count = -(-len(column) // 8)
    if len(places) == 1:
        return bytes([width]) + thrift.varint(len(column) << 1) + b"\0"
    numbers = np.zeros(count * 8, dtype=np.uint32)
    numbers[: len(column)] = np.fromiter(map(places.__getitem__, column), np.uint32, len(column))
    bits = (numbers[:, None] >> np.arange(width, dtype=np.uint32)).astype(np.uint8) & 1
    packed: bytes = np.packbits(bits, bitorder="little").tobytes()
    return bytes([width]) + thrift.varint(count << 1 | 1) + packed


def _page(kind: int, values: int, encoding: int, content: bytes) -> bytes:
    header: dict[int, thrift.Value] = {1: I32(kind), 2: I32(len(content)), 3: I32(len(content))}
    if kind == DICTIONARY_PAGE:
        header[7] = {1: I32(values), 2: I32(encoding)}
    else:
        header[5] = {1: I32(values), 2: I32(encoding), 3: I32(RLE), 4: I32(RLE)}
    return thrift.struct(header) + content


def _footer(table: Table, groups: Sequence[Sequence[Chunk]]) -> bytes:
    schema: list[thrift.Value] = [{4: b"outcomes", 5: I32(len(VARIABLES))}]
    for variable in VARIABLES:
        element: dict[int, thrift.Value] = {
            1: I32(_kind(variable)), 3: I32(0), 4: variable.name.encode(),
        }  # fmt: skip
        if not variable.numeric:
            element[6] = I32(_UTF8)
            element[10] = {1: {}}
        schema.append(element)
    about = {
        "title": table.title,
        "as_of": table.as_of.isoformat(),
        "codebook": json.dumps(codebook.as_document(), ensure_ascii=False),
    }
    return thrift.struct(
        {
            1: I32(1),
            2: schema,
            3: I64(sum(group[0].values for group in groups)),
            4: [
                {
                    1: [chunk.metadata() for chunk in group],
                    2: I64(sum(chunk.size for chunk in group)),
                    3: I64(group[0].values),
                }
                for group in groups
            ],
            5: [{1: key.encode(), 2: text.encode()} for key, text in about.items()],
            6: b"rotation-marketplace",
        }
    )
