"""Files: whole or not there, below the root and nowhere else."""

import threading

import pytest

from marketplace.adapters.object_store import FileNotStored, FileStore


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return FileStore(f"file://{tmp_path}/files" if request.param == "file" else "memory://")


def test_a_file_is_kept_replaced_streamed_and_deleted(store):
    content = bytes(range(256)) * 20_000
    store.put("receipts/1/receipt 000001.pdf", b"first")
    store.put("receipts/1/receipt 000001.pdf", content)
    assert store.exists("receipts/1/receipt 000001.pdf")
    assert store.get("receipts/1/receipt 000001.pdf") == content
    pieces = list(store.stream("receipts/1/receipt 000001.pdf", chunk_size=1 << 16))
    assert b"".join(pieces) == content
    store.delete("receipts/1/receipt 000001.pdf")
    store.delete("receipts/1/receipt 000001.pdf")
    assert not store.exists("receipts/1/receipt 000001.pdf")


def test_an_empty_file_is_a_file(store):
    store.put("empty", b"")
    assert store.get("empty") == b""
    assert b"".join(store.stream("empty")) == b""


def test_what_is_not_there_is_not_found_before_anything_is_sent(store):
    with pytest.raises(FileNotStored):
        store.get("none")
    with pytest.raises(FileNotStored):
        store.stream("none")


@pytest.mark.fault(47)
@pytest.mark.parametrize(
    "key", ["", "/", "../up", "a/../../up", "a//b", "./a", "/etc/passwd", "a\x00b", "a\\..\\b"]
)
def test_a_key_never_leaves_the_root(store, key, tmp_path):
    for act in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete(key)):
        with pytest.raises(ValueError, match="no key"):
            act()


@pytest.mark.fault(43)
def test_a_reader_sees_the_old_file_or_the_new_one_never_a_part(tmp_path):
    store = FileStore(f"file://{tmp_path}/files")
    versions = [bytes([number]) * 3_000_000 for number in range(4)]
    store.put("big", versions[0])
    stop = threading.Event()
    torn: list[int] = []

    def read() -> None:
        while not stop.is_set():
            seen = store.get("big")
            if seen not in versions:
                torn.append(len(seen))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(40):
        store.put("big", versions[number % 4])
    stop.set()
    for reader in readers:
        reader.join()
    assert torn == []
