"""What makes a whole file unreadable, how large a file may be, and what a host is told of it."""

from dataclasses import dataclass

MOST_ROWS = 50_000
MOST_BYTES = 50_000_000
MIB = 1 << 20


class SheetFault(Exception):
    """The file as a whole can't be read; `code` is stable, `expected` says what to do."""

    def __init__(self, code: str, expected: str, *, row: int = 1, value: str = "") -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.row = row
        self.value = value


@dataclass(frozen=True)
class Remark:
    """Something about the file that a host should know; nothing was refused for it."""

    code: str
    text: str


@dataclass(frozen=True)
class Limits:
    """How large a file may be; all of it is looked at before anything is kept in memory.

    `content` is the file itself in bytes, `inflated` what a workbook unpacks to, `cells` and
    `text` (characters) what its sheet would hold.
    """

    rows: int = MOST_ROWS
    content: int = MOST_BYTES
    inflated: int = 300 * MIB
    cells: int = 2_500_000
    text: int = 100 * MIB


LARGE = Limits()
"""For a job or a command, with a file on disk."""
SMALL = Limits(rows=2_000, content=4 * MIB, inflated=32 * MIB, cells=200_000, text=8 * MIB)
"""For a request that waits for the answer."""
