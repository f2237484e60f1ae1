"""Unit tests reach no server: opening a connection is an error that says where it belongs."""

import socket
from typing import Any, NoReturn

import psycopg
import pytest


class NoServerHere(AssertionError):
    """A unit test tried to open a connection."""


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NoServerHere("a unit test opens no connection; put this test below tests/integration")

    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
    monkeypatch.setattr(psycopg.AsyncConnection, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
