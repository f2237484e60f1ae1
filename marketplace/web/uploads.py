"""The one way in for files that people send in a request's body.

`whole` is for what is used at once: it is looked at for viruses here. `pieces` and `held` are for what
is stored, sealed, and looked at by a job before anybody reads it. A test walks all routes that take a
file, and no other module reads a body.
"""

from collections.abc import Iterator

from flask import request

from marketplace.core.scanning import VirusScanner, refuse_unseen
from marketplace.web import context

PIECE = 1 << 16


def whole(most: int) -> bytes:
    """Return the body, at most `most` bytes, looked at for viruses.

    Nothing of the database is held meanwhile: what was read before is read anew. `VirusFound`, or
    `ScannerAway` where nobody could look.
    """
    content = held(most)
    scanner = context.parts().get(VirusScanner)
    if scanner.present:
        context.session().rollback()
        refuse_unseen(scanner, (content,))
    return content


def held(most: int) -> bytes:
    """Return the body, at most `most` bytes, for who holds it back until it was looked at."""
    request.max_content_length = most
    return request.get_data()


def pieces(most: int, size: int = PIECE) -> Iterator[bytes]:
    """Yield the body as it comes in, for who holds it back until it was looked at."""
    request.max_content_length = most
    while piece := request.stream.read(size):
        yield piece
