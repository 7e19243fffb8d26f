"""A registry on loopback with two versions of a package, and a client that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.memory import MemoryFile
from mpp.testing.keys import publisher
from mpp.testing.packages import signed
from tests.unit.remote.book import Book, Server, serving

HELLO = "com.example.hello"


@pytest.fixture
def book() -> Book:
    found = Book()
    for number in ("0.1.0", "0.2.0"):
        found.publish(signed(changes={"version": number}), publisher())
    return found


@pytest.fixture
def server(book: Book) -> Iterator[Server]:
    with serving(book) as found:
        yield found


@pytest.fixture
def registry(server: Server) -> Registry:
    return Registry(name="example", url=server.url, registry_id=server.book.id)


@pytest.fixture
def client(registry: Registry) -> RegistryClient:
    return RegistryClient(registry, seconds=5, silence=2, transfer=5)


@pytest.fixture
def memory(book: Book, tmp_path: Path) -> MemoryFile:
    found = MemoryFile(str(tmp_path / "registries"), book.id)
    found.begin(book.keys.chain)
    return found
