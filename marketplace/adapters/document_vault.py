"""Seals documents by AES-256-GCM, a key a document, chunk by chunk in constant memory.

A sealed document is a random prefix of 7 bytes and chunks of 64 KiB, each with its tag. A chunk's
nonce is the prefix, the chunk's number and whether it is the last (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015): chunks can't be changed, moved, left out or cut off unnoticed.
The document's key is sealed under one derived from the service's; both know the document's label.
"""

import base64
import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.core.errors import Unavailable

CHUNK = 1 << 16
TAG = 16
NONCE = 12
PREFIX = 7


class AesDocumentVault:
    """Serves `compliance.gateway.DocumentVault`."""

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in URL-safe base64; documents have a key of their own derived from it."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"marketplace documents")
        self._key = AESGCM(derive.derive(base64.urlsafe_b64decode(key)))

    def new_key(self, label: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        key = AESGCM.generate_key(bit_length=256)
        return nonce + self._key.encrypt(nonce, key, label.encode())

    def seal(self, label: str, sealed_key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
        cipher = self._cipher(label, sealed_key)
        prefix = secrets.token_bytes(PREFIX)
        yield prefix
        for number, (chunk, last) in enumerate(_chunks(pieces, CHUNK)):
            yield cipher.encrypt(_nonce(prefix, number, last), chunk, label.encode())

    def open(self, label: str, sealed_key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
        cipher = self._cipher(label, sealed_key)
        rest = iter(pieces)
        start = b""
        while len(start) < PREFIX:
            piece = next(rest, None)
            if piece is None:
                raise _unreadable()
            start += piece
        prefix, start = start[:PREFIX], start[PREFIX:]
        try:
            for number, (chunk, last) in enumerate(_chunks(_after(start, rest), CHUNK + TAG)):
                yield cipher.decrypt(_nonce(prefix, number, last), chunk, label.encode())
        except (InvalidTag, ValueError) as error:
            raise _unreadable() from error

    def _cipher(self, label: str, sealed_key: bytes) -> AESGCM:
        nonce, sealed = sealed_key[:NONCE], sealed_key[NONCE:]
        try:
            return AESGCM(self._key.decrypt(nonce, sealed, label.encode()))
        except (InvalidTag, ValueError) as error:
            raise _unreadable() from error


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:  # noqa: FBT001 - part of the nonce
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _after(start: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield start
    yield from rest


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Yield chunks of `size` bytes and whether each is the last; an empty content has one."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        # One byte more shows that a chunk isn't the last.
        while len(waiting) > size:
            yield bytes(waiting[:size]), False
            del waiting[:size]
    yield bytes(waiting), True


def _unreadable() -> Unavailable:
    return Unavailable("This document can't be opened: tell the operator.")
