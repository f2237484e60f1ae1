"""Files for accountants: a month of the books, whole or not at all."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from typing import IO

from marketplace.core.db import Session
from marketplace.payments.queries import accounting

PIECE = 1 << 16
FILES: dict[str, Callable[[Session, date, date], Iterator[bytes]]] = {
    "entries": accounting.entries,
    "balances": accounting.balances,
}


def month_file(session: Session, name: str, month: date) -> Iterator[bytes]:
    """Return the pieces of the file `entries` or `balances` of a month.

    It stands on the local disk before the first piece goes out, so that nobody gets a part of it,
    and a slow reader keeps no transaction open.
    """
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it
    try:
        for piece in FILES[name](session, month, after):
            spool.write(piece)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return _pieces(spool)


def _pieces(spool: IO[bytes]) -> Iterator[bytes]:
    with spool:
        while piece := spool.read(PIECE):
            yield piece
