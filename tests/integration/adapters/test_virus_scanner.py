"""clamd's protocol over a real socket: nothing but a plain OK makes a file clean."""

import pytest

from marketplace.adapters.virus_scanner import ClamdScanner, NoScanner
from marketplace.core.scanning import ScannerAway
from tests.fakes.clamd import EICAR, VERSION, clamd


@pytest.fixture
def server():
    with clamd() as running:
        yield running


def test_a_file_goes_there_whole_and_in_pieces(server):
    pieces = [b"%PDF-", b"", b"x" * 200_000, b"%%EOF"]
    found = ClamdScanner(server.url).scan(pieces)
    assert (found.virus, found.engine) == (None, VERSION)
    assert server.streams == [b"".join(pieces)]


@pytest.mark.parametrize("at", [0, 1, 65_530, 199_990])
def test_the_test_virus_is_found_wherever_it_stands(server, at):
    content = b"x" * at + EICAR + b"x" * 10
    halves = [content[: at + 20], content[at + 20 :]]
    assert ClamdScanner(server.url).scan(halves).virus == "Eicar-Test-Signature"


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"stream: OK",
        b"stream: \0",
        b"OK\0",
        b"stream: OK trailing\0",
        b"stream: Can't allocate memory ERROR\0",
        b"\xff\xfe\0",
        b"stream: OK" + b"x" * 100_000 + b"\0",
    ],
)
def test_what_is_no_plain_answer_is_none(server, says):
    server.says = says
    with pytest.raises(ScannerAway):
        ClamdScanner(server.url).scan([b"content"])


def test_a_file_that_is_too_large_for_it_is_not_clean(server):
    server.limit = 100_000
    with pytest.raises(ScannerAway):
        ClamdScanner(server.url).scan([b"x" * 65_536] * 400)


def test_a_scanner_that_is_away_or_not_set_calls_nothing_clean():
    with clamd() as gone:
        url = gone.url
    with pytest.raises(ScannerAway):
        ClamdScanner(url).scan([b"x"])
    assert ClamdScanner(url).present
    with pytest.raises(ScannerAway):
        NoScanner().scan([b"x"])
    assert not NoScanner().present
