"""What a file must be to be taken in: looked at piece by piece, in memory that does not grow.

Only PDF, JPEG and PNG are taken: no archive, no text, nothing that a browser runs. A file must be
of the declared type from its first byte to its last, and of no other type besides: what is a PDF to
one program and an archive or a page to another is refused. Nothing is unpacked here, so nothing can
grow; a picture of more than 100 million points is refused by what its header says.
"""

import re
import struct
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping

MIB = 2**20
LARGEST = 20 * MIB
LONGEST_NAME = 150
MOST_POINTS = 100_000_000
# An archive is found by a record in its last 65,557 bytes.
TAIL = 66_000
HEAD = 1024
PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    PDF: (".pdf",),
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
}
MAGIC: Mapping[str, bytes] = {PDF: b"%PDF-", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}
_END_OF_ARCHIVE = b"PK\x05\x06"
_FOREIGN = (b"%pdf-", b"pk\x03\x04", b"<script", b"<html", b"<?php", b"<!doctype", b"<svg")
_STRANGE_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]|\.\.')
# Names in a PDF that make a reader run or open something. They are looked for in plain sight, not
# in packed streams, where three letters are found by chance.
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA|Encrypt)\b")
_STREAM = re.compile(rb"\bstream\r?\n")
_END_OF_STREAM = b"endstream"
_OVERLAP = 24


class FileFault(Exception):
    """`code`: file_empty, file_too_large, file_name, file_type, file_damaged, file_two_things,
    file_active, file_locked or file_picture_too_large.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def check_declared(filename: str, media_type: str, size: int) -> None:
    """Refuse by what is said of a file, before a byte of it is read."""
    if media_type not in MAGIC:
        raise FileFault("file_type", "A PDF, a JPEG or a PNG is needed.")
    if size > LARGEST:
        raise too_large()
    if size < 1:
        raise FileFault("file_empty", "The file is empty.")
    name = unicodedata.normalize("NFC", filename)
    if not name.isprintable() or _STRANGE_IN_NAMES.search(name) or name.startswith("."):
        raise FileFault("file_name", "A plain file name is needed, without a path in it.")
    if len(name) > LONGEST_NAME:
        raise FileFault("file_name", f"A file name has at most {LONGEST_NAME} characters.")
    if not name.lower().endswith(EXTENSIONS[media_type]):
        expected = " or ".join(EXTENSIONS[media_type])
        raise FileFault("file_name", f"The name of {media_type} ends with {expected}.")


def too_large() -> FileFault:
    return FileFault("file_too_large", f"A document has at most {LARGEST // MIB} MiB.")


class Inspection:
    """Looks at a file as it comes in; `feed` refuses as soon as something is wrong."""

    def __init__(self, media_type: str) -> None:
        self._type = media_type
        self.size = 0
        self._head = b""
        self._tail = b""
        self._walk = WALKS[media_type]()

    def feed(self, piece: bytes) -> bytes:
        """Look at the next piece and return it."""
        self.size += len(piece)
        if self.size > LARGEST:
            raise too_large()
        if len(self._head) < HEAD:
            self._head += piece[: HEAD - len(self._head)]
            self._check_head()
        self._tail = (self._tail + piece)[-TAIL:]
        self._walk.feed(piece)
        return piece

    def finish(self) -> None:
        """Refuse what only the end of a file shows."""
        if not self.size:
            raise FileFault("file_empty", "The file is empty.")
        if not self._head.startswith(MAGIC[self._type]):
            raise FileFault("file_type", f"The content is not {self._type}.")
        if _END_OF_ARCHIVE in self._tail:
            raise _two_things()
        self._walk.finish()

    def _check_head(self) -> None:
        magic = MAGIC[self._type]
        if not self._head.startswith(magic[: len(self._head)]):
            raise FileFault("file_type", f"The content is not {self._type}.")
        rest = self._head[len(magic) :].lower()
        if any(sign in rest for sign in _FOREIGN):
            raise _two_things()


class _Walk(ABC):
    """Follows a file as its type is built, in pieces."""

    @abstractmethod
    def feed(self, piece: bytes) -> None:
        """Follow the next piece; `FileFault` where it is not built so."""

    @abstractmethod
    def finish(self) -> None:
        """Refuse a file that ends before its type does."""


class _Text(_Walk):
    """The text of a PDF, without its streams, and its last line."""

    def __init__(self) -> None:
        self._waiting = b""
        self._end = b""
        self._in_stream = False

    def feed(self, piece: bytes) -> None:
        self._end = (self._end + piece)[-HEAD:]
        self._waiting += piece
        while self._step():
            pass
        if not self._in_stream:
            self._look(self._waiting)
        self._waiting = self._waiting[-_OVERLAP:]

    def _step(self) -> bool:
        if self._in_stream:
            end = self._waiting.find(_END_OF_STREAM)
            if end < 0:
                return False
            self._waiting = self._waiting[end + len(_END_OF_STREAM) :]
            self._in_stream = False
            return True
        begins = _STREAM.search(self._waiting)
        if begins is None:
            return False
        self._look(self._waiting[: begins.start()])
        self._waiting = self._waiting[begins.end() :]
        self._in_stream = True
        return True

    @staticmethod
    def _look(text: bytes) -> None:
        found = _ACTIVE.search(text)
        if found and found[0] == b"/Encrypt":
            raise FileFault("file_locked", "The PDF is protected: save it without a password.")
        if found:
            raise FileFault("file_active", "The PDF holds scripts or files: print it to a new PDF.")

    def finish(self) -> None:
        if not self._end.rstrip(b"\r\n\t \x00").endswith(b"%%EOF"):
            raise FileFault("file_damaged", "The PDF breaks off: save it again.")


class _Parts(_Walk):
    """The parts of a picture by their lengths; what they hold is skipped."""

    def __init__(self, skip: int) -> None:
        self._skip = skip
        self._waiting = b""

    def feed(self, piece: bytes) -> None:
        self._waiting += piece
        while True:
            if self._skip:
                jumped = min(self._skip, len(self._waiting))
                self._waiting = self._waiting[jumped:]
                self._skip -= jumped
            if self._skip or not self._step():
                return

    @abstractmethod
    def _step(self) -> bool:
        """Take the next part's header if it is all there; False to wait for more."""


class _Chunks(_Parts):
    """The chunks of a PNG: from IHDR to IEND, and nothing after it."""

    def __init__(self) -> None:
        super().__init__(skip=len(MAGIC[PNG]))
        self._first = True
        self._ended = False

    def _step(self) -> bool:
        if self._ended and self._waiting:
            raise _two_things()
        wanted = 16 if self._first else 8
        if len(self._waiting) < wanted:
            return False
        length, kind = struct.unpack(">I4s", self._waiting[:8])
        if self._first:
            if kind != b"IHDR":
                raise _damaged()
            _check_points(*struct.unpack(">II", self._waiting[8:16]))
        self._first = False
        self._ended = kind == b"IEND"
        self._waiting = self._waiting[8:]
        self._skip = length + 4
        return True

    def finish(self) -> None:
        if not self._ended or self._skip:
            raise _damaged()


class _Segments(_Parts):
    """The segments of a JPEG up to its scans, then the scans up to the end of the picture.

    Telephones put further pictures after the first; anything else after it is refused.
    """

    _START_OF_SCAN = 0xDA
    _SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

    def __init__(self) -> None:
        super().__init__(skip=2)
        self._scanning = False
        self._ended = False
        self._sized = False

    def _step(self) -> bool:
        if self._ended:
            return self._after_the_end()
        if self._scanning:
            return self._scan()
        if len(self._waiting) < 4:  # noqa: PLR2004 - a marker and its length
            return False
        marker, kind, length = struct.unpack(">BBH", self._waiting[:4])
        if marker == kind == 0xFF:  # noqa: PLR2004 - padding between segments
            self._waiting = self._waiting[1:]
            return True
        if marker != 0xFF or length < 2:  # noqa: PLR2004 - as the format has it
            raise _damaged()
        if kind in self._SIZES:
            if len(self._waiting) < 9:  # noqa: PLR2004 - up to height and width
                return False
            _check_points(*struct.unpack(">HH", self._waiting[5:9]))
            self._sized = True
        self._scanning = kind == self._START_OF_SCAN
        self._waiting = self._waiting[2:]
        self._skip = length
        return True

    def _scan(self) -> bool:
        end = self._waiting.find(b"\xff\xd9")
        if end < 0:
            self._waiting = self._waiting[-1:]
            return False
        self._waiting = self._waiting[end + 2 :]
        self._ended = True
        return True

    def _after_the_end(self) -> bool:
        self._waiting = self._waiting.lstrip(b"\x00")
        if len(self._waiting) < 3:  # noqa: PLR2004 - the first bytes of a picture
            return False
        if not self._waiting.startswith(MAGIC[JPEG]):
            raise _two_things()
        self._waiting = self._waiting[2:]
        self._scanning = self._ended = False
        return True

    def finish(self) -> None:
        if not self._ended or not self._sized or self._skip:
            raise _damaged()
        if self._waiting.strip(b"\x00"):
            raise _two_things()


WALKS: Mapping[str, type[_Walk]] = {PDF: _Text, JPEG: _Segments, PNG: _Chunks}


def _check_points(one: int, other: int) -> None:
    if not one or not other:
        raise _damaged()
    if one * other > MOST_POINTS:
        raise FileFault("file_picture_too_large", "The picture has more than 100 million points.")


def _damaged() -> FileFault:
    return FileFault("file_damaged", "The picture can't be read: save it again.")


def _two_things() -> FileFault:
    return FileFault("file_two_things", "The file is of two types at once: save it anew.")
