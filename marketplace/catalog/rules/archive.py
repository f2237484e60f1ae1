"""The archive that a workbook is: every part is unpacked once, by pieces, before one is used.

Sizes are counted, not believed: what a part says of itself and what it unpacks to must agree, or
another reader might find something else in it.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from marketplace.catalog.rules.faults import MIB, Limits, SheetFault

MOST_PARTS = 1_000
PIECE = 1 << 16
_LOCAL_HEADER = 30
_END_RECORD = 22
_ENCRYPTED = 0x1
_OLE = b"\xd0\xcf\x11\xe0"
_PASSWORD_PARTS = ("EncryptedPackage".encode("utf-16-le"), "EncryptionInfo".encode("utf-16-le"))
ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Archive:
    """The parts of a workbook by name; `pieces` unpacks one."""

    file: BinaryIO
    parts: Mapping[str, ZipInfo]

    def pieces(self, name: str) -> Iterator[bytes]:
        return _unpacked(self.file, self.parts[name])


def looks_like_one(start: bytes) -> bool:
    """Whether a file that begins so is an archive or an old workbook rather than text."""
    return start.startswith((ZIP, _OLE))


def damaged() -> SheetFault:
    return SheetFault(
        "workbook", "an .xlsx workbook that can be opened, or a CSV file; save it again"
    )


def checked(file: BinaryIO, limits: Limits) -> Archive:
    """The parts of an .xlsx file, after all that makes one unfit was looked for."""
    file.seek(0)
    start = file.read(len(_OLE))
    size = file.seek(0, 2)
    if size > limits.content:
        raise SheetFault("too_large", f"a file of at most {limits.content // 1_000_000} MB")
    if start == _OLE:
        raise _old_or_locked(file)
    try:
        entries = ZipFile(file).infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise damaged() from error
    _check_kind({entry.filename for entry in entries})
    _check_entries(entries, file, size)
    opened = Archive(file, {entry.filename: entry for entry in entries})
    _check_inflated(opened, limits)
    return opened


def _old_or_locked(file: BinaryIO) -> SheetFault:
    file.seek(0)
    # The names stand in a directory whose place varies; a small file holds it in any case.
    content = file.read(MIB)
    file.seek(-min(MIB, file.seek(0, 2)), 2)
    content += file.read(MIB)
    if any(name in content for name in _PASSWORD_PARTS):
        return SheetFault("encrypted", "a workbook without a password; remove it and save again")
    return SheetFault("old_workbook", "an .xlsx workbook or a CSV file; in Excel: Save As")


def _check_kind(names: set[str]) -> None:
    lower = {name.lower() for name in names}
    if any(name.endswith("vbaproject.bin") or "macrosheets/" in name for name in lower):
        raise SheetFault("macros", "a workbook without macros; save it as .xlsx or CSV")
    if "xl/workbook.bin" in lower or "content.xml" in lower:
        raise SheetFault("other_workbook", "an .xlsx workbook or a CSV file; save it as one")
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise SheetFault("not_a_workbook", "an .xlsx workbook; this is another kind of archive")


def _check_entries(entries: list[ZipInfo], file: BinaryIO, size: int) -> None:
    """Each part once, none hidden in another, nothing before, after or between that counts."""
    names = [entry.filename for entry in entries]
    odd = (
        len(entries) > MOST_PARTS
        or len(set(names)) != len(names)
        or any(_is_odd(name) for name in names)
        or any(entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for entry in entries)
    )
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise SheetFault("encrypted", "a workbook without a password; remove it and save again")
    file.seek(max(0, size - _END_RECORD))
    ends_with_record = file.read().startswith(b"PK\x05\x06")
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        odd = odd or entry.header_offset < end
        end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
    if odd or not ends_with_record or end > size:
        raise SheetFault("odd_archive", "a workbook as a spreadsheet program saves it")


def _is_odd(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name


def _check_inflated(opened: Archive, limits: Limits) -> None:
    left = limits.inflated
    if sum(entry.file_size for entry in opened.parts.values()) > left:
        raise _bomb(limits)
    for name in opened.parts:
        for piece in opened.pieces(name):
            left -= len(piece)
            if left < 0:
                raise _bomb(limits)


def _bomb(limits: Limits) -> SheetFault:
    most = limits.inflated // MIB
    return SheetFault("bomb", f"a workbook that unpacks to at most {most} MiB")


def _unpacked(file: BinaryIO, entry: ZipInfo) -> Iterator[bytes]:
    """The content of a part by pieces of at most 64 KiB; a fault where it is not as it says."""
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(ZIP):
        raise damaged()
    name, extra = struct.unpack_from("<HH", header, 26)
    place, left = entry.header_offset + _LOCAL_HEADER + name + extra, entry.compress_size
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if entry.compress_type == ZIP_DEFLATED else None
    found = 0
    try:
        while left or (unpacker and unpacker.unconsumed_tail):
            if unpacker and unpacker.unconsumed_tail:
                packed = unpacker.unconsumed_tail
            else:
                file.seek(place)
                packed = file.read(min(PIECE, left))
                if not packed:
                    raise damaged()
                place, left = place + len(packed), left - len(packed)
            piece = unpacker.decompress(packed, PIECE) if unpacker else packed
            found += len(piece)
            yield piece
    except zlib.error as error:
        raise damaged() from error
    if found != entry.file_size or (unpacker and (not unpacker.eof or unpacker.unused_data)):
        raise damaged()
