"""Several files that are read as one, without a copy of what they hold."""

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Joined(io.RawIOBase):
    """One behind the other; closing it closes them."""

    def __init__(self, parts: Sequence[IO[bytes]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(part.seek(0, os.SEEK_END) for part in parts))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        whole = self._ends[-1] if self._ends else 0
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: whole}[whence]
        if start + offset < 0:
            raise ValueError("a place before the beginning of a file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        nth = bisect_right(self._ends, self._at)
        if nth == len(self._parts):
            return 0
        part = self._parts[nth]
        part.seek(self._at - (self._ends[nth - 1] if nth else 0))
        view = memoryview(buffer)
        piece = part.read(len(view))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            for part in self._parts:
                part.close()
        super().close()


def joined(parts: Sequence[IO[bytes]]) -> IO[bytes]:
    """Return a reader of all `parts` in their order, each from its beginning.

    It can seek; nobody may write to the parts meanwhile; closing it closes them.
    """
    return io.BufferedReader(_Joined(parts))
