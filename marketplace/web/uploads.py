"""The one way in for files that people send in a request's body.

`whole` and `whole_of_form` are for what is used at once: it is looked at for viruses here. `pieces`,
`held` and `of_form` are for what is stored, sealed, and looked at by a job before anybody reads it. A
test walks all routes that take a file, and no other module reads a body.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from io import SEEK_END
from typing import Any, TypeVar, cast

from flask import request

from marketplace.core.scanning import VirusScanner, refuse_unseen
from marketplace.web import context

PIECE = 1 << 16
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Chosen:
    """A file that was chosen in a form: what the browser says of it, and its bytes in pieces."""

    filename: str
    media_type: str
    size: int
    pieces: Iterator[bytes]


def whole(most: int) -> bytes:
    """Return the body, at most `most` bytes, looked at for viruses.

    Nothing of the database is held meanwhile: what was read before is read anew. `VirusFound`, or
    `ScannerAway` where nobody could look.
    """
    return _seen(held(most))


def whole_of_form(field: str, most: int) -> bytes | None:
    """Return the file of a form's field as `whole` does the body; None where none was chosen.

    Of one that is larger a byte more than `most`, for who says so beside the field.
    """
    chosen = of_form(field)
    return None if chosen is None else _seen(request.files[field].stream.read(most + 1))


def _seen(content: bytes) -> bytes:
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


def form_first(view: View) -> View:
    """Have the form come in whole before anything is asked of the database; files go to disk.

    Stands above the guard: else a slow line would hold a transaction open until its file is here.
    """

    @wraps(view)
    def later(*args: Any, **kwargs: Any) -> Any:
        _ = request.files
        return view(*args, **kwargs)

    return cast("View", later)


def of_form(field: str) -> Chosen | None:
    """Return the file of a form's field, for who holds it back until it was looked at.

    None where none was chosen.
    """
    found = request.files.get(field)
    if found is None or not found.filename:
        return None
    size = found.stream.seek(0, SEEK_END)
    found.stream.seek(0)
    pieces = iter(lambda: found.stream.read(PIECE), b"")
    return Chosen(found.filename, found.mimetype, size, pieces)
