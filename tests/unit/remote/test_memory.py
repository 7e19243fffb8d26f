"""What is remembered of a registry, and what is found out by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.protocol.registry.events import NamespaceProven, PeersChanged
from mpp.remote.limits import EVIDENCE_MAX
from mpp.remote.memory import MemoryFile, read_memory
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW
from tests.unit.remote.book import Book

DAY = 24 * 3600


def path_of(book: Book):  # type: ignore[no-untyped-def]
    return lambda begin, end: book.consistency(begin, end).hashes


def grow(book: Book, count: int = 1) -> None:
    for number in range(count):
        book.add(PeersChanged(sha256=f"{number:064x}"))


def test_a_log_that_goes_on_is_followed(book: Book, memory: MemoryFile) -> None:
    for _ in range(3):
        found = memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
        assert (memory.known().size, memory.known().root) == (found.size, found.root)
        grow(book, 3)
    book.now += 60
    memory.accept(book.checkpoint().note, path_of(book), NOW + 60, DAY)
    assert memory.known().at == NOW + 60
    assert memory.known().evidence == ()


def test_the_same_state_renewed_is_remembered(book: Book, memory: MemoryFile) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    old = book.checkpoint().note
    book.now += 3600
    memory.accept(book.checkpoint().note, path_of(book), NOW + 3600, DAY)
    assert memory.known().at == NOW + 3600
    memory.accept(old, path_of(book), NOW + 3600, DAY)
    assert memory.known().at == NOW + 3600


def refused(code: str, book: Book, memory: MemoryFile, now: int = NOW, path: object = None) -> Refused:
    with pytest.raises(Refused) as caught:
        memory.accept(book.checkpoint().note, path or path_of(book), now, DAY)  # type: ignore[arg-type]
    assert caught.value.code == code
    return caught.value


def test_an_older_state_is_a_rollback(book: Book, memory: MemoryFile) -> None:
    old = book.checkpoint().note
    grow(book)
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    with pytest.raises(Refused) as caught:
        memory.accept(old, path_of(book), NOW, DAY)
    assert caught.value.code == "registry.rollback"
    assert memory.known().size == len(book.leaves)


def test_a_frozen_state_is_stale_and_one_of_tomorrow_too(book: Book, memory: MemoryFile) -> None:
    refused("registry.stale", book, memory, now=NOW + DAY + 1)
    refused("registry.early", book, memory, now=NOW - 3600)
    memory.accept(book.checkpoint().note, path_of(book), NOW + 10 * DAY, None)


def test_two_histories_are_kept_as_evidence(book: Book, memory: MemoryFile) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    other = Book()
    other.add(NamespaceProven(namespace="com.example", publisher_id=publisher().id, method="dns"))
    grow(other, 20)
    fault = refused("registry.fork", other, memory)
    assert "registry show" in fault.hint
    (one,) = memory.known().evidence
    assert one.before == book.checkpoint().note.decode()
    assert one.after == other.checkpoint().note.decode()
    # The same twice is kept once, and what was known stays known.
    refused("registry.fork", other, memory)
    assert len(memory.known().evidence) == 1
    assert memory.known().root == book.checkpoint().root


def test_one_size_with_two_roots_is_a_fork(book: Book, memory: MemoryFile) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    other = Book()
    while len(other.leaves) < len(book.leaves):
        grow(other)
    refused("registry.fork", other, memory)
    memory.compare(book.checkpoint().note, NOW)
    with pytest.raises(Refused):
        memory.compare(other.checkpoint().note, NOW)


def test_a_log_that_goes_on_and_proves_nothing_is_a_fork(book: Book, memory: MemoryFile) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    grow(book)
    refused("registry.fork", book, memory, path=lambda _begin, _end: ())


def test_evidence_has_a_bound(book: Book, memory: MemoryFile) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    other = Book()
    for _ in range(EVIDENCE_MAX + 8):
        grow(other)
        with pytest.raises(Refused):
            memory.accept(other.checkpoint().note, path_of(other), NOW, DAY)
    assert 0 < len(memory.known().evidence) <= EVIDENCE_MAX


def test_the_checkpoint_of_a_stranger_is_refused(book: Book, memory: MemoryFile) -> None:
    refused("registry.identity", Book("Another"), memory)
    with pytest.raises(Refused) as caught:
        memory.accept(book.checkpoint(signer=publisher("Thief")).note, path_of(book), NOW, DAY)
    assert caught.value.code == "registry.unsigned"


def test_root_documents_only_grow(book: Book, memory: MemoryFile) -> None:
    old = book.keys
    new = rotated(old, "2", revoke=True)
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    memory.learn(new.chain)
    assert len(memory.known().chain.roots) == 2
    memory.learn(old.chain)
    memory.begin(old.chain)
    assert len(memory.known().chain.roots) == 2
    # Attack: the stolen old log key goes on signing.
    grow(book)
    refused("registry.unsigned", book, memory)
    # What was seen before the rotation still counts.
    book.keys = new
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    with pytest.raises(Refused) as caught:
        memory.learn(rotated(old, "3").chain)
    assert caught.value.code == "registry.fork"
    with pytest.raises(Refused) as caught:
        memory.learn(publisher("Another").chain)
    assert caught.value.code == "registry.identity"


def test_a_damaged_or_lost_memory_is_a_fault(book: Book, memory: MemoryFile, tmp_path: Path) -> None:
    memory.accept(book.checkpoint().note, path_of(book), NOW, DAY)
    path = Path(memory.path)
    document = json.loads(path.read_text())
    for change in ({"size": -1}, {"root": "x"}, {"more": 1}, {"roots": "AAAA"}, {"evidence": [{"at": 1}]}):
        path.write_text(json.dumps({**document, **change}))
        with pytest.raises(MppError):
            memory.known()
    other = MemoryFile(str(tmp_path / "registries"), "0" * 64)
    path.write_text(json.dumps(document))
    Path(other.path).write_text(json.dumps(document))
    with pytest.raises(Refused, match="another registry"):
        other.load()
    memory.forget()
    memory.forget()
    with pytest.raises(HostFailed, match="forgotten"):
        memory.known()


def test_text_that_is_no_memory_is_refused() -> None:
    with pytest.raises(Refused):
        read_memory(b"[]", where="x")
