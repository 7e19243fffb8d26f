"""Files come whole, in pieces, from mirrors, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.downloading import download, File, is_strong, Place
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.testing.keys import publisher
from mpp.testing.packages import signed
from tests.unit.remote.book import Book, ranged, Reply, Seen, Server, serving
from tests.unit.remote.conftest import HELLO

BIG = os.urandom(300_000)


@pytest.fixture
def book() -> Book:
    found = Book()
    found.publish(signed(extra={"assets/noise.bin": BIG}), publisher())
    return found


@pytest.fixture
def mirror(book: Book) -> Iterator[Server]:
    with serving(book) as found:
        yield found


@pytest.fixture
def wanted(book: Book) -> File:
    doc = book.docs[HELLO, "0.1.0"]
    return File(package_id=HELLO, version="0.1.0", file_hash=doc.file_hash, size=doc.size)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "downloads")


@pytest.fixture
def mirrored(registry: Registry, mirror: Server) -> RegistryClient:
    return RegistryClient(replace(registry, mirrors=(mirror.url,)), seconds=3, silence=1, transfer=3)


def cut(server: Server, at: int) -> None:
    """The connection breaks after ``at`` bytes of the file."""

    def raw(seen: Seen, stream: Any) -> bool:
        if "/download" not in seen.target:
            return False
        reply = ranged(server.book.files[HELLO, "0.1.0"], seen)
        head = f"HTTP/1.1 {reply.status} OK\r\n" + "".join(f"{name}: {text}\r\n" for name, text in reply.headers.items())
        stream.write(head.encode() + f"Content-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body[:at])
        return True

    server.raw = raw


def test_a_file_comes_whole(client: RegistryClient, wanted: File, folder: str, book: Book) -> None:
    told: list[tuple[int, int]] = []
    path = download(client, wanted, folder, progress=lambda done, whole: told.append((done, whole)))
    assert Path(path).read_bytes() == book.files[HELLO, "0.1.0"]
    assert told[-1] == (wanted.size, wanted.size)
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_what_broke_off_goes_on(client: RegistryClient, wanted: File, folder: str, server: Server, book: Book) -> None:
    cut(server, 100_000)
    with pytest.raises(RemoteFailed):
        download(client, wanted, folder)
    assert Place(folder=folder, file_hash=wanted.file_hash).have() == 100_000
    with pytest.raises(RemoteFailed):
        download(client, wanted, folder)
    server.raw = lambda _seen, _stream: False
    assert Path(download(client, wanted, folder)).read_bytes() == book.files[HELLO, "0.1.0"]
    assert server.seen[-1].headers["range"] == "bytes=200000-"
    assert server.seen[-1].headers["if-range"] == f'"{wanted.file_hash}"'
    # What is whole already is not fetched again.
    count = len(server.seen)
    download(client, wanted, folder)
    assert len(server.seen) == count


def test_a_server_that_knows_no_ranges_begins_anew(client: RegistryClient, wanted: File, folder: str, server: Server, book: Book) -> None:
    cut(server, 1000)
    with pytest.raises(RemoteFailed):
        download(client, wanted, folder)
    server.raw = lambda _seen, _stream: False
    server.change = lambda seen, reply: Reply(200, book.files[HELLO, "0.1.0"]) if "/download" in seen.target else reply
    assert Path(download(client, wanted, folder)).read_bytes() == book.files[HELLO, "0.1.0"]


def test_without_a_strong_mark_nothing_is_put_together(client: RegistryClient, wanted: File, folder: str, server: Server) -> None:
    cut(server, 1000)
    with pytest.raises(RemoteFailed):
        download(client, wanted, folder)
    place = Place(folder=folder, file_hash=wanted.file_hash)
    Path(place.mark).write_text('W/"weak"')
    server.raw = lambda _seen, _stream: False
    download(client, wanted, folder)
    assert "range" not in server.seen[-1].headers


def test_a_mirror_comes_first_and_the_registry_helps(mirrored: RegistryClient, wanted: File, folder: str, mirror: Server, server: Server) -> None:
    download(mirrored, wanted, folder)
    assert (len(mirror.targets("/download")), len(server.targets("/download"))) == (1, 0)
    os.unlink(Place(folder=folder, file_hash=wanted.file_hash).part)
    mirror.change = lambda _seen, _reply: Reply(404, b"")
    told: list[str] = []
    download(mirrored, wanted, folder, told=told.append)
    assert len(server.targets("/download")) == 1
    assert told[0].startswith(mirror.url)


def swapped(wanted: File, data: bytes) -> Reply:
    return Reply(200, data[:100] + b"!" + data[101:], {"ETag": f'"{wanted.file_hash}"'})


def test_a_mirror_that_swaps_bytes_loses(mirrored: RegistryClient, wanted: File, folder: str, mirror: Server, book: Book) -> None:
    mirror.change = lambda _seen, _reply: swapped(wanted, book.files[HELLO, "0.1.0"])
    told: list[str] = []
    path = download(mirrored, wanted, folder, told=told.append)
    assert Path(path).read_bytes() == book.files[HELLO, "0.1.0"]
    assert "log proves" in told[0]


def test_a_bad_beginning_of_one_is_not_the_fault_of_the_next(mirrored: RegistryClient, wanted: File, folder: str, mirror: Server, book: Book) -> None:
    """Attack: a mirror that gives a wrong first half under the mark of the right file, so that the honest rest does not fit."""
    data = book.files[HELLO, "0.1.0"]

    def raw(_seen: Seen, stream: Any) -> bool:
        stream.write(f'HTTP/1.1 200 OK\r\nETag: "{wanted.file_hash}"\r\nContent-Length: {len(data)}\r\n\r\n'.encode() + b"!" * 1000)
        return True

    mirror.raw = raw
    assert Path(download(mirrored, wanted, folder)).read_bytes() == data


def test_everybody_lies(client: RegistryClient, wanted: File, folder: str, server: Server, book: Book) -> None:
    server.change = lambda seen, reply: swapped(wanted, book.files[HELLO, "0.1.0"]) if "/download" in seen.target else reply
    with pytest.raises(Refused) as caught:
        download(client, wanted, folder)
    assert caught.value.code == "content.file"
    assert Place(folder=folder, file_hash=wanted.file_hash).have() == 0


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(200, b"short"), "remote.length"),
        (Reply(200, b"x" * 1_000_000), "remote.length"),
        (Reply(206, b"x", {"Content-Range": "bytes 5-5/9"}), "remote.answer"),
        (Reply(416, b""), "remote.answer"),
        (Reply(500, b""), "remote.answer"),
        (Reply(204, b""), "remote.connection"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_refused(client: RegistryClient, wanted: File, folder: str, server: Server, reply: Reply, code: str) -> None:
    server.change = lambda seen, old: reply if "/download" in seen.target else old
    with pytest.raises(MppError) as caught:
        download(client, wanted, folder)
    assert caught.value.code == code


def test_a_file_that_no_package_has_is_not_begun(client: RegistryClient, wanted: File, folder: str, server: Server) -> None:
    with pytest.raises(Refused) as caught:
        download(client, replace(wanted, size=TOTAL_BYTES_MAX + 1), folder)
    assert caught.value.code == "size.file"
    assert not server.seen


def test_a_link_in_the_cache_is_not_followed(client: RegistryClient, wanted: File, folder: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine")
    os.makedirs(folder)
    place = Place(folder=folder, file_hash=wanted.file_hash)
    os.symlink(other, place.part)
    download(client, wanted, folder)
    os.unlink(place.part)
    os.symlink(other, place.part)
    Path(place.mark).write_text(f'"{wanted.file_hash}"')
    with pytest.raises(HostFailed):
        download(client, wanted, folder)
    assert other.read_text() == "mine"


@pytest.mark.parametrize("mark", ['W/"x"', '"', '""', '"a\r\nX: y"', f'"{"x" * 300}"', '"é"', "x"])
def test_marks_that_promise_nothing(mark: str) -> None:
    assert not is_strong(mark)
    assert is_strong('"x"')
