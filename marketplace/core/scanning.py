"""Looking for viruses: the one function that every file of a person's passes, whoever takes it in.

What is used at once is looked at as it is received and refused there (`refuse_infected`). What is kept
is stored sealed and looked at by a job; until then it is read by nobody (`compliance.service.scanning`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from marketplace.core.errors import Invalid, Unavailable

AWAY = (
    "Nothing was taken in, since no file is before it was looked at. Send it again in some minutes."
)


@dataclass(frozen=True)
class Finding:
    """What a scanner says of a file: the virus by its name, or None; by which signatures."""

    virus: str | None
    engine: str


class VirusScanner(Protocol):
    """Looks for viruses in files."""

    @property
    def present(self) -> bool:
        """Whether there is one: where there is none, files are called unscanned."""

    def scan(self, pieces: Iterable[bytes]) -> Finding:
        """Look at a whole file; `ScannerAway` if that can't be done now."""


class VirusFound(Invalid):
    """`extra.virus` names it."""

    code = "virus_found"
    title = "A virus was found in this file. It was not taken in."


class ScannerAway(Unavailable):
    """The scanner does not answer, or not whole: the file is clean to nobody."""

    code = "virus_scanner_unavailable"
    title = "The virus scanner does not answer."


def look(scanner: VirusScanner, pieces: Iterable[bytes]) -> Finding | None:
    """Have a whole file looked at, outside any transaction; None where no scanner is set.

    `ScannerAway` if that can't be done now.
    """
    return scanner.scan(pieces) if scanner.present else None


def refuse_infected(scanner: VirusScanner, pieces: Iterable[bytes]) -> Finding | None:
    """Do what `look` does; `VirusFound` for a file with a virus."""
    found = look(scanner, pieces)
    if found is not None and found.virus is not None:
        raise VirusFound(f"{found.virus} was found.", extra={"virus": found.virus})
    return found


def refuse_unseen(scanner: VirusScanner, pieces: Iterable[bytes]) -> None:
    """Do what `refuse_infected` does for a file that is used at once: unseen it is refused too."""
    try:
        refuse_infected(scanner, pieces)
    except ScannerAway as error:
        raise ScannerAway(AWAY) from error
