"""What is taken in and what is refused, piece by piece: polyglots, bombs, names, sizes."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.adapters.document_vault import CHUNK, AesDocumentVault
from marketplace.compliance.rules.files import (
    JPEG,
    LARGEST,
    PDF,
    PNG,
    FileFault,
    Inspection,
    check_declared,
)
from marketplace.core.errors import Unavailable
from tests.settings import ENVIRONMENT

pytestmark = pytest.mark.fault(47)

A_PDF = (
    b"%PDF-1.7\n1 0 obj\n<</Length 30>>\nstream\n/JS /Launch by chance \x00\xff\nendstream\n"
    b"endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def a_png(width=2, height=2):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\x00\x00\x00" * 2))
        + chunk(b"IEND", b"")
    )


def a_jpeg(width=2, height=2, comment=b""):
    said = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment if comment else b""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return (
        b"\xff\xd8"
        + said
        + b"\xff\xc0"
        + struct.pack(">H", len(frame) + 2)
        + frame
        + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
        + b"\x12\xff\x00\x34"
        + b"\xff\xd9"
    )


def a_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\x00" * 1_000_000)
    return file.getvalue()


GOOD = {PDF: A_PDF, PNG: a_png(), JPEG: a_jpeg()}


def inspect(content, media_type, size=1 << 16):
    looking = Inspection(media_type)
    for start in range(0, len(content), size):
        looking.feed(content[start : start + size])
    looking.finish()


def fault_of(content, media_type, size=1 << 16):
    with pytest.raises(FileFault) as caught:
        inspect(content, media_type, size)
    return caught.value.code


@pytest.mark.parametrize("media_type", GOOD)
@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_documents_are_taken_in_pieces_of_any_size(media_type, size):
    inspect(GOOD[media_type], media_type, size)


def test_a_picture_with_a_second_one_behind_it_is_a_picture():
    inspect(a_jpeg() + a_jpeg(), JPEG)


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (a_zip(), PDF, "file_type"),
        (b"<html><script>alert(1)</script></html>", PDF, "file_type"),
        (b"MZ\x90\x00" + b"\x00" * 100, PNG, "file_type"),
        (a_png(), JPEG, "file_type"),
        (b"%PDF", PDF, "file_type"),
        (b"", PDF, "file_empty"),
        # Two things at once: an archive behind, a page or a document within the first bytes.
        (A_PDF + a_zip(), PDF, "file_two_things"),
        (a_png() + a_zip(), PNG, "file_two_things"),
        (a_jpeg() + a_zip(), JPEG, "file_two_things"),
        (a_jpeg(comment=b"%PDF-1.7 1 0 obj"), JPEG, "file_two_things"),
        (A_PDF.replace(b"trailer", b"<script>trailer"), PDF, "file_two_things"),
        (a_png() + b"\x00<?php system($_GET[0]);", PNG, "file_two_things"),
        (a_jpeg() + b"MZ\x90\x00", JPEG, "file_two_things"),
        # What would grow when it is opened, runs, is locked, or breaks off.
        (a_png(50_000, 50_000), PNG, "file_picture_too_large"),
        (a_jpeg(65_000, 65_000), JPEG, "file_picture_too_large"),
        (a_png(0, 2), PNG, "file_damaged"),
        (A_PDF.replace(b"/Root", b"/OpenAction<</JS(app.alert(1))>>/Root"), PDF, "file_active"),
        (A_PDF.replace(b"/Root", b"/Encrypt 5 0 R/Root"), PDF, "file_locked"),
        (A_PDF[:-7], PDF, "file_damaged"),
        (a_png()[:-6], PNG, "file_damaged"),
        (a_jpeg()[:-2], JPEG, "file_damaged"),
    ],
)
def test_what_is_not_a_document_through_and_through_is_refused(content, media_type, code, size):
    assert fault_of(content, media_type, size) == code


def test_an_endless_file_is_refused_at_the_limit_and_no_more_is_kept():
    looking = Inspection(PDF)
    piece = b"%PDF-1.7\nstream\n" + b"x" * (1 << 20)
    with pytest.raises(FileFault) as caught:
        while True:
            looking.feed(piece)
    assert caught.value.code == "file_too_large"
    assert LARGEST < looking.size <= LARGEST + len(piece)
    kept = sum(len(value) for value in vars(looking).values() if isinstance(value, bytes))
    kept += sum(len(v) for v in vars(looking._walk).values() if isinstance(v, bytes))
    assert kept < 100_000


@pytest.mark.parametrize(
    ("filename", "media_type", "size", "code"),
    [
        ("../../etc/passwd.pdf", PDF, 10, "file_name"),
        ("..pdf", PDF, 10, "file_name"),
        (r"C:\report.pdf", PDF, 10, "file_name"),
        ("re\x00port.pdf", PDF, 10, "file_name"),
        ("report\r\nX-Header: 1.pdf", PDF, 10, "file_name"),
        ("\u202efdp.exe.pdf", PDF, 10, "file_name"),
        (".pdf", PDF, 10, "file_name"),
        ("a" * 200 + ".pdf", PDF, 10, "file_name"),
        ("report.exe", PDF, 10, "file_name"),
        ("report.pdf", "application/zip", 10, "file_type"),
        ("report.pdf", PDF, 2**30, "file_too_large"),
        ("report.pdf", PDF, 0, "file_empty"),
    ],
)
def test_what_is_announced_is_refused_before_a_byte_is_read(filename, media_type, size, code):
    with pytest.raises(FileFault) as caught:
        check_declared(filename, media_type, size)
    assert caught.value.code == code


def test_people_name_their_files_in_their_own_script():
    for name in ("Diplôme (1).pdf", "शिक्षा.PDF", "report v2.1.pdf"):
        check_declared(name, PDF, 10)


@given(st.binary(max_size=2000), st.sampled_from([PDF, JPEG, PNG]), st.integers(1, 64))
def test_any_bytes_are_taken_or_refused_and_never_an_accident(content, media_type, size):
    magic = {PDF: b"%PDF-", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}[media_type]
    for tried in (content, magic + content):
        try:
            inspect(tried, media_type, size)
        except FileFault as fault:
            assert fault.text


@given(st.binary(max_size=200), st.sampled_from([PNG, JPEG]))
def test_nothing_is_hidden_behind_a_picture(behind, media_type):
    behind = behind.lstrip(b"\x00")
    if behind:
        assert fault_of(GOOD[media_type] + behind, media_type) in {
            "file_two_things",
            "file_damaged",
        }


VAULT = AesDocumentVault(ENVIRONMENT["LETTER_KEY"])


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 200_001])
def test_what_is_sealed_is_opened_again_and_reads_as_nothing_meanwhile(size):
    content = (b"secret of a document " * (size // 20 + 1))[:size]
    key = VAULT.new_key("documents/1")
    sealed = b"".join(VAULT.seal("documents/1", key, [content[:7], content[7:]]))
    assert b"secret" not in sealed
    pieces = [sealed[i : i + 1000] for i in range(0, len(sealed), 1000)]
    assert b"".join(VAULT.open("documents/1", key, pieces)) == content


def test_what_was_tampered_with_is_not_opened():
    content = b"x" * (2 * CHUNK + 5)
    key = VAULT.new_key("documents/1")
    sealed = b"".join(VAULT.seal("documents/1", key, [content]))
    one = CHUNK + 16
    flipped = sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:]
    moved = sealed[:7] + sealed[7 + one : 7 + 2 * one] + sealed[7 : 7 + one] + sealed[7 + 2 * one :]
    cut = sealed[: 7 + 2 * one]
    for broken in (flipped, moved, cut, sealed[:5], b"", sealed + b"x"):
        with pytest.raises(Unavailable):
            list(VAULT.open("documents/1", key, [broken]))
    for label, other in (("documents/2", key), ("documents/1", VAULT.new_key("documents/1"))):
        with pytest.raises(Unavailable):
            list(VAULT.open(label, other, [sealed]))
