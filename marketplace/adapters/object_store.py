"""Files by key in an object store named by a URL: `file:///srv/files`, `memory://`, `s3://bucket`.

Also `gs://` and `az://`; their credentials come from the environment that their own tools read.
A put is whole or not at all: local files are staged and renamed, object stores do so themselves.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from marketplace.core.errors import NotFound, Unavailable


class FileNotStored(NotFound):
    code = "file_not_found"
    title = "There is no such file."


class StoreUnavailable(Unavailable):
    code = "file_store_unavailable"
    title = "The file store does not answer. Please try again."


class FileStore:
    """Serves `ObjectStore`."""

    def __init__(self, url: str) -> None:
        self._store: Any = _open(url)

    def put(self, key: str, content: bytes) -> None:
        try:
            obstore.put(self._store, _safe(key), content)
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def put_stream(self, key: str, pieces: Iterable[bytes]) -> None:
        try:
            # Several parts, put together by the store at the end; a reader sees none of them before.
            # One part of 5 MiB in memory at a time, where the library would keep twelve.
            obstore.put(self._store, _safe(key), pieces, use_multipart=True, max_concurrency=1)
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def get(self, key: str) -> bytes:
        return bytes(self._found(key).bytes())

    def stream(self, key: str, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        # Asked for before the first piece is: a missing file is an answer, not half an answer.
        found = self._found(key)
        return (bytes(piece) for piece in found.stream(min_chunk_size=chunk_size))

    def exists(self, key: str) -> bool:
        try:
            obstore.head(self._store, _safe(key))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error
        return True

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, _safe(key))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def size(self, key: str) -> int:
        try:
            return int(obstore.head(self._store, _safe(key))["size"])
        except FileNotFoundError as error:
            raise FileNotStored from error
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def keys(self, prefix: str) -> Sequence[str]:
        try:
            batches = obstore.list(self._store, _safe(prefix))
            return [str(one["path"]) for batch in batches for one in batch]
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def signed_upload(self, key: str, life: timedelta) -> str | None:
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        try:
            return str(obstore.sign(self._store, "PUT", _safe(key), life))
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error

    def _found(self, key: str) -> Any:
        try:
            return obstore.get(self._store, _safe(key))
        except FileNotFoundError as error:
            raise FileNotStored from error
        except (BaseError, OSError) as error:
            raise StoreUnavailable(str(error)) from error


def _open(url: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder)
    return from_url(url)


def _safe(key: str) -> str:
    """Return `key` if it names a file below the root and nothing else: keys are ours, so this is
    a guard against our own mistakes.
    """
    parts = key.split("/")
    if not key or any(part in {"", ".", ".."} for part in parts) or "\x00" in key or "\\" in key:
        raise ValueError(f"{key!r} is no key of a file")
    return key
