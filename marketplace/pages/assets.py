"""The files of all pages, at addresses that change with what they hold.

A browser keeps such a file for good and asks for none anew, and after a release for each that has
changed. What is asked for without its version, or with another release's, is checked each time.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from flask import Response, request, send_from_directory
from jinja2 import Environment

A_YEAR = 31_536_000
VERSION = "v"
OURS = Path(str(files("marketplace.pages") / "static"))
# The library's own, below this path.
REFERENCE = "reference/"
SWAGGER = Path(str(files("flask_swagger_ui") / "dist"))


def address(name: str) -> str:
    """Where a file is had, such as `site.css` or `reference/swagger-ui.css`."""
    folder, within = _place(name)
    return f"/assets/{name}?{VERSION}={_version(folder / within)}"


def sent(name: str) -> Response:
    """The file; kept for good by who asked for just this version of it."""
    folder, within = _place(name)
    response = send_from_directory(folder, within)
    if request.args.get(VERSION) == _version(folder / within):
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return response


def teach(templates: Environment) -> None:
    """Have templates name files by `asset`."""
    templates.globals["asset"] = address


def _place(name: str) -> tuple[Path, str]:
    if name.startswith(REFERENCE):
        return SWAGGER, name.removeprefix(REFERENCE)
    return OURS, name


def _version(path: Path) -> str:
    """What the file holds in a few letters; read again only when it has changed."""
    found = path.stat()
    return _digest(path, found.st_mtime_ns, found.st_size)


@cache
def _digest(path: Path, changed: int, size: int) -> str:
    del changed, size
    return sha256(path.read_bytes()).hexdigest()[:12]
