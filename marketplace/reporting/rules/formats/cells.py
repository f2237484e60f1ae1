"""How the cells of a batch of CSV are found and named without making objects of them.

A batch without quotes is cut at commas and line ends by arithmetic on its bytes; a column of words
that the codebook knows is compared with them, eight bytes at a time. Whatever does not fit is left
to the slow way, which reads every cell: both give the same.
"""

from collections.abc import Sequence
from typing import Any

from marketplace.reporting.rules import libraries
from marketplace.reporting.rules.codebook import VARIABLES
from marketplace.reporting.rules.formats.table import unguarded

_COMMA, _END = 0x2C, 0x0A
_WORD = 8
# The longest word that is compared whole.
_LONGEST = 3 * _WORD


class CellsInBytes:
    """Where each cell of a batch of whole lines without quotes begins and ends."""

    def __init__(self, lines: bytes) -> None:
        np = libraries.numpy()
        self._np = np
        # Room behind the last cell, so that eight bytes can be taken from anywhere.
        self._padded = lines + bytes(_LONGEST)
        self._bytes = np.frombuffer(self._padded, np.uint8)
        cuts = np.flatnonzero((self._bytes == _COMMA) | (self._bytes == _END))
        self.ends = cuts.reshape(-1, len(VARIABLES))
        starts = np.empty_like(cuts)
        starts[0], starts[1:] = 0, cuts[:-1] + 1
        self.starts = starts.reshape(self.ends.shape)
        self._words = np.ndarray((len(lines) + 2 * _WORD,), "<u8", self._padded, 0, (1,))
        # All bits of so many bytes.
        self._masks = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)

    def places(self, column: int, words: Sequence[str]) -> Any:
        """Return the place among `words` of each cell, or None if one is none of them."""
        np, starts = self._np, self.starts[:, column]
        sizes = self.ends[:, column] - starts
        if sizes.max() > _LONGEST:
            return None
        parts = [
            self._words[starts + offset] & self._masks[np.clip(sizes - offset, 0, _WORD)]
            for offset in range(0, _LONGEST, _WORD)
        ]
        found = np.full(len(starts), -1, np.int64)
        for place, word in enumerate(words):
            encoded = word.encode().ljust(_LONGEST, b"\0")
            same = sizes == len(word.encode())
            for offset, part in zip(range(0, _LONGEST, _WORD), parts, strict=True):
                same &= part == int.from_bytes(encoded[offset : offset + _WORD], "little")
            found[same] = place
        return None if (found < 0).any() else found

    def short(self, column: int) -> tuple[list[str], Any] | None:
        """Return the different cells and each one's place, or None if one has over eight bytes."""
        np, starts = self._np, self.starts[:, column]
        sizes = self.ends[:, column] - starts
        if sizes.max() > _WORD:
            return None
        keys, places = np.unique(self._words[starts] & self._masks[sizes], return_inverse=True)
        return [int(key).to_bytes(_WORD, "little").rstrip(b"\0").decode() for key in keys], places

    def of_one_length(self, column: int) -> Any:
        """Return the cells as rows of bytes if all have one size, else None."""
        starts, ends = self.starts[:, column], self.ends[:, column]
        size = int(ends[0] - starts[0])
        if (ends - starts != size).any():
            return None
        return self._bytes[starts[:, None] + self._np.arange(size)]

    def texts(self, column: int) -> list[str]:
        """Return the cells as text, without the apostrophe that guards."""
        pairs = zip(self.starts[:, column].tolist(), self.ends[:, column].tolist(), strict=True)
        cells = [self._padded[start:end].decode() for start, end in pairs]
        return unguarded(cells) if VARIABLES[column].kind == "text" else cells
