"""CSV as any program saves it, read row by row: encodings, delimiters, Excel's own hint.

Nothing is kept but the row at hand. A quote that is left open, or a row without an end, is refused
before it has filled memory.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from marketplace.catalog.rules.faults import Limits, Remark, SheetFault

Rows = Iterator[tuple[int, list[str]]]
LONGEST_ROW = 500_000
PIECE = 1 << 16
_DELIMITERS = (",", ";", "\t", "|")
_BLANK = re.compile("[\ufeff \t\r\n,;|]*")
_HINT = re.compile(r"\s*\"?sep=(.)\"?\r?\n?", re.IGNORECASE)


def read_bytes(file: BinaryIO, limits: Limits) -> tuple[Rows, list[Remark]]:
    """The rows of a file of CSV with their numbers, and what had to be understood to read them."""
    encoding, remarks = _encoding(file, limits)
    file.seek(0)
    text = io.TextIOWrapper(cast("BinaryIO", _Lent(file)), encoding=encoding, newline="")
    return _opened(text, remarks)


def read_text(text: str, limits: Limits) -> tuple[Rows, list[Remark]]:
    """The same for text that is decoded already."""
    if len(text) > limits.content:
        raise too_large(limits)
    _check_text(text)
    if _BLANK.fullmatch(text):
        raise _empty()
    return _opened(io.StringIO(text, newline=""), [])


def too_large(limits: Limits) -> SheetFault:
    return SheetFault("too_large", f"a file of at most {limits.content // 1_000_000} MB")


def _empty() -> SheetFault:
    return SheetFault("empty_file", "a file with headings and rows; this one is empty")


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise SheetFault("not_text", "a CSV file; this has bytes that are no text")


def _encoding(file: BinaryIO, limits: Limits) -> tuple[str, list[Remark]]:
    """How the file is encoded, after all of it was decoded once."""
    file.seek(0)
    if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
        if _decodes(file, "utf-16", limits):
            return "utf-16", []
        raise SheetFault("not_text", "a CSV file in UTF-8")
    if _decodes(file, "utf-8", limits):
        return "utf-8-sig", []
    if _decodes(file, "cp1252", limits):
        remark = Remark(
            "read_as_windows_1252",
            "The file is not UTF-8 and was read as Windows-1252; look at names with accents.",
        )
        return "cp1252", [remark]
    raise SheetFault("not_text", "a CSV file in UTF-8")


def _decodes(file: BinaryIO, encoding: str, limits: Limits) -> bool:
    """Whether all of the file is text in this encoding; faults that no encoding mends are raised."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    size, blank = 0, True
    try:
        while True:
            piece = file.read(PIECE)
            size += len(piece)
            if size > limits.content:
                raise too_large(limits)
            text = decoder.decode(piece, final=not piece)
            _check_text(text)
            blank = blank and _BLANK.fullmatch(text) is not None
            if not piece:
                break
    except UnicodeDecodeError:
        return False
    if blank:
        raise _empty()
    return True


def _opened(text: io.TextIOBase, remarks: list[Remark]) -> tuple[Rows, list[Remark]]:
    """The rows behind Excel's hint, which counts as one."""
    lines = _Lines(text)
    first = lines.line().removeprefix("\ufeff")
    skipped = 0
    if _HINT.fullmatch(first):
        skipped, first = 1, lines.line()
    blank = []
    while first and not first.strip():
        blank.append(first)
        first = lines.line()
    lines.again = [*blank, first]
    counts = {mark: first.count(mark) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: counts[mark])
    if delimiter != ",":
        name = {"\t": "tabs", ";": "semicolons", "|": "bars"}[delimiter]
        remarks.append(Remark("delimiter", f"The cells are separated by {name}."))
    return _rows(lines, delimiter, skipped), remarks


def _rows(lines: "_Lines", delimiter: str, skipped: int) -> Rows:
    """Strict, since a lenient reader lets one open quote swallow the rest of a file."""
    number = skipped
    try:
        for cells in csv.reader(lines, delimiter=delimiter, strict=True):
            number += 1
            lines.since = 0
            yield number, cells
    except csv.Error as error:
        row = number + 1
        raise SheetFault("not_csv", f"a row of CSV cells; row {row}: {error}", row=row) from error


class _Lent(io.BufferedIOBase):
    """A file that stays open when the text over it is let go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def read1(self, size: int = -1, /) -> bytes:
        return self._file.read(size)


class _Lines:
    """Lines of text; `since` counts the characters since the reader finished a row."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self.again: list[str] = []
        self.since = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.again.pop(0) if self.again else self.line()
        if not line:
            raise StopIteration
        self.since += len(line)
        if self.since > LONGEST_ROW:
            raise csv.Error("longer than any row; is a quote left open?")
        return line

    def line(self) -> str:
        return self._text.readline(LONGEST_ROW + 1)
