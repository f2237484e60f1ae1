"""How the cells of a batch of CSV are found and named without making objects of them.

A batch without quotes is cut at commas and line ends by arithmetic on its bytes; a column of words
that the codebook knows is compared with them, eight bytes at a time. Whatever does not fit is left
to the slow way, which reads every cell: both give the same.
"""

from collections.abc import Sequence
from typing import Any

from marketplace.reporting.rules import libraries
from marketplace.reporting.rules.codebook import VARIABLES

_COMMA, _END = 0x2C, 0x0A
_WORD = 8
# The longest word that is compared whole.
_LONGEST = 3 * _WORD
# Odd and large: what multiplies by it spreads.
_PRIME = 0x9E3779B97F4A7C15


class CellsInBytes:
    """Where each cell of a batch of whole lines without quotes begins and ends."""

    def __init__(self, lines: bytes) -> None:
        np = libraries.numpy()
        self._np = np
        # Room behind the last cell, so that eight bytes can be taken from anywhere.
        self._padded = lines + bytes(_LONGEST)
        self._bytes = np.frombuffer(self._padded, np.uint8)
        cuts = np.flatnonzero((self._bytes == _COMMA) | (self._bytes == _END))
        starts = np.empty_like(cuts)
        starts[0], starts[1:] = 0, cuts[:-1] + 1
        # Column by column, as they are asked for: a step from row to row would leave the cache.
        self.starts, self.ends = (
            np.ascontiguousarray(found.reshape(-1, len(VARIABLES)).T) for found in (starts, cuts)
        )
        self._words = np.ndarray((len(lines) + 2 * _WORD,), "<u8", self._padded, 0, (1,))
        # All bits of so many bytes.
        self._masks = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)

    def places(self, column: int, words: Sequence[str]) -> Any:
        """Return the place among `words` of each cell, or None if one is none of them.

        With the comma or line end behind it a word is the whole cell, whatever its size.
        """
        np = self._np
        end = b"\n" if column == len(VARIABLES) - 1 else b","
        wanted = [word.encode() + end for word in words]
        longest = max(map(len, wanted))
        if longest > _LONGEST:
            return None
        starts = self.starts[column]
        parts = [self._words[starts + offset] for offset in range(0, longest, _WORD)]
        found = np.zeros(len(starts), np.int32)
        for place, word in enumerate(wanted, 1):
            same = True
            for number, part in enumerate(parts[: -(-len(word) // _WORD)]):
                eight = word[number * _WORD : (number + 1) * _WORD]
                mask = (1 << 8 * len(eight)) - 1
                same = (part & mask == int.from_bytes(eight, "little")) & same
            found += np.multiply(same, place, dtype=np.int32)
        return found - 1 if found.all() else None

    def different(self, column: int) -> tuple[list[str], Any] | None:
        """Return the different cells and each one's place; None where they are not few or short."""
        np = self._np
        sizes, parts = self._parts(column)
        if parts is None:
            return None
        mixed = sizes.astype(np.uint64)
        for part in parts:
            mixed = (mixed ^ part) * np.uint64(_PRIME)
        _, first, places = np.unique(mixed, return_index=True, return_inverse=True)
        # Two that are mixed into the same number would be taken for one.
        alike = all((part[first][places] == part).all() for part in parts)
        if not alike or len(first) > max(1, len(sizes) // 2):
            return None
        return [self._text(column, row) for row in first.tolist()], places

    def _parts(self, column: int) -> tuple[Any, list[Any] | None]:
        """Return the cells' sizes, and their bytes as numbers of eight; None if one is too long."""
        starts = self.starts[column]
        sizes = self.ends[column] - starts
        longest = int(sizes.max())
        if longest > _LONGEST:
            return sizes, None
        return sizes, [
            self._words[starts + offset] & self._masks[self._np.clip(sizes - offset, 0, _WORD)]
            for offset in range(0, max(longest, 1), _WORD)
        ]

    def _text(self, column: int, row: int) -> str:
        return self._padded[self.starts[column, row] : self.ends[column, row]].decode()

    def of_one_length(self, column: int) -> Any:
        """Return the cells as rows of bytes if all have one size, else None."""
        starts, ends = self.starts[column], self.ends[column]
        size = int(ends[0] - starts[0])
        if (ends - starts != size).any():
            return None
        return self._bytes[starts[:, None] + self._np.arange(size)]

    def texts(self, column: int) -> list[str]:
        """Return the cells as text."""
        pairs = zip(self.starts[column].tolist(), self.ends[column].tolist(), strict=True)
        return [self._padded[start:end].decode() for start, end in pairs]
