"""What was typed into a form that could not be taken just now: kept, to be sent again by a button.

A session that has ended, another one that has begun, a database that was away for a moment: nobody
shall write anew for it what took them half an hour. Only what a page of ours has sent is kept, by
the origin that browsers name: nobody is led to send what another site made up. No secret is kept,
nor a file, which a browser sends only once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from flask import request

from marketplace.pages import once

# The field that carries it through signing in.
KEPT = "kept"
# Forms that have a password or a code in them are typed anew.
SECRET = frozenset({"password", "current"})
CLOSED = "/settings/"
# Whoever is refused has nothing larger read in for it.
MOST = 1 << 18
# From here on a text is one that somebody has written, not chosen.
WORDS = 25


@dataclass(frozen=True)
class Typed:
    """Where a form was sent, what was in it, whether files were, and the mark that it had."""

    path: str
    fields: tuple[tuple[str, str], ...]
    files: bool
    mark: str | None

    @classmethod
    def of_request(cls) -> Self | None:
        """What this request has sent, where it may be sent again."""
        if request.method != "POST" or not _ours() or not 0 < (request.content_length or 0) <= MOST:
            return None
        pairs = list(request.form.items(multi=True))
        names = {name for name, _ in pairs}
        if names & SECRET or request.path.startswith(CLOSED):
            return None
        typed = tuple((name, text) for name, text in pairs if name not in once.OURS)
        files = any(file.filename for file in request.files.values())
        return cls(request.full_path.rstrip("?"), typed, files, request.form.get(once.MARK))

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """What `written` has made; None of anything else."""
        try:
            found = json.loads(text or "")
        except ValueError:
            return None
        return cls._made(found) if isinstance(found, Mapping) else None

    @classmethod
    def _made(cls, found: Mapping[str, Any]) -> Self | None:
        path, fields = found.get("path"), found.get("fields")
        if not isinstance(path, str) or not isinstance(fields, list):
            return None
        pairs = [(str(one[0]), str(one[1])) for one in fields if isinstance(one, list) and one[1:]]
        here = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
        return cls(path, tuple(pairs), bool(found.get("files")), None) if here else None

    def written(self) -> str:
        """It in a hidden field."""
        return json.dumps({"path": self.path, "fields": self.fields, "files": self.files})

    @property
    def texts(self) -> list[str]:
        """What was written at some length: shown, so that it can be read and copied."""
        return [text for _, text in self.fields if len(text) > WORDS]


def _ours() -> bool:
    """Whether a page of ours sent this form: the browser says so, and no page can make it lie."""
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
