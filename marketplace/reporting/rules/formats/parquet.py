"""Parquet, a row group at a time: words by dictionary, ids and free text plain, no compression.

Layout: <https://parquet.apache.org/docs/file-format/>. All columns are required: what is missing
has its code. The codebook stands in the metadata of the file under `codebook`.
"""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from marketplace.reporting.rules import codebook, libraries
from marketplace.reporting.rules.codebook import VARIABLES, Variable
from marketplace.reporting.rules.formats import thrift
from marketplace.reporting.rules.formats.cells import CellsInBytes
from marketplace.reporting.rules.formats.table import Columns, Table, unguarded
from marketplace.reporting.rules.formats.thrift import I32, I64

A_BYTE = 8
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
    """Write all rows, each block of them a group."""
    out.write(_MAGIC)
    place, groups = len(_MAGIC), []
    for block, read in table.blocks():
        chunks = []
        for variable, pages in zip(VARIABLES, _pages(block, read), strict=True):
            out.write(pages.dictionary + pages.data)
            chunks.append(pages.chunk(variable, place))
            place += len(pages.dictionary) + len(pages.data)
        groups.append(chunks)
    footer = _footer(table, groups)
    out.write(footer + struct.pack("<I", len(footer)) + _MAGIC)
    return 0


@dataclass(frozen=True, slots=True)
class Pages:
    """A column of a row group as it is written; `dictionary` is empty for plain values."""

    values: int
    dictionary: bytes
    data: bytes

    def chunk(self, variable: Variable, place: int) -> Chunk:
        """Say where the pages are if they begin at `place`."""
        size = len(self.dictionary)
        return Chunk(
            variable.name,
            _kind(variable),
            self.values,
            place if size else None,
            place + size,
            size + len(self.data),
        )


def _pages(block: bytes, read: Callable[[], Columns]) -> Iterator[Pages]:
    """Yield each column's pages, by arithmetic where that does, else cell by cell."""
    if b'"' in block:
        yield from map(_slow, VARIABLES, read())
        return
    cells = CellsInBytes(block)
    guarded = b"'" in block
    for place, variable in enumerate(VARIABLES):
        quick = _few(variable, place, cells)
        if quick is None and _kind(variable) == BYTE_ARRAY and not guarded:
            quick = _many(place, cells)
        yield quick or _slow(variable, _bare(variable, cells.texts(place)))


def _few(variable: Variable, place: int, cells: CellsInBytes) -> Pages | None:
    """Cells of which few are different."""
    found = cells.different(place)
    if found is None:
        return None
    words, places = found
    return _by_dictionary(variable, _bare(variable, words), places)


def _many(place: int, cells: CellsInBytes) -> Pages | None:
    """Cells of which many are different, plain."""
    joined = cells.joined(place)
    return None if joined is None else _plainly(cells.rows, joined)


def _bare(variable: Variable, cells: list[str]) -> list[str]:
    return unguarded(cells) if variable.kind == "text" else cells


def _kind(variable: Variable) -> int:
    return INT32 if variable.numeric else BYTE_ARRAY


def _slow(variable: Variable, column: Sequence[str]) -> Pages:
    """Any cells; a dictionary where it makes them smaller."""
    known = dict.fromkeys(column)
    if len(known) > len(column) // 2 and len(known) > 1:
        return _plainly(len(column), _plain(_kind(variable), column))
    places = dict(zip(known, range(len(known)), strict=True))
    np = libraries.numpy()
    found = np.fromiter(map(places.__getitem__, column), np.int64, len(column))
    return _by_dictionary(variable, list(known), found)


def _plainly(values: int, content: bytes) -> Pages:
    return Pages(values, b"", _page(DATA_PAGE, values, PLAIN, content))


def _by_dictionary(variable: Variable, words: Sequence[str], places: Any) -> Pages:
    return Pages(
        len(places),
        _page(DICTIONARY_PAGE, len(words), PLAIN, _plain(_kind(variable), words)),
        _page(DATA_PAGE, len(places), RLE_DICTIONARY, _indices(places, len(words))),
    )


def _plain(kind: int, cells: Sequence[str]) -> bytes:
    if kind == INT32:
        return struct.pack(f"<{len(cells)}i", *map(int, cells))
    contents = [cell.encode() for cell in cells]
    sizes = struct.pack(f"<{len(contents)}I", *map(len, contents))
    pieces = [b""] * (2 * len(contents))
    pieces[::2] = [sizes[start : start + 4] for start in range(0, len(sizes), 4)]
    pieces[1::2] = contents
    return b"".join(pieces)


def _indices(places: Any, words: int) -> bytes:
    """Return places in the dictionary: the width in bits, then one run of packed bits."""
    width = max(1, (words - 1).bit_length())
    if words == 1:
        return bytes([width]) + thrift.varint(len(places) << 1) + b"\0"
    np = libraries.numpy()
    count = -(-len(places) // A_BYTE)
    numbers = np.zeros(count * A_BYTE, np.uint8 if width <= A_BYTE else np.uint32)
    numbers[: len(places)] = places
    packed = _narrow(numbers, width) if width <= A_BYTE else _wide(numbers, width)
    return bytes([width]) + thrift.varint(count << 1 | 1) + packed


def _narrow(numbers: Any, width: int) -> bytes:
    """Pack eight bytes, of which the lower `width` bits count, into `width` bytes, as one number.

    Each two neighbours move together, then each two pairs, then the two fours.
    """
    np = libraries.numpy()
    eights = numbers.view("<u8")
    for lane in (8, 16, 32):
        lower = np.uint64(_lanes(lane))
        gap = np.uint64(lane - width * lane // 8)
        eights = eights & lower | (eights & ~lower) >> gap
    packed: bytes = eights.view(np.uint8).reshape(-1, A_BYTE)[:, :width].tobytes()
    return packed


def _lanes(size: int) -> int:
    """Every second `size` bits of 64, from the lowest on."""
    return sum(((1 << size) - 1) << start for start in range(0, 64, 2 * size))


def _wide(numbers: Any, width: int) -> bytes:
    np = libraries.numpy()
    bits = (numbers[:, None] >> np.arange(width, dtype=np.uint32)).astype(np.uint8) & 1
    packed: bytes = np.packbits(bits, bitorder="little").tobytes()
    return packed


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
