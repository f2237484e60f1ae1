"""How the cells of a batch of CSV are found and named without making objects of them.

A batch without quotes is cut at commas and line ends by arithmetic on its bytes; the different cells
of a column are told apart eight bytes at a time. Whatever does not fit is left to the slow way, which
reads every cell: both give the same.
"""

from typing import Any

from marketplace.reporting.rules import libraries
from marketplace.reporting.rules.codebook import VARIABLES

_COMMA = 0x2C
_WORD = 8
# The longest cell that is compared whole.
_LONGEST = 32 * _WORD
# Odd and large: what multiplies by it spreads, into its upper bits.
_PRIME = 0x9E3779B97F4A7C15
_SLOT_BITS = 12


class CellsInBytes:
    """Where each cell of a batch of whole lines without quotes begins and ends."""

    def __init__(self, lines: bytes) -> None:
        np = libraries.numpy()
        self._np = np
        # With a comma before each cell and one behind it. Room behind the last, so that so many
        # bytes can be taken from anywhere, and whole words of eight.
        room = _LONGEST + 2 * _WORD - (len(lines) + 1) % _WORD
        self._padded = b"".join((b",", lines.replace(b"\n", b","), bytes(room)))
        self._bytes = np.frombuffer(self._padded, np.uint8)
        self._words = np.frombuffer(self._padded, "<u8")
        cuts = np.flatnonzero(self._bytes == _COMMA)
        self.rows = len(cuts) // len(VARIABLES)
        # The comma before each cell, and behind the last one. Column by column, as they are asked
        # for: a step from row to row would leave the cache.
        self._cuts = np.empty((len(VARIABLES) + 1, self.rows), np.int64)
        self._cuts[:-1] = cuts[:-1].reshape(-1, len(VARIABLES)).T
        self._cuts[-1] = cuts[len(VARIABLES) :: len(VARIABLES)]
        # All bits of so many bytes, from no byte on; one more of each means nothing more.
        full = [(1 << 8 * min(size, _WORD)) - 1 for size in range(_LONGEST + 1)]
        self._masks = np.array([0] * _LONGEST + full, np.uint64)

    def different(self, column: int) -> tuple[list[str], Any] | None:
        """Return the different cells and each one's place; None where they are not few or short."""
        np = self._np
        sizes, parts = self._parts(column)
        if parts is None:
            return None
        if all((part == part[0]).all() for part in (sizes, *parts)):
            return [self._text(column, 0)], np.zeros(self.rows, np.uint8)
        mixed = sizes.astype(np.uint64)
        for part in parts:
            mixed = (mixed ^ part) * np.uint64(_PRIME)
        first, places = self._by_slot(mixed)
        if (mixed[first][places] != mixed).any():
            _, first, places = np.unique(mixed, return_index=True, return_inverse=True)
        # Two that are mixed into the same number would be taken for one.
        alike = all((part[first][places] == part).all() for part in (sizes, *parts))
        if not alike or len(first) > max(1, self.rows // 2):
            return None
        return [self._text(column, row) for row in first.tolist()], places

    def joined(self, column: int) -> bytes | None:
        """Return the cells one after the other, the size of each before it; None if one is long."""
        np = self._np
        starts, sizes = self._starts(column), self._sizes(column)
        longest = int(sizes.max())
        if longest > _LONGEST:
            return None
        if (sizes == longest).all() and longest:
            kind = np.dtype([("size", "<u4"), ("cell", f"V{longest}")])
            rows = np.empty(self.rows, kind)
            rows["size"] = longest
            cells = np.ndarray((len(self._padded) - longest,), kind["cell"], self._padded, 0, (1,))
            rows["cell"] = cells[starts]
        else:
            # Each byte's place here less its place there, once for each cell.
            behind = np.cumsum(sizes + 4)
            found = np.repeat(starts + sizes - behind, sizes + 4)
            found += np.arange(len(found))
            rows = self._bytes.take(found, mode="clip")
            heads = (behind - sizes - 4)[:, None] + np.arange(4)
            rows[heads] = sizes.astype("<u4").view(np.uint8).reshape(-1, 4)
        joined: bytes = rows.tobytes()
        return joined

    def texts(self, column: int) -> list[str]:
        """Return the cells as text."""
        starts = self._starts(column).tolist()
        pairs = zip(starts, self._cuts[column + 1].tolist(), strict=True)
        return [self._padded[start:end].decode() for start, end in pairs]

    def _starts(self, column: int) -> Any:
        return self._cuts[column] + 1

    def _sizes(self, column: int) -> Any:
        return self._cuts[column + 1] - self._cuts[column] - 1

    def _parts(self, column: int) -> tuple[Any, list[Any] | None]:
        """Return the cells' sizes, and their bytes as numbers of eight; None if one is too long.

        A number is put together of the two words that it lies in: to read words where they lie, at
        any byte, takes several times as long.
        """
        np = self._np
        starts, sizes = self._starts(column), self._sizes(column)
        longest = int(sizes.max())
        if longest > _LONGEST:
            return sizes, None
        word = starts >> 3
        low = ((starts & 7) << 3).astype(np.uint64)
        high = np.uint64(8 * _WORD) - low
        parts, here = [], self._words.take(word)
        for offset in range(0, max(longest, 1), _WORD):
            word += 1
            there = self._words.take(word)
            # By so many bits as a word has, nothing is left of it: numpy says so of shifts.
            part = (here >> low) | (there << high)
            parts.append(part & self._masks[_LONGEST - offset :].take(sizes))
            here = there
        return sizes, parts

    def _by_slot(self, mixed: Any) -> tuple[Any, Any]:
        """Return a row of each different number and each one's place, if no two share a slot."""
        np = self._np
        slots = (mixed >> np.uint64(8 * _WORD - _SLOT_BITS)).astype(np.intp)
        rows = np.full(1 << _SLOT_BITS, -1)
        rows[slots] = np.arange(self.rows)
        used = np.flatnonzero(rows >= 0)
        ranks = np.empty(len(rows), np.uint16)
        ranks[used] = np.arange(len(used))
        return rows[used], ranks.take(slots)

    def _text(self, column: int, row: int) -> str:
        start, end = self._cuts[column : column + 2, row].tolist()
        return self._padded[start + 1 : end].decode()
