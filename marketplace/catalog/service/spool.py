"""Things that wait on the local disk for their turn, so that memory stays the same for any number."""

import pickle
import tempfile
from array import array
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Spool(Generic[T]):
    """A list on disk, in a file without a name that goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._places: array[int] = array("Q")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, item: T) -> None:
        content = pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        self._file.seek(self._end)
        self._places.append(self._end)
        self._end += self._file.write(content)

    def __getitem__(self, index: int) -> T:
        self._file.seek(self._places[index])
        found: T = pickle.load(self._file)  # noqa: S301 - what this process has just written
        return found

    def __iter__(self) -> Iterator[T]:
        for index in range(len(self)):
            yield self[index]

    def __len__(self) -> int:
        return len(self._places)
