"""Files of exports, between the object store and the local disk, in pieces and checked."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from marketplace.core.ports import ObjectStore

PIECE = 1 << 20


@dataclass(frozen=True)
class File:
    """A file of an export; `key` is where it stands in the object store, for us alone.

    `texts_cut` counts the texts that were longer than the format has room for.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    key: str
    texts_cut: int = 0


def put(
    store: ObjectStore, key: str, spool: IO[bytes], seen: Callable[[bytes], object] = len
) -> int:
    """Store all of `spool` at `key`, whole or not at all; return its size.

    `seen` is given every piece. The pieces come from the local disk, never from a store: one that
    is being written to can't be asked meanwhile.
    """
    size = spool.seek(0, 2)
    if size:
        store.put_stream(key, _pieces(spool, seen))
    else:
        store.put(key, b"")
    return size


def fetch(store: ObjectStore, file: File, spool: IO[bytes]) -> bool:
    """Copy a file into `spool`, which is empty; False, and nothing copied, if it isn't as noted."""
    digest = hashlib.sha256()
    if store.exists(file.key):
        for piece in store.stream(file.key):
            spool.write(piece)
            digest.update(piece)
    if digest.hexdigest() == file.sha256:
        return True
    spool.seek(0)
    spool.truncate()
    return False


def _pieces(spool: IO[bytes], seen: Callable[[bytes], object]) -> Iterator[bytes]:
    spool.seek(0)
    while piece := spool.read(PIECE):
        seen(piece)
        yield piece
